import LarderColumns

/// Lists in rows: count, number of nulls, a byte per element (1 = valid) if there are nulls, then
/// the elements: fixed widths as they are, bools a byte each, text and bytes by their ends (u32)
/// and then their bytes.
enum ListCodec {
  /// Bytes of a list of some elements.
  static func bytes(_ elements: Column, _ range: Range<Int>) -> Int {
    var bytes = 8 + (nulls(elements, range) > 0 ? range.count : 0)
    switch elements.type.layout {
    case .bits: bytes += range.count
    case .fixed(let width): bytes += range.count * width
    case .variable, .list:
      bytes += 4 * range.count
      for row in range where elements.isValid(row) {
        unsafe bytes += elements.variableBytes(row).count
      }
    }
    return bytes
  }

  private static func nulls(_ elements: Column, _ range: Range<Int>) -> Int {
    if elements.nullCount == 0 { return 0 }
    return range.reduce(0) { $0 + (elements.isValid($1) ? 0 : 1) }
  }

  /// Writes a list to zeroed memory of `bytes` bytes.
  static func encode(_ elements: Column, _ range: Range<Int>, to target: UnsafeMutableRawPointer) {
    let nulls = nulls(elements, range)
    unsafe target.storeBytes(of: UInt32(range.count), as: UInt32.self)
    unsafe target.storeBytes(of: UInt32(nulls), toByteOffset: 4, as: UInt32.self)
    var at = 8
    if nulls > 0 {
      for row in range {
        unsafe target.storeBytes(
          of: elements.isValid(row) ? 1 : 0, toByteOffset: at, as: UInt8.self)
        at += 1
      }
    }
    switch elements.type.layout {
    case .bits:
      for row in range {
        if case .bool(true) = elements[row] {
          unsafe target.storeBytes(of: 1, toByteOffset: at, as: UInt8.self)
        }
        at += 1
      }
    case .fixed(let width):
      unsafe encodeFixed(elements, range, width, to: unsafe target + at)
    case .variable, .list:
      var end = 0
      let text = at + 4 * range.count
      for row in range {
        if elements.isValid(row) {
          let value = unsafe elements.variableBytes(row)
          if let start = value.baseAddress {
            unsafe (target + text + end).copyMemory(from: start, byteCount: value.count)
          }
          end += value.count
        }
        unsafe target.storeBytes(of: UInt32(end), toByteOffset: at, as: UInt32.self)
        at += 4
      }
    }
  }

  private static func encodeFixed(
    _ elements: Column, _ range: Range<Int>, _ width: Int, to target: UnsafeMutableRawPointer
  ) {
    if !elements.isDictionary, elements.nullCount == 0, !range.isEmpty {
      let from = unsafe elements.values.base + (elements.offset + range.lowerBound) * width
      unsafe target.copyMemory(from: from, byteCount: range.count * width)
      return
    }
    for (place, row) in range.enumerated() {
      let bits = elements[row].fixedBits
      if width == 8 {
        unsafe target.storeBytes(of: bits, toByteOffset: place * 8, as: UInt64.self)
      } else {
        unsafe target.storeBytes(
          of: UInt32(truncatingIfNeeded: bits), toByteOffset: place * 4, as: UInt32.self)
      }
    }
  }

  /// Appends a stored list's elements to a column; returns how many they are.
  ///
  /// - Throws: `corrupt` if the bytes are no list of the type.
  static func decode(
    _ bytes: UnsafeRawBufferPointer, into elements: inout ColumnBuilder
  ) throws(LarderError) -> Int {
    guard bytes.count >= 8 else { throw damaged }
    let count = unsafe Int(bytes.loadUnaligned(as: UInt32.self))
    let nulls = unsafe Int(bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
    let marks = nulls > 0 ? count : 0
    let width: Int =
      switch elements.type.layout {
      case .bits: 1
      case .fixed(let width): width
      case .variable, .list: 4
      }
    // Counts are below 2^32, so nothing overflows.
    guard bytes.count >= 8 + marks + count * width else { throw damaged }
    let values = 8 + marks
    let text = values + count * width
    var start = 0
    for place in 0..<count {
      if nulls > 0, unsafe bytes[8 + place] == 0 {
        elements.appendNull()
        continue
      }
      switch elements.type {
      case .bool: unsafe elements.append(bytes[values + place] != 0)
      case .int32, .date:
        unsafe elements.append(
          bytes.loadUnaligned(fromByteOffset: values + place * 4, as: Int32.self))
      case .float32:
        unsafe elements.append(
          Float(
            bitPattern: bytes.loadUnaligned(
              fromByteOffset: values + place * 4, as: UInt32.self)))
      case .int64, .timestamp:
        unsafe elements.append(
          bytes.loadUnaligned(fromByteOffset: values + place * 8, as: Int64.self))
      case .float64:
        unsafe elements.append(
          Double(
            bitPattern: bytes.loadUnaligned(
              fromByteOffset: values + place * 8, as: UInt64.self)))
      case .string, .json, .uuid, .decimal, .bytes, .opaque:
        let end = unsafe Int(
          bytes.loadUnaligned(fromByteOffset: values + place * 4, as: UInt32.self))
        guard end >= start, end <= bytes.count - text else { throw damaged }
        unsafe try elements.append(bytes: bytes[text + start..<text + end])
        start = end
      case .list: throw damaged
      }
    }
    return count
  }

  static let damaged = LarderError(
    .corrupt, "A row of the online table holds a value that is none of its type.")
}

extension Value {
  /// The bits of a value of fixed width; 0 for others.
  var fixedBits: UInt64 {
    switch self {
    case .int32(let x), .date(let x): UInt64(UInt32(bitPattern: x))
    case .float32(let x): UInt64(x.bitPattern)
    case .int64(let x): UInt64(bitPattern: x)
    case .float64(let x): x.bitPattern
    case .timestamp(let x): UInt64(bitPattern: x.ticks)
    case .bool(let x): x ? 1 : 0
    default: 0
    }
  }
}
