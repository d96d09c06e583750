extension Timestamp: Codable {
  /// Reads an instant in ISO 8601.
  public init(from decoder: any Decoder) throws {
    try self.init(iso8601: try decoder.singleValueContainer().decode(String.self))
  }

  /// Writes the instant in ISO 8601, UTC.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
