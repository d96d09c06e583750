import LarderColumns

/// A caller's column on its way to become join keys.
@safe struct KeySource {
  let name: String
  let column: Column
  let rows: Range<Int>
  /// What messages call the first row.
  let firstRow: Int

  private func refusal(_ message: String, row: Int) -> LarderError {
    LarderError(.invalidInput, message, column: name, row: firstRow + row)
  }

  private func otherKind(_ type: KeyType) -> LarderError {
    refusal("It holds \(column.type) where the join key is \(type).", row: 0)
  }

  /// Takes note of the column's nulls.
  private func markNulls(_ marks: inout KeyMarks) throws(LarderError) {
    guard column.nullCount > 0 else { return }
    for row in 0..<rows.count where !column.isValid(rows.lowerBound + row) {
      try marks.null(row, in: name)
    }
  }

  /// Whether a row's value counts: it is neither null nor marked by a dictionary.
  private func isPresent(_ row: Int) -> Bool { column.isValid(rows.lowerBound + row) }

  // MARK: Strings and bytes

  /// The column's text or bytes.
  func varying(as type: KeyType, _ marks: inout KeyMarks) throws(LarderError) -> KeyPart {
    guard column.type == type.dataType else { throw otherKind(type) }
    try markNulls(&marks)
    if let dictionary = column.dictionary { return try expand(dictionary, &marks) }
    let bytes = column.bytes ?? Buffer(uninitializedBytes: 0)
    guard let offsets = unsafe column.offsets.baseAddress else {
      throw LarderError(.invalidArgument, "The column has no offsets.", column: name)
    }
    return unsafe KeyPart(
      base: UnsafePointer(bytes.base.assumingMemoryBound(to: UInt8.self)),
      offsets: offsets + rows.lowerBound, width: 0, owners: [bytes, column.values])
  }

  /// Copies the values that a dictionary column's rows name.
  private func expand(
    _ dictionary: Column, _ marks: inout KeyMarks
  ) throws(LarderError) -> KeyPart {
    let indexes = unsafe column.fixedValues(as: Int32.self)
    let words = unsafe dictionary.offsets
    let source = dictionary.bytes ?? Buffer(uninitializedBytes: 0)
    let offsets = Buffer(uninitializedBytes: (rows.count + 1) * 4)
    let starts = unsafe offsets.base.assumingMemoryBound(to: Int32.self)
    let hasNulls = column.nullCount > 0
    var total = 0
    for row in 0..<rows.count {
      unsafe starts[row] = Int32(truncatingIfNeeded: total)
      if hasNulls, !isPresent(row) { continue }
      let index = unsafe Int(indexes[rows.lowerBound + row])
      if dictionary.nullCount > 0, !dictionary.isValid(index) {
        try marks.null(row, in: name)
        continue
      }
      total += unsafe Int(words[index + 1] &- words[index])
      guard total <= Limits.columnBytes else {
        throw LarderError(
          .limitExceeded,
          "The keys of one batch have at most \(Limits.columnBytes) bytes; use smaller batches.",
          column: name)
      }
    }
    unsafe starts[rows.count] = Int32(truncatingIfNeeded: total)
    let bytes = Buffer(uninitializedBytes: total)
    for row in 0..<rows.count {
      let start = unsafe Int(starts[row])
      let length = unsafe Int(starts[row + 1]) - start
      guard length > 0 else { continue }
      let from = unsafe Int(words[Int(indexes[rows.lowerBound + row])])
      unsafe (bytes.base + start).copyMemory(from: source.base + from, byteCount: length)
    }
    return unsafe KeyPart(
      base: UnsafePointer(bytes.base.assumingMemoryBound(to: UInt8.self)),
      offsets: UnsafePointer(starts), width: 0, owners: [bytes, offsets])
  }

  // MARK: Integers and instants

  /// The column's values as int32, int64 or seconds.
  func fixed(as type: KeyType, _ marks: inout KeyMarks) throws(LarderError) -> KeyPart {
    if let dictionary = column.dictionary {
      let plain = KeySource(
        name: name, column: gathered(dictionary), rows: 0..<rows.count, firstRow: firstRow)
      return try plain.fixed(as: type, &marks)
    }
    try markNulls(&marks)
    let start = rows.lowerBound
    switch (type, column.type) {
    case (.int64, .int64), (.int32, .int32):
      let width = type == .int64 ? 8 : 4
      return unsafe KeyPart(
        base: UnsafePointer(column.values.base.assumingMemoryBound(to: UInt8.self))
          + (column.offset + start) * width,
        offsets: nil, width: width, owners: [column.values])
    case (.int64, .int32):
      let values = unsafe column.fixedValues(as: Int32.self)
      return unsafe filled(8, Int64.self) { target in
        for row in 0..<rows.count { unsafe target[row] = Int64(values[start + row]) }
      }
    case (.int32, .int64):
      return try narrowed(&marks)
    case (.int32, .float32), (.int64, .float32):
      return try integral(Float.self, as: type, &marks)
    case (.int32, .float64), (.int64, .float64):
      return try integral(Double.self, as: type, &marks)
    case (.timestamp, .timestamp(let unit)):
      return try seconds(of: unit)
    default: throw otherKind(type)
    }
  }

