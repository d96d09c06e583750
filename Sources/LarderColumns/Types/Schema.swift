/// A name and a type of one column of a batch.
public struct ColumnField: Hashable, Sendable {
  /// The column's name.
  public var name: String
  /// The type of its values.
  public var type: DataType

  /// Makes a field.
  public init(_ name: String, _ type: DataType) {
    self.name = name
    self.type = type
  }
}

/// The columns of a batch, in order.
public struct Schema: Hashable, Sendable {
  /// The fields, in order.
  ///
  /// Names may repeat in what callers bring; the engine refuses them by name.
  public var fields: [ColumnField]

  /// Makes a schema of fields in order.
  public init(_ fields: [ColumnField]) { self.fields = fields }

  /// The position of the first column of a name, or nil.
  ///
  /// - Complexity: O(columns).
  public func index(of name: String) -> Int? { fields.firstIndex { $0.name == name } }
}
