import LarderColumns

/// What a key column's value means as a join key.
enum ReferenceKey {
  /// Nothing: it never matches.
  case null
  /// A value that no key of this type can have: it never matches either.
  case unknown
  /// A key. Integers and seconds are `int64`, text is `string`, bytes are `bytes`.
  case key(Value)

  /// Converts a value to a join key without loss.
  ///
  /// - Throws: `invalidInput` for a fraction, a part of a second, or another kind of value.
  init(
    _ value: Value, as type: JoinKeyType, column: String, row: Int
  ) throws(LarderError) {
    switch (type, value) {
    case (_, .null): self = .null
    case (.string, .string), (.bytes, .bytes): self = .key(value)
    case (.int32, .int32(let x)), (.int64, .int32(let x)): self = .key(.int64(Int64(x)))
    case (.int64, .int64): self = .key(value)
    case (.int32, .int64(let x)): self = Int32(exactly: x) == nil ? .unknown : .key(value)
    case (.int32, .float32(let x)), (.int64, .float32(let x)):
      self = try ReferenceKey(Double(x), as: type, column: column, row: row)
    case (.int32, .float64(let x)), (.int64, .float64(let x)):
      self = try ReferenceKey(x, as: type, column: column, row: row)
    case (.timestamp, .timestamp(let x)):
      guard let seconds = x.exactly(in: .seconds) else {
        throw LarderError(
          .invalidInput, "\(value) was found where a key of whole seconds is expected.",
          column: column, row: row)
      }
      self = .key(.int64(seconds))
    default:
      throw LarderError(
        .invalidInput, "\(value) was found where a key of type \(type.rawValue) is expected.",
        column: column, row: row)
    }
  }

  private init(
    _ value: Double, as type: JoinKeyType, column: String, row: Int
  ) throws(LarderError) {
    if value.isNaN {
      self = .null
    } else if value.isInfinite {
      self = .unknown
    } else if value != value.rounded(.towardZero) {
      throw LarderError(
        .invalidInput, "\(value) was found where a whole number is expected.",
        column: column, row: row)
    } else if let whole = Int64(exactly: value), type == .int64 || Int32(exactly: whole) != nil {
      self = .key(.int64(whole))
    } else {
      self = .unknown
    }
  }

  /// The instant that a value of a time column means; nil for null.
  ///
  /// A date is its midnight.
  static func instant(_ value: Value) -> Timestamp? {
    switch value {
    case .timestamp(let time): time
    case .date(let day): Timestamp(seconds: Int64(day) * 86_400)
    default: nil
    }
  }
}
