import LarderColumns

/// All rows of one view, in the order in which they were committed.
package struct ReferenceHistory: Sendable {
  /// A row of history.
  package struct Row: Sendable {
    /// The position of its key in `keys`.
    package var key: Int
    /// The event time in the view's unit.
    package var event: Int64
    /// The created time in the view's unit, if there is one.
    package var created: Int64?
    /// The commit that brought it.
    package var commit: UInt64
    /// Where its features are.
    package var batch: Int
    package var row: Int
  }

  /// What was appended, as it came.
  private(set) var batches: [RecordBatch] = []
  /// The rows, in the order of commits, and within a commit in the order of the batch.
  package private(set) var rows: [Row] = []
  /// The keys, in the order in which they came first: for each, the values of the join keys in the
  /// view's order; empty for a view without entities.
  package private(set) var keys: [[Value]] = []
  /// For each key, the positions of its rows, least rank first.
  private var ranked: [[Int]] = []
  private var positions: [[Value]: Int] = [:]

  /// Makes an empty history.
  package init() {}

  /// The rows of a key, those that give way first.
  ///
  /// - Parameter key: the values of the join keys.
  package func rows(of key: [Value]) -> [Int] {
    positions[key].map { ranked[$0] } ?? []
  }

  /// Adds the rows of a batch, or nothing.
  ///
  /// - Throws: `invalidInput` with the column, the row and the reason.
  package mutating func append(
    _ batch: RecordBatch, to view: FeatureView, commit: UInt64
  ) throws(LarderError) {
    let roles = try WrittenColumns(batch.schema, of: view)
    if let created = view.createdTimestamp, roles.created == nil {
      throw LarderError(.invalidInput, "The time column is missing.", column: created)
    }
    let joinKeys = view.joinKeys
    var added: [(key: [Value], event: Int64, created: Int64?)] = []
    for row in 0..<batch.count {
      let key = try ReferenceHistory.key(batch, row, joinKeys, roles.keys)
      let event = try roles.event.flatMap { (column) throws(LarderError) in
        try ReferenceHistory.ticks(batch, column, row, view.timeUnit)
      }
      guard let event else {
        throw LarderError(
          .invalidInput, "The event time is missing; every row needs one.",
          column: view.eventTimestamp, row: row)
      }
      var created: Int64?
      if let column = roles.created {
        created = try ReferenceHistory.ticks(batch, column, row, view.timeUnit)
      }
      added.append((key, event, created))
    }
    var touched: Set<Int> = []
    for (row, values) in added.enumerated() {
      let key = position(of: values.key)
      touched.insert(key)
      ranked[key].append(rows.count)
      rows.append(
        Row(
          key: key, event: values.event, created: values.created, commit: commit,
          batch: batches.count, row: row))
    }
    batches.append(batch)
    for key in touched { ranked[key] = ranked[key].sorted { precedes($0, $1) } }
  }

  /// Whether a row gives way to another of its key: by event time, then by created time with null
  /// least, then by the order of commits.
  private func precedes(_ a: Int, _ b: Int) -> Bool {
    if rows[a].event != rows[b].event { return rows[a].event < rows[b].event }
    switch (rows[a].created, rows[b].created) {
    case (nil, .some): return true
    case (.some, nil): return false
    case (let x?, let y?) where x != y: return x < y
    default: return a < b
    }
  }

  private mutating func position(of key: [Value]) -> Int {
    if let known = positions[key] { return known }
    positions[key] = keys.count
    keys.append(key)
    ranked.append([])
    return keys.count - 1
  }

  /// The value of a feature in a row; null if the batch did not bring the feature.
  ///
  /// A feature that was widened since is given in its type of today.
  func value(of field: Field, in row: Row) -> Value {
    guard let column = batches[row.batch][field.name] else { return .null }
    switch (field.type, column[row.row]) {
    case (.int64, .int32(let x)): return .int64(Int64(x))
    case (.float64, .float32(let x)): return .float64(Double(x))
    case (_, let value): return value
    }
  }

  /// The history as it was at a commit.
  func through(_ commit: UInt64) -> ReferenceHistory {
    var earlier = self
    let count = rows.firstIndex { $0.commit > commit } ?? rows.count
    earlier.rows.removeLast(rows.count - count)
    for key in keys.indices { earlier.ranked[key].removeAll { $0 >= count } }
    return earlier
  }

  private static func key(
    _ batch: RecordBatch, _ row: Int, _ joinKeys: [JoinKey], _ columns: [Int]
  ) throws(LarderError) -> [Value] {
    var key: [Value] = []
    for (joinKey, column) in zip(joinKeys, columns) {
      let name = joinKey.name
      let value = batch.columns[column][row]
      switch try ReferenceKey(value, as: joinKey.type, column: name, row: row) {
      case .key(let value): key.append(value)
      case .null:
        throw LarderError(
          .invalidInput, "A join key is null; every row needs one.", column: name, row: row)
      case .unknown:
        throw LarderError(
          .invalidInput, "\(value) does not fit \(joinKey.type.rawValue).", column: name,
          row: row)
      }
    }
    return key
  }

  private static func ticks(
    _ batch: RecordBatch, _ column: Int, _ row: Int, _ unit: TimeUnit
  ) throws(LarderError) -> Int64? {
    let value = batch.columns[column][row]
    guard let time = ReferenceKey.instant(value) else { return nil }
    guard let ticks = time.exactly(in: unit) else {
      throw LarderError(
        .invalidInput,
        "\(value) is not a whole number of \(unit) in the range of 64 bits. A view keeps finer "
          + "times with \"timeUnit\": \"ns\".",
        column: batch.schema.fields[column].name, row: row)
    }
    return ticks
  }
}
