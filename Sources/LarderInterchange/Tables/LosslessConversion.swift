import LarderColumns

/// The one table of conversions that lose nothing, for columns of every format.
///
/// | holds | becomes |
/// | --- | --- |
/// | nothing (a null type) | any type, all null |
/// | int32, int64 | int32, int64, float32, float64, where each value is exact |
/// | float32, float64 | the same, and int32 and int64 where each value is whole |
/// | decimal | int32, int64, float64 where each value is exact; text |
/// | text | json, uuid, decimal, and back; instants in ISO 8601 |
/// | bytes | opaque, and back |
/// | date | the instant at which it begins in UTC |
/// | int32, int64 | instants, if it is told what they count |
/// | lists | lists of what their elements may become |
package struct LosslessConversion: Sendable {
  /// The type wanted.
  package var target: DataType
  /// What integers count where instants are wanted; nil to refuse them.
  package var integers: TimeUnit?
  /// What the target is, for messages: `the feature`.
  package var role: String

  /// Says what is wanted.
  package init(to target: DataType, integers: TimeUnit? = nil, role: String = "the feature") {
    self.target = target
    self.integers = integers
    self.role = role
  }

  /// Whether a type may become another, if its values allow.
  package static func allows(_ type: DataType, _ target: DataType) -> Bool {
    if type == target { return true }
    return switch (type, target) {
    case (.int32, .int64), (.int64, .int32), (.float32, .float64), (.float64, .float32): true
    case (.int32, .float32), (.int32, .float64), (.int64, .float32), (.int64, .float64): true
    case (.float32, .int32), (.float32, .int64), (.float64, .int32), (.float64, .int64): true
    case (.decimal, .int32), (.decimal, .int64), (.decimal, .float64): true
    case (.string, .json), (.string, .uuid), (.string, .decimal): true
    case (.json, .string), (.uuid, .string), (.decimal, .string): true
    case (.bytes, .opaque), (.opaque, .bytes): true
    case (.timestamp, .timestamp), (.date, .timestamp), (.string, .timestamp): true
    case (.int32, .timestamp), (.int64, .timestamp): true
    case (.list(let from), .list(let to)): allows(from, to)
    default: false
    }
  }

  /// Converts a column; instants keep their own unit, which the store converts.
  ///
  /// - Throws: `invalidInput` for types that do not go together, and with its row for a value of which
  ///   something would be lost.
  package func convert(_ column: Column) throws(LarderError) -> Column {
    if column.type == target { return column }
    guard Self.allows(column.type, target) else {
      throw LarderError(.invalidInput, "It holds \(column.type) where \(role) is \(target).")
    }
    switch (column.type, target) {
    case (.timestamp, .timestamp): return column
    case (_, .timestamp(let unit)): return try column.asTimes(integers: integers, texts: unit)
    case (.decimal, .int32), (.decimal, .int64), (.decimal, .float64): return try decimals(column)
    case (.list, .list(let element)): return try lists(column, of: element)
    default: break
    }
    if column.type.layout == .variable { return column.relabelled(target) }
    let plain = try column.flattened()
    switch plain.type {
    case .int32: return try numbers(plain, Int32.self)
    case .int64: return try numbers(plain, Int64.self)
    case .float32: return try numbers(plain, Float.self)
    default: return try numbers(plain, Double.self)
    }
  }

  private func numbers<Source: ConvertibleNumber>(
    _ column: Column, _ source: Source.Type
  ) throws(LarderError) -> Column {
    switch target {
    case .int32: try map(column, source) { $0.int64.flatMap { Int32(exactly: $0) } }
    case .int64: try map(column, source) { $0.int64 }
    case .float32: try map(column, source) { $0.float }
    default: try map(column, source) { $0.double }
    }
  }

  private func map<Source: ConvertibleNumber, Result: BitwiseCopyable>(
    _ column: Column, _ source: Source.Type, _ convert: (Source) -> Result?
  ) throws(LarderError) -> Column {
    let values = Buffer(zeroedBytes: column.count * MemoryLayout<Result>.size)
    let from = unsafe column.fixedValues(as: source)
    let to = unsafe values.mutableValues(as: Result.self)
    defer { withExtendedLifetime(column) {} }
    for row in 0..<column.count where column.isValid(row) {
      guard let value = convert(unsafe from[row]) else {
        throw LarderError(
          .invalidInput, "The \(column.type) \(unsafe from[row]) is no exact \(target).", row: row)
      }
      unsafe to[row] = value
    }
    return Column(
      type: target, count: column.count, nullCount: column.nullCount,
      validity: column.validityFromStart, values: values)
  }

  private func decimals(_ column: Column) throws(LarderError) -> Column {
    var builder = ColumnBuilder(target)
    for row in 0..<column.count {
      guard column.isValid(row) else {
        builder.appendNull()
        continue
      }
      let bytes = unsafe column.variableBytes(row).bindMemory(to: UInt8.self)
      let cell = unsafe Span(_unsafeElements: bytes)
      do throws(CellFlaw) {
        switch target {
        case .int32: builder.append(try IntegerCells.int32(cell))
        case .int64: builder.append(try IntegerCells.int64(cell))
        default:
          guard ExactNumber.isDouble(cell) else { throw .notOfType }
          builder.append(try FloatCells.double(cell))
        }
      } catch {
        throw LarderError(
          .invalidInput, "The decimal \(cell.text) is no exact \(target).", row: row)
      }
    }
    return builder.finish()
  }

  private func lists(_ column: Column, of element: DataType) throws(LarderError) -> Column {
    guard let elements = column.sharedElements else { return column }
    var inner = self
    inner.target = element
    let converted: Column
    do throws(LarderError) { converted = try inner.convert(elements) } catch {
      var error = error
      // The row that the element is in.
      if let place = error.row {
        error.row = (0..<column.count).first {
          unsafe column.offsets[$0] <= place && place < column.offsets[$0 + 1]
        }
      }
      throw error
    }
    return Column(
      type: .list(converted.type), count: column.count, nullCount: column.nullCount,
      validity: column.validity, offset: column.offset, values: column.values, child: converted)
  }
}

