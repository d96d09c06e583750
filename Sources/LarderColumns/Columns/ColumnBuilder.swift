/// Builds a column value by value.
///
/// Meant for parsers, tests and people; the engine's kernels fill buffers themselves.
public struct ColumnBuilder: Sendable {
  /// The type of the values.
  public let type: DataType
  /// How many values were appended.
  public private(set) var count = 0
  private var nullCount = 0
  private var validity: [UInt8] = []
  private var words32: [UInt32] = []
  private var words64: [UInt64] = []
  private var bits: [UInt8] = []
  private var bytes: [UInt8] = []
  private var elements: [ColumnBuilder] = []

  /// Makes an empty builder of a type.
  public init(_ type: DataType) {
    self.type = type
    switch type.layout {
    case .variable: words32 = [0]
    case .list:
      words32 = [0]
      elements = [ColumnBuilder(type.element ?? .bytes)]
    case .bits, .fixed: break
    }
  }

  /// Appends a null.
  public mutating func appendNull() {
    mark(valid: false)
    switch type.layout {
    case .bits: push(bit: false)
    case .fixed(bytes: 4): words32.append(0)
    case .fixed: words64.append(0)
    case .variable, .list: words32.append(words32[words32.count - 1])
    }
  }

  /// Appends a bool.
  ///
  /// - Precondition: the type is bool.
  public mutating func append(_ value: Bool) {
    precondition(type.layout == .bits)
    mark(valid: true)
    push(bit: value)
  }

  /// Appends an Int32: int32, or a date's day.
  ///
  /// - Precondition: the type is one of these.
  public mutating func append(_ value: Int32) {
    precondition(type == .int32 || type == .date)
    mark(valid: true)
    words32.append(UInt32(bitPattern: value))
  }

  /// Appends an Int64: int64, or a timestamp's ticks.
  ///
  /// - Precondition: the type is one of these.
  public mutating func append(_ value: Int64) {
    precondition(type.layout == .fixed(bytes: 8) && type != .float64)
    mark(valid: true)
    words64.append(UInt64(bitPattern: value))
  }

  /// Appends a Float, every bit kept.
  ///
  /// - Precondition: the type is float32.
  public mutating func append(_ value: Float) {
    precondition(type == .float32)
    mark(valid: true)
    words32.append(value.bitPattern)
  }

  /// Appends a Double, every bit kept.
  ///
  /// - Precondition: the type is float64.
  public mutating func append(_ value: Double) {
    precondition(type == .float64)
    mark(valid: true)
    words64.append(value.bitPattern)
  }

  /// Appends text or bytes.
  ///
  /// - Precondition: the type is text, bytes or opaque.
  ///
  /// - Throws: `limitExceeded` if the column's bytes would exceed 2^31 - 1.
  public mutating func append(bytes value: some Collection<UInt8>) throws(LarderError) {
    precondition(type.layout == .variable)
    guard value.count <= Limits.columnBytes - bytes.count else {
      throw LarderError(
        .limitExceeded, "A column of one batch holds at most \(Limits.columnBytes) bytes.",
        row: count)
    }
    mark(valid: true)
    bytes.append(contentsOf: value)
    words32.append(UInt32(bytes.count))
  }

  /// Appends text.
  ///
  /// - Precondition: the type is text, bytes or opaque.
  public mutating func append(_ value: String) throws(LarderError) {
    try append(bytes: value.utf8)
  }

  /// Appends a value of the column's type, or null.
  ///
  /// - Throws: `invalidInput` for a value of another type, with its row; `limitExceeded` if the
  ///   column's bytes or list elements would exceed 2^31 - 1. The column is as it was then.
  public mutating func append(_ value: Value) throws(LarderError) {
    switch (type, value) {
    case (_, .null): appendNull()
    case (.bool, .bool(let x)): append(x)
    case (.int32, .int32(let x)), (.date, .date(let x)): append(x)
    case (.int64, .int64(let x)): append(x)
    case (.float32, .float32(let x)): append(x)
    case (.float64, .float64(let x)): append(x)
    case (.string, .string(let x)), (.json, .string(let x)), (.uuid, .string(let x)),
      (.decimal, .string(let x)):
      try append(x)
    case (.bytes, .bytes(let x)), (.opaque, .bytes(let x)): try append(bytes: x)
    case (.timestamp(let unit), .timestamp(let x)):
      guard let ticks = x.exactly(in: unit) else {
        throw LarderError(
          .invalidInput, "\(value) is not a whole number of \(unit).", row: count)
      }
      append(ticks)
    case (.list, .list(let x)):
      try append(elements: x)
      mark(valid: true)
      words32.append(UInt32(elements[0].count))
    default:
      throw LarderError(.invalidInput, "\(value) was found where \(type) is expected.", row: count)
    }
  }

  /// Appends all elements of a list, or none.
  private mutating func append(elements values: [Value]) throws(LarderError) {
    let before = elements[0].count
    guard values.count <= Limits.columnBytes - before else {
      throw LarderError(
        .limitExceeded, "A column of one batch holds at most \(Limits.columnBytes) list elements.",
        row: count)
    }
    do throws(LarderError) {
      for value in values { try elements[0].append(value) }
    } catch {
      elements[0].truncate(to: before)
      var error = error
      error.row = count
      throw error
    }
  }

  /// Takes back what was appended after so many values.
  private mutating func truncate(to kept: Int) {
    for row in kept..<count where validity[row >> 3] >> UInt8(row & 7) & 1 == 0 { nullCount -= 1 }
    validity.removeLast(validity.count - (kept + 7) / 8)
    if kept & 7 != 0 { validity[kept >> 3] &= 1 << UInt8(kept & 7) - 1 }
    switch type.layout {
    case .bits:
      bits.removeLast(bits.count - (kept + 7) / 8)
      if kept & 7 != 0 { bits[kept >> 3] &= 1 << UInt8(kept & 7) - 1 }
    case .fixed(bytes: 4): words32.removeLast(count - kept)
    case .fixed: words64.removeLast(count - kept)
    case .variable:
      words32.removeLast(count - kept)
      bytes.removeLast(bytes.count - Int(words32[kept]))
    case .list:
      words32.removeLast(count - kept)
      elements[0].truncate(to: Int(words32[kept]))
    }
    count = kept
  }

  /// The column of what was appended.
  public consuming func finish() -> Column {
    let valid = nullCount == 0 ? nil : Buffer(copying: validity)
    let values: Buffer =
      switch type.layout {
      case .bits: Buffer(copying: bits)
      case .fixed(bytes: 4), .variable, .list: Buffer(copying: words32)
      case .fixed: Buffer(copying: words64)
      }
    return Column(
      type: type, count: count, nullCount: nullCount, validity: valid, values: values,
      bytes: type.layout == .variable ? Buffer(copying: bytes) : nil,
      child: elements.first?.finish())
  }

  private mutating func mark(valid: Bool) {
    if count & 7 == 0 { validity.append(0) }
    if valid { validity[count >> 3] |= 1 << UInt8(count & 7) } else { nullCount += 1 }
    count += 1
  }

  private mutating func push(bit: Bool) {
    let row = count - 1
    if row & 7 == 0 { bits.append(0) }
    if bit { bits[row >> 3] |= 1 << UInt8(row & 7) }
  }
}
