import LarderColumns
import LarderContract
import LarderOnline

/// A query for the latest features with all that does not depend on the keys' values.
struct PreparedOnlineQuery: Sendable {
  /// A view that is asked.
  private struct Part: Sendable {
    let source: ResolvedOnlineQuery.Source
    /// The view with its ids.
    let view: ResolvedView
    /// The names of the features asked for.
    let features: [String]
    /// The first part that is found by the same columns under the same names.
    var first: Int
  }

  private let query: ResolvedOnlineQuery
  private let parts: [Part]

  /// - Parameter named: the definitions that the query was resolved in.
  init(_ query: ResolvedOnlineQuery, _ named: NamedDefinitions) {
    self.query = query
    var parts: [Part] = []
    for source in query.sources {
      let first = parts.firstIndex {
        $0.source.keyColumns == source.keyColumns && $0.source.keyNames == source.keyNames
      }
      parts.append(
        Part(
          source: source, view: named.resolved(at: source.place), features: source.featureNames,
          first: first ?? parts.count))
    }
    self.parts = parts
  }

  /// Asks each view's table and puts the answers together.
  ///
  /// - Parameter keys: has the columns that the query was prepared for.
  func answer(
    _ keys: RecordBatch, from store: MappedOnlineStore, _ options: OnlineReadOptions
  ) throws(LarderError) -> OnlineFeatures {
    // All views are judged at one time.
    let readAt = options.at ?? store.now
    var converted: [OnlineKeys] = []
    var answers: [OnlineRows] = []
    for (place, part) in parts.enumerated() {
      let shared =
        part.first < place
        ? converted[part.first]
        : try OnlineKeys(part.source.keys(in: keys), of: part.source.view)
      converted.append(shared)
      answers.append(
        try store.read(
          shared, from: part.view, features: part.features, at: readAt,
          includeExpired: options.includeExpired))
    }
    return OnlineFeatures(query, keys, answers, readAt: readAt)
  }
}

extension OnlineFeatures {
  /// Puts the answers of a query's views together.
  ///
  /// - Parameter answers: one for each source of the query, with the source's features.
  init(
    _ query: ResolvedOnlineQuery, _ keys: RecordBatch, _ answers: [OnlineRows], readAt: Timestamp
  ) {
    let outputs = query.outputs
    let columns = outputs.map { answers[$0.source].features.columns[$0.ordinal] }
    self.init(
      rows: RecordBatch(
        unchecked: query.schema, columns: keys.columns + columns, count: keys.count),
      views: zip(query.sources, answers).map { source, answer in
        OnlineFeatures.View(
          name: source.name, statuses: answer.statuses, eventTimes: answer.eventTimes)
      },
      columnViews: [Int?](repeating: nil, count: keys.columns.count) + outputs.map(\.source),
      readAt: readAt)
  }
}

extension ResolvedQuery.Source {
  /// The names of the view's join keys, one for each of the key columns.
  var keyNames: [String] { view.isEntityless ? [] : view.joinKeys.map(\.name) }

  /// The names of the features asked for.
  var featureNames: [String] { features.map { view.features[$0].name } }

  /// The source's key columns of a batch, under the names of its view's join keys.
  func keys(in batch: RecordBatch) -> RecordBatch {
    var fields: [ColumnField] = []
    var columns: [Column] = []
    for (name, column) in zip(keyNames, keyColumns) {
      fields.append(ColumnField(name, batch.columns[column].type))
      columns.append(batch.columns[column])
    }
    return RecordBatch(unchecked: Schema(fields), columns: columns, count: batch.count)
  }
}