/// A number that another type may hold exactly.
private protocol ConvertibleNumber: BitwiseCopyable, CustomStringConvertible {
  var int64: Int64? { get }
  var float: Float? { get }
  var double: Double? { get }
}

extension ConvertibleNumber where Self: FixedWidthInteger {
  fileprivate var int64: Int64? { Int64(exactly: self) }
  fileprivate var float: Float? { Float(exactly: self) }
  fileprivate var double: Double? { Double(exactly: self) }
}

extension Int32: ConvertibleNumber {}
extension Int64: ConvertibleNumber {}

extension Float: ConvertibleNumber {
  fileprivate var int64: Int64? { Int64(exactly: self) }
  fileprivate var float: Float? { self }
  fileprivate var double: Double? { Double(self) }
}

extension Double: ConvertibleNumber {
  fileprivate var int64: Int64? { Int64(exactly: self) }
  fileprivate var float: Float? { isNaN ? .nan : Float(exactly: self) }
  fileprivate var double: Double? { self }
}

extension Column {
  /// The validity bits with row 0 at bit 0.
  fileprivate var validityFromStart: Buffer? {
    guard nullCount > 0, offset > 0 else { return validity }
    let bits = Buffer(zeroedBytes: (count + 7) / 8)
    for row in 0..<count where isValid(row) {
      unsafe fillBits(bits.base, at: row, count: 1, with: true)
    }
    return bits
  }

  /// A column of nulls.
  static func nulls(_ type: DataType, count: Int) -> Column {
    let zeros = Buffer.zeros(max(count * 8, (count + 1) * 4))
    return Column(
      type: type, count: count, nullCount: count, validity: Buffer.zeros((count + 7) / 8),
      values: zeros, bytes: type.layout == .variable ? Buffer(uninitializedBytes: 0) : nil,
      child: type.element.map { ColumnBuilder($0).finish() })
  }
}
