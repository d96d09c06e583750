import LarderColumns
import LarderContract
import LarderOnline

extension ResolvedOnlineQuestion {
  /// Asks each view's table and puts the answers together.
  func answer(
    _ keys: RecordBatch, from store: any OnlineStore, _ options: OnlineReadOptions
  ) throws(LarderError) -> OnlineFeatures {
    let mapped = store as? MappedOnlineStore
    // All views are judged at one time.
    let readAt = options.at ?? mapped?.now ?? .now
    var converted: [(key: KeySet, keys: OnlineKeys)] = []
    var answers: [OnlineRows] = []
    for source in sources {
      let features = source.features.map { source.view.features[$0].name }
      guard let mapped else {
        answers.append(
          try store.read(
            renamed(keys, for: source), from: source.view, features: features, at: readAt,
            includeExpired: options.includeExpired))
        continue
      }
      let set = KeySet(
        columns: source.keyColumns, names: source.view.joinKeys.map(\.name))
      let shared: OnlineKeys
      if let known = converted.first(where: { $0.key == set }) {
        shared = known.keys
      } else {
        shared = try OnlineKeys(renamed(keys, for: source), of: source.view)
        converted.append((set, shared))
      }
      answers.append(
        try mapped.read(
          shared, from: source.view, features: features, at: readAt,
          includeExpired: options.includeExpired))
    }
    let columns = outputs.map { answers[$0.source].features.columns[$0.ordinal] }
    return OnlineFeatures(
      rows: RecordBatch(unchecked: schema, columns: keys.columns + columns, count: keys.count),
      views: zip(sources, answers).map { source, answer in
        OnlineFeatures.View(
          name: source.name, statuses: answer.statuses, eventTimes: answer.eventTimes)
      },
      columnViews: [Int?](repeating: nil, count: keys.columns.count) + outputs.map(\.source),
      readAt: readAt)
  }

  /// The key columns of a source under the names of its view's join keys.
  private func renamed(_ keys: RecordBatch, for source: Source) -> RecordBatch {
    if source.view.isEntityless {
      return RecordBatch(unchecked: Schema([]), columns: [], count: keys.count)
    }
    var fields: [ColumnField] = []
    var columns: [Column] = []
    for (key, column) in zip(source.view.joinKeys, source.keyColumns) {
      fields.append(ColumnField(key.name, keys.columns[column].type))
      columns.append(keys.columns[column])
    }
    return RecordBatch(unchecked: Schema(fields), columns: columns, count: keys.count)
  }
}

/// Which columns make the keys of which join keys.
private struct KeySet: Hashable {
  var columns: [Int]
  var names: [String]
}