  /// The values that a dictionary column's rows name, as a plain column of these rows.
  private func gathered(_ dictionary: Column) -> Column {
    var builder = ColumnBuilder(dictionary.type)
    let indexes = unsafe column.fixedValues(as: Int32.self)
    for row in rows {
      let index = unsafe column.isValid(row) ? Int(indexes[row]) : -1
      guard index >= 0, dictionary.isValid(index) else {
        builder.appendNull()
        continue
      }
      switch dictionary[index] {
      case .int32(let x): builder.append(x)
      case .int64(let x): builder.append(x)
      case .float32(let x): builder.append(x)
      case .float64(let x): builder.append(x)
      case .timestamp(let x): builder.append(x.ticks)
      default: builder.appendNull()
      }
    }
    return builder.finish()
  }

  private func narrowed(_ marks: inout KeyMarks) throws(LarderError) -> KeyPart {
    let values = unsafe column.fixedValues(as: Int64.self)
    let start = rows.lowerBound
    var lost = false
    let part = unsafe filled(4, Int32.self) { target in
      for row in 0..<rows.count {
        let value = unsafe values[start + row]
        let narrow = Int32(truncatingIfNeeded: value)
        lost = lost || Int64(narrow) != value
        unsafe target[row] = narrow
      }
    }
    guard lost else { return part }
    for row in 0..<rows.count {
      let value = unsafe values[start + row]
      if Int32(exactly: value) == nil, isPresent(row) {
        try marks.outOfRange(row, "\(value)", .int32, in: name)
      }
    }
    return part
  }

  private func integral<F: BinaryFloatingPoint & BitwiseCopyable>(
    _ float: F.Type, as type: KeyType, _ marks: inout KeyMarks
  ) throws(LarderError) -> KeyPart {
    let values = unsafe column.fixedValues(as: F.self)
    let start = rows.lowerBound
    // Both ends are powers of two, which floats hold exactly.
    let low: F = type == .int32 ? -0x1p31 : -0x1p63
    let end: F = type == .int32 ? 0x1p31 : 0x1p63
    let width = type == .int32 ? 4 : 8
    let target = Buffer(uninitializedBytes: rows.count * width)
    for row in 0..<rows.count {
      let value = unsafe values[start + row]
      var whole: Int64 = 0
      if value >= low, value < end, value.rounded(.towardZero) == value {
        whole = Int64(value)
      } else if isPresent(row) {
        if value.isNaN {
          try marks.null(row, in: name)
        } else if value.isFinite, value.rounded(.towardZero) != value {
          throw refusal("\(value) is no whole number; the join key is \(type).", row: row)
        } else {
          try marks.outOfRange(row, "\(value)", type, in: name)
        }
      }
      if width == 8 {
        unsafe target.base.storeBytes(of: whole, toByteOffset: row &* 8, as: Int64.self)
      } else {
        unsafe target.base.storeBytes(
          of: Int32(truncatingIfNeeded: whole), toByteOffset: row &* 4, as: Int32.self)
      }
    }
    return unsafe KeyPart(
      base: UnsafePointer(target.base.assumingMemoryBound(to: UInt8.self)), offsets: nil,
      width: width, owners: [target])
  }

  private func seconds(of unit: TimeUnit) throws(LarderError) -> KeyPart {
    let values = unsafe column.fixedValues(as: Int64.self)
    let start = rows.lowerBound
    let ticks = unit.ticksPerSecond
    if ticks == 1 {
      return unsafe KeyPart(
        base: UnsafePointer(column.values.base.assumingMemoryBound(to: UInt8.self))
          + (column.offset + start) * 8,
        offsets: nil, width: 8, owners: [column.values])
    }
    var finer = false
    let part = unsafe filled(8, Int64.self) { target in
      for row in 0..<rows.count {
        let (quotient, remainder) = unsafe values[start + row].quotientAndRemainder(
          dividingBy: ticks)
        finer = finer || remainder != 0
        unsafe target[row] = quotient
      }
    }
    guard finer else { return part }
    for row in 0..<rows.count where isPresent(row) {
      let value = unsafe values[start + row]
      guard value % ticks == 0 else {
        throw refusal(
          "\(value) \(unit) is no whole second; timestamps in keys are whole seconds.", row: row)
      }
    }
    return part
  }

  /// Makes values of a fixed width.
  private func filled<T: BitwiseCopyable>(
    _ width: Int, _ type: T.Type, _ body: (UnsafeMutablePointer<T>) -> Void
  ) -> KeyPart {
    let buffer = Buffer(uninitializedBytes: rows.count * width)
    unsafe body(buffer.base.assumingMemoryBound(to: T.self))
    return unsafe KeyPart(
      base: UnsafePointer(buffer.base.assumingMemoryBound(to: UInt8.self)), offsets: nil,
      width: width, owners: [buffer])
  }
}
