import LarderColumns
import LarderContract
import LarderOnline

/// A query for the latest features with all that does not depend on the keys' values.
struct PreparedOnlineQuery: Sendable {
  /// A view that is asked.
  private struct Part: Sendable {
    let source: ResolvedOnlineQuery.Source
    /// The view with its ids, where a catalog knows them.
    let resolved: ResolvedView?
    /// The names of the features asked for.
    let features: [String]
    /// The names of the view's join keys, one for each of the source's key columns; none for a
    /// view without entities.
    let keyNames: [String]
    /// The first part that is found by the same columns under the same names.
    var first: Int
  }

  private let query: ResolvedOnlineQuery
  private let parts: [Part]

  /// - Parameter named: the definitions that the query was resolved in, if a catalog has them.
  init(_ query: ResolvedOnlineQuery, _ named: NamedDefinitions?) {
    self.query = query
    var parts: [Part] = []
    for source in query.sources {
      let names = source.view.isEntityless ? [] : source.view.joinKeys.map(\.name)
      let first = parts.firstIndex {
        $0.source.keyColumns == source.keyColumns && $0.keyNames == names
      }
      parts.append(
        Part(
          source: source, resolved: named?.resolved(named: source.view.name),
          features: source.features.map { source.view.features[$0].name },
          keyNames: names, first: first ?? parts.count))
    }
    self.parts = parts
  }

  /// Asks each view's table and puts the answers together.
  ///
  /// - Parameter keys: has the columns that the query was prepared for.
  func answer(
    _ keys: RecordBatch, from store: any OnlineStore, _ options: OnlineReadOptions
  ) throws(LarderError) -> OnlineFeatures {
    let mapped = store as? MappedOnlineStore
    // All views are judged at one time.
    let readAt = options.at ?? mapped?.now ?? .now
    var converted: [OnlineKeys?] = []
    var answers: [OnlineRows] = []
    for (place, part) in parts.enumerated() {
      let view = part.source.view
      guard let mapped else {
        answers.append(
          try store.read(
            renamed(keys, for: part), from: view, features: part.features, at: readAt,
            includeExpired: options.includeExpired))
        continue
      }
      let shared: OnlineKeys
      if part.first < place, let known = converted[part.first] {
        shared = known
      } else {
        shared = try OnlineKeys(renamed(keys, for: part), of: view)
      }
      converted.append(shared)
      let resolved: ResolvedView
      if let known = part.resolved { resolved = known } else { resolved = try mapped.resolve(view) }
      answers.append(
        try mapped.read(
          shared, from: resolved, features: part.features, at: readAt,
          includeExpired: options.includeExpired))
    }
    let outputs = query.outputs
    let columns = outputs.map { answers[$0.source].features.columns[$0.ordinal] }
    return OnlineFeatures(
      rows: RecordBatch(
        unchecked: query.schema, columns: keys.columns + columns, count: keys.count),
      views: zip(parts, answers).map { part, answer in
        OnlineFeatures.View(
          name: part.source.name, statuses: answer.statuses, eventTimes: answer.eventTimes)
      },
      columnViews: [Int?](repeating: nil, count: keys.columns.count) + outputs.map(\.source),
      readAt: readAt)
  }

  /// The key columns of a part under the names of its view's join keys.
  private func renamed(_ keys: RecordBatch, for part: Part) -> RecordBatch {
    var fields: [ColumnField] = []
    var columns: [Column] = []
    for (name, column) in zip(part.keyNames, part.source.keyColumns) {
      fields.append(ColumnField(name, keys.columns[column].type))
      columns.append(keys.columns[column])
    }
    return RecordBatch(unchecked: Schema(fields), columns: columns, count: keys.count)
  }
}
