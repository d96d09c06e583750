import LarderColumns
import LarderContract

/// Writes one column's values as the text of cells.
struct CellWriter {
  let column: Column
  /// Whether the text may hold what must be quoted.
  let mayNeedQuotes: Bool

  init(_ column: Column) {
    self.column = column
    switch column.type {
    case .bool, .int32, .int64, .float32, .float64, .timestamp, .date: mayNeedQuotes = false
    default: mayNeedQuotes = true
    }
  }

  /// Appends the text of a row that is not null.
  func append(_ row: Int, to text: inout [UInt8]) {
    if column.isDictionary, !column.type.isText {
      CellText.append(column[row], to: &text)
      return
    }
    switch column.type {
    case .int64:
      text.append(contentsOf: String(unsafe column.fixedValues(as: Int64.self)[row]).utf8)
    case .int32:
      text.append(contentsOf: String(unsafe column.fixedValues(as: Int32.self)[row]).utf8)
    case .float64:
      CellText.append(unsafe column.fixedValues(as: Double.self)[row], to: &text)
    case .float32:
      CellText.append(unsafe column.fixedValues(as: Float.self)[row], to: &text)
    case .timestamp(let unit):
      ISO8601.append(
        ticks: unsafe column.fixedValues(as: Int64.self)[row], unit: unit, to: &text)
    case .date:
      ISO8601.append(days: unsafe column.fixedValues(as: Int32.self)[row], to: &text)
    case .string, .json, .uuid, .decimal:
      unsafe text.append(contentsOf: column.variableBytes(row))
    case .bool, .bytes, .opaque, .list: CellText.append(column[row], to: &text)
    }
  }
}

/// The text of single values.
package enum CellText {
  /// A value as a cell shows it; null is empty.
  package static func text(_ value: Value) -> String {
    var text: [UInt8] = []
    append(value, to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  /// A scalar from its text.
  ///
  /// - Throws: `invalidArgument` for what is not of the type.
  package static func value(of text: String, type: DataType) throws(LarderError) -> Value {
    do throws(CellFlaw) { return try ListCells.value(Array(text.utf8), type) } catch {
      guard error != .withoutUnit else {
        throw LarderError(
          .invalidArgument,
          "\"\(text)\" is a whole number that does not say its unit; write times in ISO 8601.")
      }
      throw LarderError(.invalidArgument, "\"\(text)\" is \(error.reason(type: type)).")
    }
  }

  static func append(_ value: Double, to text: inout [UInt8]) {
    if value.isNaN {
      appendNaN(
        value.bitPattern, plain: Double.nan.bitPattern, negative: 1 << 63, to: &text)
    } else {
      text.append(contentsOf: value.description.utf8)
    }
  }

  static func append(_ value: Float, to text: inout [UInt8]) {
    if value.isNaN {
      appendNaN(
        UInt64(value.bitPattern), plain: UInt64(Float.nan.bitPattern), negative: 1 << 31,
        to: &text)
    } else {
      text.append(contentsOf: value.description.utf8)
    }
  }

  /// `nan` and `-nan` are the common two; of the others all bits are written.
  private static func appendNaN(
    _ bits: UInt64, plain: UInt64, negative: UInt64, to text: inout [UInt8]
  ) {
    if bits == plain {
      text.append(contentsOf: "nan".utf8)
    } else if bits == plain | negative {
      text.append(contentsOf: "-nan".utf8)
    } else {
      text.append(contentsOf: "nan(0x\(String(bits, radix: 16)))".utf8)
    }
  }

  static func append(_ value: Value, to text: inout [UInt8]) {
    switch value {
    case .null: break
    case .bool(let value): text.append(contentsOf: (value ? "true" : "false").utf8)
    case .int32(let value): text.append(contentsOf: String(value).utf8)
    case .int64(let value): text.append(contentsOf: String(value).utf8)
    case .float32(let value): append(value, to: &text)
    case .float64(let value): append(value, to: &text)
    case .string(let value): text.append(contentsOf: value.utf8)
    case .bytes(let value): Base64.encode(value.span, into: &text)
    case .timestamp(let value): ISO8601.append(ticks: value.ticks, unit: value.unit, to: &text)
    case .date(let value): ISO8601.append(days: value, to: &text)
    case .list(let values): text.append(contentsOf: json(values).write(indented: false))
    }
  }

  private static func json(_ values: [Value]) -> JSONValue {
    .array(values.map { json($0) })
  }

  /// A value as JSON has it; what JSON has no form for is a string.
  package static func json(_ value: Value) -> JSONValue {
    switch value {
    case .null: .null
    case .bool(let value): .bool(value)
    case .int32(let value): .integer(value)
    case .int64(let value): .integer(value)
    case .float32(let number):
      number.isFinite ? JSONValue(.number("\(number)")) : .text(text(value))
    case .float64(let number):
      number.isFinite ? JSONValue(.number("\(number)")) : .text(text(value))
    case .list(let values): json(values)
    case .string(let string): .text(string)
    case .bytes, .timestamp, .date: .text(text(value))
    }
  }
}
