import LarderColumns

/// The type of one join key.
///
/// The raw values are Feast's codes and appear in every key's bytes.
package enum KeyType: UInt32, Sendable, Hashable, CaseIterable {
  case bytes = 1
  case string = 2
  case int32 = 3
  case int64 = 4
  /// Whole seconds since 1970-01-01T00:00:00Z in an Int64.
  case timestamp = 8

  /// How many bytes every value has; nil for strings and bytes.
  package var fixedBytes: Int? {
    switch self {
    case .bytes, .string: nil
    case .int32: 4
    case .int64, .timestamp: 8
    }
  }

  /// The join-key type of a column's type.
  ///
  /// - Throws: `invalidArgument` for every type that Feast cannot serialize as a key: bool, floats,
  ///   dates, json, uuid, decimal, opaque bytes and lists.
  package init(_ type: DataType) throws(LarderError) {
    switch type {
    case .bytes: self = .bytes
    case .string: self = .string
    case .int32: self = .int32
    case .int64: self = .int64
    case .timestamp: self = .timestamp
    default:
      throw LarderError(
        .invalidArgument,
        "A join key cannot be \(type); it is string, int32, int64, bytes or timestamp.")
    }
  }

  /// The type of the columns that keys of this type come back as.
  package var dataType: DataType {
    switch self {
    case .bytes: .bytes
    case .string: .string
    case .int32: .int32
    case .int64: .int64
    case .timestamp: .timestamp(.seconds)
    }
  }
}

extension KeyType: CustomStringConvertible {
  /// The name used in definitions.
  package var description: String {
    self == .timestamp ? "timestamp" : dataType.description
  }
}
