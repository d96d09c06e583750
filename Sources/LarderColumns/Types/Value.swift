/// One value in a form for people: definitions, messages, tests.
///
/// Bulk data stays in columns.
///
/// Floats compare by bit pattern, so that a NaN equals itself and -0.0 differs from 0.0.
public enum Value: Sendable {
  /// Nothing.
  case null
  /// A bool.
  case bool(Bool)
  /// A 32-bit integer.
  case int32(Int32)
  /// A 64-bit integer.
  case int64(Int64)
  /// A binary32.
  case float32(Float)
  /// A binary64.
  case float64(Double)
  /// Text: string, json, uuid or decimal.
  case string(String)
  /// Bytes: bytes or opaque.
  case bytes([UInt8])
  /// An instant.
  case timestamp(Timestamp)
  /// Days since 1970-01-01.
  case date(Int32)
  /// A list of values.
  case list([Value])
}

extension Value: Hashable {
  /// Whether two values are the same, floats by bit pattern.
  public static func == (a: Value, b: Value) -> Bool {
    switch (a, b) {
    case (.null, .null): true
    case (.bool(let x), .bool(let y)): x == y
    case (.int32(let x), .int32(let y)): x == y
    case (.int64(let x), .int64(let y)): x == y
    case (.float32(let x), .float32(let y)): x.bitPattern == y.bitPattern
    case (.float64(let x), .float64(let y)): x.bitPattern == y.bitPattern
    case (.string(let x), .string(let y)): x.utf8.elementsEqual(y.utf8)
    case (.bytes(let x), .bytes(let y)): x == y
    case (.timestamp(let x), .timestamp(let y)): x == y
    case (.date(let x), .date(let y)): x == y
    case (.list(let x), .list(let y)): x == y
    default: false
    }
  }

  /// Hashes as `==` compares.
  public func hash(into hasher: inout Hasher) {
    switch self {
    case .null: hasher.combine(0)
    case .bool(let x): hasher.combine(x)
    case .int32(let x): hasher.combine(x)
    case .int64(let x): hasher.combine(x)
    case .float32(let x): hasher.combine(x.bitPattern)
    case .float64(let x): hasher.combine(x.bitPattern)
    case .string(var x):
      x.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    case .bytes(let x): hasher.combine(x)
    case .timestamp(let x): hasher.combine(x)
    case .date(let x): hasher.combine(x)
    case .list(let x): hasher.combine(x)
    }
  }
}

extension Value: CustomStringConvertible {
  /// The value as a message shows it.
  public var description: String {
    switch self {
    case .null: "null"
    case .bool(let x): "\(x)"
    case .int32(let x): "\(x)"
    case .int64(let x): "\(x)"
    case .float32(let x): "\(x)"
    case .float64(let x): "\(x)"
    case .string(let x): "\"\(x)\""
    case .bytes(let x): "\(x.count) bytes"
    case .timestamp(let x): "\(x)"
    case .date(let x): ISO8601.text(days: x)
    case .list(let x): "[" + x.map(\.description).joined(separator: ", ") + "]"
    }
  }
}
