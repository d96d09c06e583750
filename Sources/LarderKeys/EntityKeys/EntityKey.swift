import LarderColumns

/// One entity's key: join keys by name with their values, in Feast's order.
///
/// Its bytes are those of Feast's entity-key serialization version 3, all integers little-endian:
///
///     u32 n | n x (u32 2 | u32 length | name in UTF-8) | n x (u32 type | u32 length | value)
///
/// with the names ordered by their UTF-8 bytes. One key at a time is for people, tests and
/// definitions; batches go through `KeyBatch`.
package struct EntityKey: Sendable, Hashable {
  /// Names and types of the join keys, in order.
  package let schema: KeySchema
  /// The values, in the schema's order.
  package let values: [KeyValue]

  /// Makes a key of names and values in any order.
  ///
  /// - Throws: `invalidArgument` for duplicate names or too many; `limitExceeded` if the key's
  ///   bytes would exceed `Limits.keyBytes`.
  package init(_ fields: [(name: String, value: KeyValue)]) throws(LarderError) {
    let schema = try KeySchema(fields.map { KeyColumn($0.name, $0.value.type) })
    let sorted = fields.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    try self.init(schema: schema, values: sorted.map(\.value))
  }

  /// Makes a key of a schema's values.
  ///
  /// - Parameters:
  ///   - schema: names and types.
  ///   - values: one for each column, in the schema's order.
  /// - Throws: `invalidArgument` if number or types differ; `limitExceeded` as above.
  package init(schema: KeySchema, values: [KeyValue]) throws(LarderError) {
    guard schema.columns.map(\.type) == values.map(\.type) else {
      throw LarderError(
        .invalidArgument, "The values are \(values.map(\.type)) where the key is \(schema).")
    }
    self.schema = schema
    self.values = values
    guard schema.serializedBytes(ofTail: tail.count) <= Limits.keyBytes else {
      throw LarderError(
        .limitExceeded, "A serialized entity key has at most \(Limits.keyBytes) bytes.")
    }
  }

  /// The key of views without entities: `__dummy_id` = "", as in Feast.
  package static let entityless = EntityKey(unchecked: .entityless, values: [.string("")])

  private init(unchecked schema: KeySchema, values: [KeyValue]) {
    self.schema = schema
    self.values = values
  }

  /// Feast's bytes.
  package var serialized: [UInt8] {
    var bytes = schema.prefix
    for value in values {
      let payload = value.serialized
      bytes.appendLittleEndian(value.type.rawValue)
      bytes.appendLittleEndian(UInt32(payload.count))
      bytes.append(contentsOf: payload)
    }
    return bytes
  }

  /// What differs between the keys of a schema; see `KeySchema` for its form.
  package var tail: [UInt8] {
    var bytes: [UInt8] = []
    for (position, value) in values.enumerated() {
      let payload = value.serialized
      if schema.hasLength(position) { bytes.appendLittleEndian(UInt32(payload.count)) }
      bytes.append(contentsOf: payload)
    }
    return bytes
  }
}

extension EntityKey: CustomStringConvertible {
  /// `name=value` pairs, as the command line takes them.
  package var description: String {
    zip(schema.columns, values).map { column, value in
      switch value {
      case .bytes(let x): "\(column.name)=\(x.count) bytes"
      case .string(let x): "\(column.name)=\(x)"
      case .int32(let x): "\(column.name)=\(x)"
      case .int64(let x), .timestamp(let x): "\(column.name)=\(x)"
      }
    }.joined(separator: ", ")
  }
}
