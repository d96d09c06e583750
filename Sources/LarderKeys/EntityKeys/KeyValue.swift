import LarderColumns

/// One join key's value.
package enum KeyValue: Sendable {
  case bytes([UInt8])
  case string(String)
  case int32(Int32)
  case int64(Int64)
  /// Seconds since 1970-01-01T00:00:00Z.
  case timestamp(seconds: Int64)
}

extension KeyValue: Hashable {
  /// Whether two values have the same bytes: strings are compared as UTF-8, not as text.
  package static func == (a: KeyValue, b: KeyValue) -> Bool {
    a.type == b.type && a.serialized == b.serialized
  }

  /// Hashes as `==` compares.
  package func hash(into hasher: inout Hasher) {
    hasher.combine(type)
    hasher.combine(serialized)
  }
}

extension KeyValue {
  /// The type of the value.
  package var type: KeyType {
    switch self {
    case .bytes: .bytes
    case .string: .string
    case .int32: .int32
    case .int64: .int64
    case .timestamp: .timestamp
    }
  }

  /// The bytes that stand for the value in a key, without type and length.
  package var serialized: [UInt8] {
    switch self {
    case .bytes(let value): return value
    case .string(let value): return Array(value.utf8)
    case .int32(let value):
      var bytes: [UInt8] = []
      bytes.appendLittleEndian(UInt32(bitPattern: value))
      return bytes
    case .int64(let value), .timestamp(let value):
      var bytes: [UInt8] = []
      bytes.appendLittleEndian(UInt64(bitPattern: value))
      return bytes
    }
  }

  /// Takes a value of a column's type as a join key.
  ///
  /// - Throws: `invalidArgument` for types that keys cannot have; `invalidInput` for null, for a
  ///   value of another type than said, and for an instant that is no whole second.
  package init(_ value: Value, of type: DataType) throws(LarderError) {
    let keyType = try KeyType(type)
    switch (keyType, value) {
    case (.bytes, .bytes(let x)): self = .bytes(x)
    case (.string, .string(let x)): self = .string(x)
    case (.int32, .int32(let x)): self = .int32(x)
    case (.int64, .int64(let x)): self = .int64(x)
    case (.timestamp, .timestamp(let x)):
      guard let seconds = x.exactly(in: .seconds) else {
        throw LarderError(
          .invalidInput, "\(value) is no whole second; timestamps in keys are whole seconds.")
      }
      self = .timestamp(seconds: seconds)
    case (_, .null):
      throw LarderError(.invalidInput, "A join key is null; every key needs a value.")
    default:
      throw LarderError(.invalidInput, "\(value) was found where \(type) is expected.")
    }
  }

  /// Reads the bytes of a value of a type; nil if they are none: a wrong length, not UTF-8.
  package init?(_ bytes: ArraySlice<UInt8>, of type: KeyType) {
    if let width = type.fixedBytes, bytes.count != width { return nil }
    switch type {
    case .bytes: self = .bytes(Array(bytes))
    case .string:
      guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
      self = .string(text)
    case .int32: self = .int32(Int32(bitPattern: UInt32(littleEndian: bytes)))
    case .int64: self = .int64(Int64(bitPattern: UInt64(littleEndian: bytes)))
    case .timestamp: self = .timestamp(seconds: Int64(bitPattern: UInt64(littleEndian: bytes)))
    }
  }
}
