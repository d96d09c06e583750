import LarderColumns

/// Where a batch brings a feature of a view.
package struct WrittenFeature: Sendable, Hashable {
  /// The feature's position in the view.
  package var feature: Int
  /// The column's position in the batch.
  package var column: Int
}

/// Which column of a batch written to an online table is what.
package struct WrittenColumns: Sendable, Hashable {
  /// The join-key columns, in the view's order; empty for a view without entities.
  package var keys: [Int]
  /// The event time; nil only in a deletion whose rows bring none.
  package var event: Int?
  /// The created time, if the batch brings one.
  package var created: Int?
  /// The features that the batch brings: position in the view, position in the batch.
  package var features: [WrittenFeature] = []

  /// Whether stored values of other features must be kept.
  package func isPartial(of view: FeatureView) -> Bool {
    features.count < view.features.count
  }

  /// Finds the columns by name and checks their types.
  ///
  /// - Parameter isDeletion: whether features are refused and the event time may be missing.
  /// - Throws: `invalidInput` with the column that is missing, unknown, repeated or of another type.
  package init(
    _ schema: Schema, of view: FeatureView, isDeletion: Bool = false
  ) throws(LarderError) {
    try WrittenColumns.checkNames(schema, view, isDeletion: isDeletion)
    keys = try WrittenColumns.keys(schema, of: view)
    event = try WrittenColumns.time(view.eventTimestamp, schema)
    if event == nil, !isDeletion {
      throw LarderError(
        .invalidInput, "The event time is missing; every row needs one.",
        column: view.eventTimestamp)
    }
    if let name = view.createdTimestamp { created = try WrittenColumns.time(name, schema) }
    if isDeletion { return }
    for (position, feature) in view.features.enumerated() {
      guard let column = schema.index(of: feature.name) else { continue }
      let type = schema.fields[column].type
      guard feature.type.accepts(type) else {
        throw LarderError(
          .invalidInput, "It holds \(type); the feature is \(feature.type).",
          column: feature.name, row: 0)
      }
      features.append(WrittenFeature(feature: position, column: column))
    }
  }

  /// The join-key columns of a batch, in the view's order; empty for a view without entities.
  ///
  /// - Throws: `invalidInput` for a column that is missing or cannot hold such keys.
  package static func keys(
    _ schema: Schema, of view: FeatureView
  ) throws(LarderError) -> [Int] {
    if view.isEntityless { return [] }
    var keys: [Int] = []
    for key in view.joinKeys {
      guard let index = schema.index(of: key.name) else {
        throw LarderError(.invalidInput, "The join key is missing.", column: key.name)
      }
      guard key.type.canHold(schema.fields[index].type) else {
        throw LarderError(
          .invalidInput,
          "It holds \(schema.fields[index].type); the join key is \(key.type.rawValue).",
          column: key.name, row: 0)
      }
      keys.append(index)
    }
    return keys
  }

  private static func checkNames(
    _ schema: Schema, _ view: FeatureView, isDeletion: Bool
  ) throws(LarderError) {
    var known = Set(view.joinKeys.map(\.name) + [view.eventTimestamp])
    if let created = view.createdTimestamp { known.insert(created) }
    if !isDeletion { known.formUnion(view.features.map(\.name)) }
    var seen: Set<String> = []
    for field in schema.fields {
      guard known.contains(field.name) else {
        throw LarderError(
          .invalidInput,
          "The view \"\(view.name)\" has no such column here. "
            + suggestion(for: field.name, among: Array(known)),
          column: field.name)
      }
      guard seen.insert(field.name).inserted else {
        throw LarderError(.invalidInput, "The column is there twice.", column: field.name)
      }
    }
  }

  private static func time(_ name: String, _ schema: Schema) throws(LarderError) -> Int? {
    guard let index = schema.index(of: name) else { return nil }
    switch schema.fields[index].type {
    case .timestamp, .date: return index
    default:
      throw LarderError(
        .invalidInput,
        "It holds \(schema.fields[index].type); a timestamp or a date is expected.",
        column: name, row: 0)
    }
  }
}

extension DataType {
  /// Whether a column of another type can be taken without loss: the same, or a narrower number.
  package func accepts(_ type: DataType) -> Bool {
    switch (type, self) {
    case (.int32, .int64), (.float32, .float64): true
    default: type == self
    }
  }
}
