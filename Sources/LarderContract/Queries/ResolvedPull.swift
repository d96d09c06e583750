import LarderColumns

/// A pull of a view's rows with every name looked up.
package struct ResolvedPull: Sendable {
  /// Where a column of the result comes from.
  package enum Output: Sendable, Hashable {
    /// The n-th of the view's join keys.
    case key(Int)
    /// The n-th of the view's features.
    case feature(Int)
    /// The event time.
    case event
    /// The created time.
    case created
  }

  /// The view.
  package let view: FeatureView
  /// The first event time wanted; nil for no bound.
  package let from: Timestamp?
  /// The last event time wanted; nil for no bound.
  package let through: Timestamp?
  /// Where each column of the result comes from: join keys, features, event time, created time.
  package let outputs: [Output]
  /// The columns of the result.
  package let schema: Schema

  /// Looks the names up.
  ///
  /// - Throws: `notFound` for an unknown feature; `invalidArgument` for one named twice.
  package init(
    _ view: FeatureView, features: [String]?, from: Timestamp?, through: Timestamp?
  ) throws(LarderError) {
    var outputs = view.joinKeys.indices.map { Output.key($0) }
    var fields = view.joinKeys.map { ColumnField($0.name, $0.type.dataType) }
    var seen: Set<String> = []
    for name in features ?? view.features.map(\.name) {
      guard let index = view.features.firstIndex(where: { $0.name == name }) else {
        throw LarderError(
          .notFound,
          "The view \"\(view.name)\" has no feature \"\(name)\". "
            + suggestion(for: name, among: view.features.map(\.name)))
      }
      guard seen.insert(name).inserted else {
        throw LarderError(.invalidArgument, "The feature \"\(name)\" is named twice.")
      }
      outputs.append(.feature(index))
      fields.append(ColumnField(name, view.features[index].type))
    }
    outputs.append(.event)
    fields.append(ColumnField(view.eventTimestamp, .timestamp(view.timeUnit)))
    if let created = view.createdTimestamp {
      outputs.append(.created)
      fields.append(ColumnField(created, .timestamp(view.timeUnit)))
    }
    self.view = view
    self.from = from
    self.through = through
    self.outputs = outputs
    schema = Schema(fields)
  }
}
