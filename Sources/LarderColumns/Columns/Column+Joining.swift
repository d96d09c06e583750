import Glibc

extension Column {
  /// Columns of one type, one after the other.
  ///
  /// Where all of them are dictionaries, so is the result: of the distinct values of all.
  ///
  /// - Throws: `limitExceeded` if the bytes do not fit 2^31 - 1; `invalidArgument` for no column.
  /// - Complexity: O(rows and bytes).
  package static func joined(_ columns: [Column]) throws(LarderError) -> Column {
    guard let first = columns.first else {
      throw LarderError(.invalidArgument, "There is no column to put together.")
    }
    if columns.count == 1 { return first }
    if columns.contains(where: \.isDictionary) {
      if let merged = try joinedDictionaries(columns) { return merged }
      var plain: [Column] = []
      for column in columns { plain.append(try column.flattened()) }
      return try joined(plain)
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
        guard let elements = column.sharedElements else { continue }
        let source = unsafe column.offsets
        parts.append(unsafe elements.slice(Int(source[0])..<Int(source[column.count])))
      }
      return Column(
        type: type, count: count, nullCount: nulls, validity: validity, values: ends,
        child: try joined(parts))
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

// MARK: Dictionaries

extension Column {
  /// Dictionary columns of texts or bytes, one after the other, over the distinct values of all.
  ///
  /// - Returns: nil where a column that holds values is no dictionary, or of another layout.
  private static func joinedDictionaries(_ columns: [Column]) throws(LarderError) -> Column? {
    guard columns[0].type.layout == .variable else { return nil }
    for column in columns where !column.isDictionary && column.nullCount < column.count {
      return nil
    }
    let count = columns.reduce(0) { $0 + $1.count }
    let indexes = Buffer(uninitializedBytes: count * 4)
    let target = unsafe indexes.mutableValues(as: Int32.self)
    let validity = Buffer(zeroedBytes: (count + 63) / 64 * 8)
    var distinct = ColumnBuilder(columns[0].type)
    var places: [[UInt8]: Int32] = [:]
    var nulls = 0
    var at = 0
    var last: ColumnBox?
    var translated: [Int32] = []
    for column in columns {
      // Batches of one source often share their dictionary.
      if let box = column.child, box !== last {
        last = box
        translated = try translation(of: box.column, into: &distinct, &places)
      }
      let source = unsafe column.fixedValues(as: Int32.self)
      for row in 0..<column.count {
        let place = column.isValid(row) ? translated[unsafe Int(source[row])] : -1
        unsafe target[at + row] = max(place, 0)
        if place < 0 { nulls += 1 } else { unsafe setBits(1, validity.base, at + row) }
      }
      at += column.count
    }
    return Column(
      type: columns[0].type, count: count, nullCount: nulls, validity: validity, values: indexes,
      child: distinct.finish(), isDictionary: true)
  }

  /// Where each value of a dictionary stands among the distinct ones; -1 for a null.
  private static func translation(
    of values: Column, into distinct: inout ColumnBuilder, _ places: inout [[UInt8]: Int32]
  ) throws(LarderError) -> [Int32] {
    var translated: [Int32] = []
    translated.reserveCapacity(values.count)
    for entry in 0..<values.count {
      guard values.isValid(entry) else {
        translated.append(-1)
        continue
      }
      let bytes = unsafe Array(values.variableBytes(entry))
      if let place = places[bytes] {
        translated.append(place)
        continue
      }
      let place = Int32(truncatingIfNeeded: places.count)
      places[bytes] = place
      translated.append(place)
      try distinct.append(bytes: bytes)
    }
    return translated
  }

  /// The values of a dictionary column in a column of their own; other columns as they are.
  ///
  /// - Throws: `limitExceeded` if they take 2 GiB or more.
  package func flattened() throws(LarderError) -> Column {
    guard let values = dictionary else { return self }
    var builder = ColumnBuilder(type)
    for row in 0..<count {
      guard isValid(row), type.layout == .variable else {
        try builder.append(self[row])
        continue
      }
      let index = unsafe Int(fixedValues(as: Int32.self)[row])
      if values.isValid(index) {
        unsafe try builder.append(bytes: values.variableBytes(index))
      } else {
        builder.appendNull()
      }
    }
    return builder.finish()
  }

  /// The same values under another type of the same layout.
  package func relabelled(_ type: DataType) -> Column {
    Column(
      type: type, count: count, nullCount: nullCount, validity: validity, offset: offset,
      values: values, bytes: bytes,
      child: child.map { isDictionary ? $0.column.relabelled(type) : $0.column },
      isDictionary: isDictionary)
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
