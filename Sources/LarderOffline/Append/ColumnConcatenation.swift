import Glibc
import LarderColumns

extension Column {
  /// Columns of one type, one after the other.
  ///
  /// - Throws: `limitExceeded` if the bytes do not fit 2^31 - 1; `invalidArgument` for no column.
  static func concatenated(_ columns: [Column]) throws(LarderError) -> Column {
    guard let first = columns.first else {
      throw LarderError(.invalidArgument, "There is no column to put together.")
    }
    if columns.count == 1 { return first }
    if columns.contains(where: \.isDictionary) {
      var plain: [Column] = []
      for column in columns { plain.append(try column.withoutDictionary()) }
      return try concatenated(plain)
    }
    let count = columns.reduce(0) { $0 + $1.count }
    let nulls = columns.reduce(0) { $0 + $1.nullCount }
    let validity = nulls == 0 ? nil : joinedValidity(columns, count)
    switch first.type.layout {
    case .bits:
      let bits = Buffer(zeroedBytes: (count + 63) / 64 * 8)
      var at = 0
      for column in columns {
        unsafe copyBits(column.values.base, column.offset, column.count, bits.base, at)
        at += column.count
      }
      return Column(
        type: first.type, count: count, nullCount: nulls, validity: validity, values: bits)
    case .fixed(let width):
      let target = Buffer(uninitializedBytes: count * width)
      var at = 0
      for column in columns where column.count > 0 {
        unsafe memcpy(
          target.base + at, column.values.base + column.offset * width, column.count * width)
        at += column.count * width
      }
      return Column(
        type: first.type, count: count, nullCount: nulls, validity: validity, values: target)
    case .variable, .list:
      return try joinedRuns(columns, count, nulls, validity)
    }
  }

  private static func joinedValidity(_ columns: [Column], _ count: Int) -> Buffer {
    let bits = Buffer(zeroedBytes: (count + 63) / 64 * 8)
    var at = 0
    for column in columns {
      if let validity = column.validity {
        unsafe copyBits(validity.base, column.offset, column.count, bits.base, at)
      } else {
        unsafe setBits(column.count, bits.base, at)
      }
      at += column.count
    }
    return bits
  }

  private static func joinedRuns(
    _ columns: [Column], _ count: Int, _ nulls: Int, _ validity: Buffer?
  ) throws(LarderError) -> Column {
    let ends = Buffer(uninitializedBytes: (count + 1) * 4)
    let target = unsafe ends.mutableValues(as: Int32.self)
    unsafe target[0] = 0
    var total: Int64 = 0
    var at = 0
    for column in columns {
      let source = unsafe column.offsets
      let first = unsafe Int64(source[0])
      for row in 0..<column.count {
        unsafe target[at + row + 1] = Int32(
          truncatingIfNeeded: total + Int64(source[row + 1]) - first)
      }
      at += column.count
      unsafe total += Int64(source[column.count]) - first
      guard total <= Int64(Limits.columnBytes) else {
        throw LarderError(
          .limitExceeded, "The values of one column take more than \(Limits.columnBytes) bytes.")
      }
    }
    let type = columns[0].type
    guard type.layout == .variable else {
      var parts: [Column] = []
      for column in columns {
        guard let elements = column.elements else { continue }
        let source = unsafe column.offsets
        parts.append(unsafe elements.slice(Int(source[0])..<Int(source[column.count])))
      }
      return Column(
        type: type, count: count, nullCount: nulls, validity: validity, values: ends,
        child: try concatenated(parts))
    }
    let content = Buffer(uninitializedBytes: Int(total))
    var to = 0
    for column in columns {
      let source = unsafe column.offsets
      let start = unsafe Int(source[0])
      let length = unsafe Int(source[column.count]) - start
      if length > 0, let bytes = column.bytes {
        unsafe memcpy(content.base + to, bytes.base + start, length)
        to += length
      }
    }
    return Column(
      type: type, count: count, nullCount: nulls, validity: validity, values: ends,
      bytes: content)
  }
}

/// Copies bits into a run of zero bits.
private func copyBits(
  _ source: UnsafeMutableRawPointer, _ from: Int, _ count: Int,
  _ target: UnsafeMutableRawPointer, _ at: Int
) {
  let source = unsafe source.assumingMemoryBound(to: UInt8.self)
  let target = unsafe target.assumingMemoryBound(to: UInt8.self)
  if from & 7 == 0, at & 7 == 0 {
    unsafe memcpy(target + at >> 3, source + from >> 3, count >> 3)
  }
  let done = from & 7 == 0 && at & 7 == 0 ? count & ~7 : 0
  for index in done..<count {
    let bit = from + index
    let to = at + index
    let value = unsafe source[bit >> 3] >> UInt8(truncatingIfNeeded: bit & 7) & 1
    unsafe target[to >> 3] |= value << UInt8(truncatingIfNeeded: to & 7)
  }
}

/// Sets bits in a run of zero bits.
private func setBits(_ count: Int, _ target: UnsafeMutableRawPointer, _ at: Int) {
  let target = unsafe target.assumingMemoryBound(to: UInt8.self)
  for index in at..<at + count {
    unsafe target[index >> 3] |= 1 << UInt8(truncatingIfNeeded: index & 7)
  }
}
