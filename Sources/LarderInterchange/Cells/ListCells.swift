import LarderColumns
import LarderContract

/// Lists as JSON arrays: numbers and bools as JSON has them, text, times and base64 as strings.
enum ListCells {
  /// The elements of a list.
  static func elements(
    _ cell: Span<UInt8>, of type: DataType, by times: TimeReading = TimeReading()
  ) throws(CellFlaw) -> [Value] {
    let json: JSONValue
    do throws(LarderError) { json = try JSONParser.parse(cell.array, file: nil) } catch {
      throw .other("not a JSON array: \(error.message)")
    }
    guard case .array(let values) = json.content else { throw .notOfType }
    var elements: [Value] = []
    for (index, value) in values.enumerated() {
      do throws(CellFlaw) { elements.append(try element(value, type, times)) } catch {
        throw .other("a list whose element \(index) is \(error.reason(type: type))")
      }
    }
    return elements
  }

  private static func element(
    _ json: JSONValue, _ type: DataType, _ times: TimeReading
  ) throws(CellFlaw) -> Value {
    let text: String
    switch json.content {
    case .null: return .null
    case .bool(let value):
      guard type == .bool else { throw .notOfType }
      return .bool(value)
    case .number(let digits):
      guard !type.isText, type != .bool else { throw .notOfType }
      text = digits
    case .string(let string): text = string
    case .array, .object: throw .notOfType
    }
    return try value(Array(text.utf8), type, by: times)
  }

  /// A scalar from its text.
  static func value(
    _ text: [UInt8], _ type: DataType, by times: TimeReading = TimeReading()
  ) throws(CellFlaw) -> Value {
    switch type {
    case .bool: return .bool(try IntegerCells.bool(text.span))
    case .int32: return .int32(try IntegerCells.int32(text.span))
    case .int64: return .int64(try IntegerCells.int64(text.span))
    case .float32: return .float32(try FloatCells.float(text.span))
    case .float64: return .float64(try FloatCells.double(text.span))
    case .date: return .date(try TimeCells.days(text.span, by: times))
    case .timestamp(let unit):
      let ticks = try TimeCells.ticks(text.span, in: unit, by: times)
      return .timestamp(Timestamp(ticks: ticks, unit: unit))
    case .string, .json, .uuid, .decimal: return .string(String(decoding: text, as: UTF8.self))
    case .bytes, .opaque:
      var bytes: [UInt8] = []
      try Base64.decode(text.span, into: &bytes)
      return .bytes(bytes)
    case .list: throw .notOfType
    }
  }
}
