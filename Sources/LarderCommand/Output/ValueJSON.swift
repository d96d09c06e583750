import Larder
import LarderContract
import LarderInterchange

extension JSONValue {
  /// A value as JSON has it: instants, days and bytes as the text of their cells.
  init(_ value: Value) {
    switch value {
    case .null: self = .null
    case .bool(let x): self = .bool(x)
    case .int32(let x): self = .integer(x)
    case .int64(let x): self = .integer(x)
    case .float32(let x): self = JSONValue(x.isFinite ? .number("\(x)") : .string("\(x)"))
    case .float64(let x): self = .double(x)
    case .string(let x): self = .text(x)
    case .bytes, .timestamp, .date: self = .text(CellText.text(value))
    case .list(let values): self = .array(values.map { JSONValue($0) })
    }
  }

  /// A time; null for none.
  init(_ time: Timestamp?) { self = time.map { .text("\($0)") } ?? .null }

  /// A watermark; null for none.
  init(_ watermark: OnlineWatermark?) {
    guard let watermark else {
      self = .null
      return
    }
    self = .object([
      "commit": .integer(watermark.commit), "through": .text("\(watermark.through)"),
    ])
  }
}
