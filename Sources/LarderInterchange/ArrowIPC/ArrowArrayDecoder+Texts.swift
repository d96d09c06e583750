import LarderColumns

extension ArrowArrayDecoder {
  /// Integers of any width as the column's Int32 or Int64.
  ///
  /// - Throws: `invalidInput` for an unsigned value that no Int64 holds.
  func widenIntegers(
    _ raw: Buffer, _ count: Int, _ bits: Int, _ signed: Bool, to type: DataType,
    _ validity: Buffer?
  ) throws(LarderError) -> Buffer {
    let width = type == .int64 ? 8 : 4
    if bits == 64, !signed {
      for row in 0..<count
      where unsafe raw.base.loadUnaligned(fromByteOffset: row &* 8, as: Int64.self) < 0 {
        let isNull = if let validity { unsafe !bit(validity.base, row) } else { false }
        guard isNull else {
          throw LarderError(
            .invalidInput,
            "An unsigned 64-bit value exceeds \(Int64.max), the greatest int64; take such columns as "
              + "text with --uint64-as-text.", row: row)
        }
      }
      return raw
    }
    if bits == width * 8 { return raw }
    let wide = Buffer(uninitializedBytes: count * width)
    defer { withExtendedLifetime(raw) {} }
    func widen<Narrow: FixedWidthInteger & BitwiseCopyable>(_ narrow: Narrow.Type) {
      let source = unsafe raw.base
      let step = MemoryLayout<Narrow>.size
      for row in 0..<count {
        let value = unsafe source.loadUnaligned(fromByteOffset: row &* step, as: narrow)
        if width == 8 {
          unsafe wide.base.storeBytes(
            of: Int64(truncatingIfNeeded: value), toByteOffset: row &* 8, as: Int64.self)
        } else {
          unsafe wide.base.storeBytes(
            of: Int32(truncatingIfNeeded: value), toByteOffset: row &* 4, as: Int32.self)
        }
      }
    }
    switch (bits, signed) {
    case (8, true): widen(Int8.self)
    case (8, false): widen(UInt8.self)
    case (16, true): widen(Int16.self)
    case (16, false): widen(UInt16.self)
    case (32, true): widen(Int32.self)
    default: widen(UInt32.self)
    }
    return wide
  }

  /// Unsigned integers of 64 bits as their digits.
  func unsignedTexts(
    _ raw: Buffer, _ count: Int, _ validity: Buffer?, _ nulls: Int
  ) throws(LarderError) -> Column {
    guard count <= Limits.columnBytes / 20 else { throw ValueStream.tooLong }
    var bytes = GrowingBuffer(capacity: count * 20)
    let ends = Buffer(uninitializedBytes: (count + 1) * 4)
    unsafe ends.base.storeBytes(of: 0, as: Int32.self)
    let out = unsafe bytes.base.assumingMemoryBound(to: UInt8.self)
    for row in 0..<count {
      let isNull = if let validity { unsafe !bit(validity.base, row) } else { false }
      if !isNull {
        let value = unsafe raw.base.loadUnaligned(fromByteOffset: row * 8, as: UInt64.self)
        bytes.used += unsafe writeUnsigned(value, to: out + bytes.used)
      }
      let end = Int32(truncatingIfNeeded: bytes.used)
      unsafe ends.base.storeBytes(of: end, toByteOffset: (row + 1) * 4, as: Int32.self)
    }
    return Column(
      type: .string, count: count, nullCount: nulls, validity: validity, values: ends,
      bytes: bytes.finish())
  }

