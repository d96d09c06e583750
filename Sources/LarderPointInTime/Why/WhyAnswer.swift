import LarderColumns
import LarderContract
import LarderEncodings
import LarderKeys
import LarderOffline

extension PointInTimeEngine {
  /// Explains how a view answers a key at a time.
  ///
  /// - Parameters:
  ///   - snapshot: what is asked.
  ///   - view: the view.
  ///   - key: a value for each join key, by name; none for a view without entities.
  ///   - time: the time asked for.
  ///   - asKnown: whether a row counts only if it was created by then.
  ///   - limit: rows to list at most.
  /// - Throws: `notFound` for a join key that is missing or unknown; `invalidInput` for a value that
  ///   cannot be a key; `corrupt`, `io`.
  /// - Complexity: O(rows of the key).
  package func why(
    in snapshot: Snapshot, _ name: String, key: [String: Value], at time: Timestamp,
    asKnown: Bool = false, limit: Int = 20
  ) throws(LarderError) -> WhyReport {
    let view = try snapshot.catalog.requireView(name)
    return try whyReport(
      view.definition, try snapshot.history(of: view), key: key, at: time, asKnown: asKnown,
      limit: limit, timelines: timelines)
  }
}

/// Explains how a history answers a key at a time; see `PointInTimeEngine.why`.
package func whyReport(
  _ view: FeatureView, _ history: ViewHistory, key: [String: Value], at time: Timestamp,
  asKnown: Bool, limit: Int, timelines: TimelineCache
) throws(LarderError) -> WhyReport {
  let id = try lookUp(key, view, history)
  let query = try ResolvedPull(view, features: nil, from: nil, through: nil)
  guard id != .max, let reader = try PullReader(query, history, timelines) else {
    return WhyReport(
      view: view.name, time: time, status: .noEntity,
      rule: "The view has no row of this key.", candidates: [], counts: [:])
  }
  var verdicts = WhyVerdicts(view, at: time, asKnown: asKnown, limit: max(1, limit))
  var cursor = RunCursor(
    reader.tables, reader.timeline, from: .min, through: .max, retired: reader.keys.retired,
    only: id)
  var hasMore = true
  var rows = PulledRows()
  while hasMore {
    hasMore = try cursor.next(4_096, into: &rows)
    for index in 0..<rows.count {
      try verdicts.add(
        reader.tables, Int(rows.segments[index]), Int(rows.rows[index]), rows.ids[index])
    }
    rows.removeAll()
  }
  return try verdicts.report(reader)
}

/// The id of a key given by name; `UInt32.max` if it has none.
private func lookUp(
  _ key: [String: Value], _ view: FeatureView, _ history: ViewHistory
) throws(LarderError) -> UInt32 {
  let names = view.isEntityless ? [] : view.joinKeys.map(\.name)
  for name in key.keys.sorted() where !names.contains(name) {
    throw LarderError(
      .notFound,
      "The view \"\(view.name)\" has no join key \"\(name)\". "
        + suggestion(for: name, among: names), column: name)
  }
  var fields: [ColumnField] = []
  var columns: [Column] = []
  for name in names {
    guard let value = key[name] else {
      throw LarderError(
        .notFound,
        "The join key \"\(name)\" is missing; give one value for each of "
          + names.joined(separator: ", ") + ".", column: name)
    }
    let column = try Column.of(type(of: value), [value])
    fields.append(ColumnField(name, column.type))
    columns.append(column)
  }
  let batch = RecordBatch(unchecked: Schema(fields), columns: columns, count: 1)
  let ids = LaneArena()
  let found = ids.lanes(of: UInt32.self, 1)
  try SpineKeys(
    schema: try view.keySchema, columns: Array(columns.indices), keys: history.keys
  ).find(batch, 0..<1, into: found)
  return withExtendedLifetime(ids) { found[0] }
}

/// The type of a column that holds a value.
private func type(of value: Value) -> DataType {
  switch value {
  case .bool: .bool
  case .int32: .int32
  case .int64, .null: .int64
  case .float32: .float32
  case .float64: .float64
  case .string: .string
  case .bytes: .bytes
  case .timestamp(let time): .timestamp(time.unit)
  case .date: .date
  case .list: .list(.bytes)
  }
}
