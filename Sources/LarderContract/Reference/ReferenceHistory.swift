import LarderColumns

/// All rows of one view, in the order in which they were committed.
struct ReferenceHistory: Sendable {
  /// A row of history.
  struct Row: Sendable {
    /// The values of the join keys, in the view's order; empty for a view without entities.
    var key: [Value]
    /// The event time in the view's unit.
    var event: Int64
    /// The created time in the view's unit, if there is one.
    var created: Int64?
    /// The commit that brought it.
    var commit: UInt64
    /// Where its features are.
    var batch: Int
    var row: Int
  }

  /// What was appended, as it came.
  private(set) var batches: [RecordBatch] = []
  /// The rows, in the order of commits, and within a commit in the order of the batch.
  private(set) var rows: [Row] = []

  /// Adds the rows of a batch, or nothing.
  ///
  /// - Throws: `invalidInput` with the column, the row and the reason.
  mutating func append(
    _ batch: RecordBatch, to view: FeatureView, commit: UInt64
  ) throws(LarderError) {
    let roles = try AppendedColumns(batch.schema, view)
    var added: [Row] = []
    for row in 0..<batch.count {
      var key: [Value] = []
      for (joinKey, column) in zip(view.joinKeys, roles.keys) {
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
      let event = try ticks(batch, roles.event, row, view.timeUnit)
      guard let event else {
        throw LarderError(
          .invalidInput, "The event time is missing; every row needs one.",
          column: view.eventTimestamp, row: row)
      }
      var created: Int64?
      if let column = roles.created { created = try ticks(batch, column, row, view.timeUnit) }
      added.append(
        Row(
          key: key, event: event, created: created, commit: commit, batch: batches.count,
          row: row))
    }
    batches.append(batch)
    rows += added
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
    earlier.rows.removeAll { $0.commit > commit }
    return earlier
  }

  private func ticks(
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

/// Which column of an appended batch is what.
private struct AppendedColumns {
  var keys: [Int] = []
  var event: Int
  var created: Int?

  init(_ schema: Schema, _ view: FeatureView) throws(LarderError) {
    var known = view.joinKeys.map(\.name) + [view.eventTimestamp] + view.features.map(\.name)
    if let created = view.createdTimestamp { known.append(created) }
    var seen: Set<String> = []
    for field in schema.fields {
      guard known.contains(field.name) else {
        throw LarderError(
          .invalidInput,
          "The view \"\(view.name)\" has no such column. "
            + suggestion(for: field.name, among: known),
          column: field.name)
      }
      guard seen.insert(field.name).inserted else {
        throw LarderError(.invalidInput, "The column is there twice.", column: field.name)
      }
    }
    event = try AppendedColumns.time(view.eventTimestamp, schema)
    if let name = view.createdTimestamp { created = try AppendedColumns.time(name, schema) }
    if !view.isEntityless {
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
    }
    for feature in view.features {
      guard let index = schema.index(of: feature.name) else { continue }
      let type = schema.fields[index].type
      switch (type, feature.type) {
      case (.int32, .int64), (.float32, .float64): continue
      case _ where type == feature.type: continue
      default:
        throw LarderError(
          .invalidInput, "It holds \(type); the feature is \(feature.type).",
          column: feature.name, row: 0)
      }
    }
  }

  private static func time(_ name: String, _ schema: Schema) throws(LarderError) -> Int {
    guard let index = schema.index(of: name) else {
      throw LarderError(.invalidInput, "The time column is missing.", column: name)
    }
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