  /// Values of a fixed number of bytes as bytes, UUIDs or decimal text.
  func fixedTexts(
    _ field: ArrowField, _ place: ArrowPlace, _ count: Int, _ validity: Buffer?, _ nulls: Int
  ) throws(LarderError) -> Column {
    let width: Int
    var room: Int
    var scale = 0
    switch field.kind {
    case .decimal(let bytes, let decimalScale):
      (width, scale) = (bytes, decimalScale)
      room = decimalTextBytes(bytes, scale)
    case .fixedBytes(let bytes):
      width = bytes
      room = field.dataType == .uuid ? 36 : bytes
    default: throw LarderError(.unsupported, "The column is not read.")
    }
    let raw = try body.buffer(place.buffer + 1, atLeast: count * width, "values")
    guard room == 0 || count <= Limits.columnBytes / room else { throw ValueStream.tooLong }
    room = max(room, 1)
    var bytes = GrowingBuffer(capacity: count * room)
    let ends = Buffer(uninitializedBytes: (count + 1) * 4)
    unsafe ends.base.storeBytes(of: 0, as: Int32.self)
    let out = unsafe bytes.base.assumingMemoryBound(to: UInt8.self)
    // Arrow's decimals are little-endian.
    let reversed = Buffer(uninitializedBytes: width)
    for row in 0..<count {
      let isNull = if let validity { unsafe !bit(validity.base, row) } else { false }
      let value = unsafe raw.base + row * width
      if isNull {
        // A null's slot holds no bytes of its own.
      } else if field.dataType == .uuid {
        unsafe writeUUID(value, to: out + bytes.used)
        bytes.used += 36
      } else if field.dataType == .decimal {
        for index in 0..<width {
          let byte = unsafe value.load(fromByteOffset: width - 1 - index, as: UInt8.self)
          unsafe reversed.base.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
        }
        bytes.used += unsafe writeDecimal(reversed.bytes, scale: scale, to: out + bytes.used)
      } else {
        unsafe (bytes.base + bytes.used).copyMemory(from: value, byteCount: width)
        bytes.used += width
      }
      let end = Int32(truncatingIfNeeded: bytes.used)
      unsafe ends.base.storeBytes(of: end, toByteOffset: (row + 1) * 4, as: Int32.self)
    }
    return Column(
      type: field.dataType, count: count, nullCount: nulls, validity: validity, values: ends,
      bytes: bytes.finish())
  }

  /// String and binary views: 16 bytes each, short values inside, long ones in data buffers.
  func views(
    _ field: ArrowField, _ place: ArrowPlace, _ count: Int, _ validity: Buffer?, _ nulls: Int
  ) throws(LarderError) -> Column {
    let raw = try body.buffer(place.buffer + 1, atLeast: count * 16, "views")
    guard place.variadic < body.variadicCounts.count else {
      throw .malformed("A batch does not say how many buffers its views have.")
    }
    var data: [Buffer] = []
    for index in 0..<Int(body.variadicCounts[place.variadic]) {
      data.append(try body.buffer(place.buffer + 2 + index, atLeast: 0, "bytes"))
    }
    var total = 0
    for row in 0..<count {
      let isNull = if let validity { unsafe !bit(validity.base, row) } else { false }
      if isNull { continue }
      let view = unsafe raw.base + row * 16
      let length = unsafe Int(view.loadUnaligned(as: Int32.self))
      guard length >= 0 else { throw .malformed("A view of \(length) bytes.") }
      if length > 12 {
        let index = unsafe Int(view.loadUnaligned(fromByteOffset: 8, as: Int32.self))
        let offset = unsafe Int(view.loadUnaligned(fromByteOffset: 12, as: Int32.self))
        guard data.indices.contains(index), offset >= 0, offset <= data[index].count,
          length <= data[index].count - offset
        else { throw .malformed("A view of \(length) bytes leaves its buffer.") }
      }
      total += length
      guard total <= Limits.columnBytes else { throw ValueStream.tooLong }
    }
    let bytes = Buffer(uninitializedBytes: total)
    let ends = Buffer(uninitializedBytes: (count + 1) * 4)
    unsafe ends.base.storeBytes(of: 0, as: Int32.self)
    var used = 0
    for row in 0..<count {
      let isNull = if let validity { unsafe !bit(validity.base, row) } else { false }
      if !isNull {
        let view = unsafe raw.base + row * 16
        let length = unsafe Int(view.loadUnaligned(as: Int32.self))
        var source = unsafe UnsafeRawPointer(view) + 4
        if length > 12 {
          let index = unsafe Int(view.loadUnaligned(fromByteOffset: 8, as: Int32.self))
          let offset = unsafe Int(view.loadUnaligned(fromByteOffset: 12, as: Int32.self))
          unsafe source = UnsafeRawPointer(data[index].base) + offset
        }
        unsafe (bytes.base + used).copyMemory(from: source, byteCount: length)
        used += length
      }
      let end = Int32(truncatingIfNeeded: used)
      unsafe ends.base.storeBytes(of: end, toByteOffset: (row + 1) * 4, as: Int32.self)
    }
    let column = Column(
      type: field.dataType, count: count, nullCount: nulls, validity: validity, values: ends,
      bytes: bytes)
    try checkText(column)
    return column
  }
}
