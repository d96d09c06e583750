import LarderColumns

/// Answers a resolved query row by row.
func referenceJoin(
  _ query: ResolvedQuery, spine: RecordBatch?, histories: [String: ReferenceHistory],
  asKnown: Bool
) throws(LarderError) -> RecordBatch {
  let spine = if let spine { spine } else { try referenceSpine(query, histories) }
  let times = spine.columns[query.timeColumn]
  var answers: [[ReferenceAnswer]] = []
  for source in query.sources {
    let history = histories[source.view.name] ?? ReferenceHistory()
    var column: [ReferenceAnswer] = []
    for row in 0..<spine.count {
      let key = try referenceKey(source, spine, row)
      if let key, let time = ReferenceKey.instant(times[row]) {
        column.append(
          ReferenceAnswer(history, key, at: time, of: source.view, asKnown: asKnown))
      } else {
        column.append(ReferenceAnswer())
      }
    }
    answers.append(column)
  }
  var columns: [Column] = []
  for (output, field) in zip(query.outputs, query.schema.fields) {
    switch output {
    case .spine(let index): columns.append(spine.columns[index])
    case .feature(let index, let ordinal):
      let source = query.sources[index]
      let history = histories[source.view.name] ?? ReferenceHistory()
      let feature = source.view.features[source.features[ordinal]]
      columns.append(
        try .of(
          field.type,
          answers[index].map { $0.row.map { history.value(of: feature, in: $0) } ?? .null }))
    case .eventTime(let index):
      let unit = query.sources[index].view.timeUnit
      columns.append(.timestamp(answers[index].map { $0.row?.event }, unit: unit))
    case .status(let index):
      columns.append(try .string(answers[index].map { $0.status.rawValue }))
    }
  }
  return try RecordBatch(schema: query.schema, columns: columns, count: spine.count)
}

/// The key of a spine row for a source; nil if a part of it is null or cannot be a key.
private func referenceKey(
  _ source: ResolvedQuery.Source, _ spine: RecordBatch, _ row: Int
) throws(LarderError) -> [Value]? {
  guard !source.view.isEntityless else { return [] }
  var key: [Value]? = []
  for (joinKey, column) in zip(source.view.joinKeys, source.keyColumns) {
    let part = try ReferenceKey(
      spine.columns[column][row], as: joinKey.type, column: spine.schema.fields[column].name,
      row: row)
    if case .key(let value) = part { key?.append(value) } else { key = nil }
  }
  return key
}

/// The distinct keys and event times of the views, ordered by time, then by key column by column.
private func referenceSpine(
  _ query: ResolvedQuery, _ histories: [String: ReferenceHistory]
) throws(LarderError) -> RecordBatch {
  guard let range = query.madeFrom else {
    throw LarderError(.invalidArgument, "There is no spine and no range to make one from.")
  }
  let fields = query.spine.fields
  var rows: Set<[Value]> = []
  for source in query.sources {
    let history = histories[source.view.name] ?? ReferenceHistory()
    for row in history.rows {
      let time = Timestamp(ticks: row.event, unit: source.view.timeUnit)
      guard range.contains(time) else { continue }
      var cells = [Value](repeating: .null, count: fields.count)
      for (part, column) in zip(history.keys[row.key], source.keyColumns) { cells[column] = part }
      cells[query.timeColumn] = .timestamp(time)
      rows.insert(cells)
    }
  }
  let ordered = rows.sorted { a, b in
    for column in [query.timeColumn] + fields.indices.dropLast() {
      if let before = referencePrecedes(a[column], b[column]) { return before }
    }
    return false
  }
  var columns: [Column] = []
  for (index, field) in fields.enumerated() {
    columns.append(try .of(field.type, ordered.map { referenceCell($0[index], as: field.type) }))
  }
  return try RecordBatch(schema: query.spine, columns: columns, count: ordered.count)
}

/// Whether a key or time comes before another; nil if they are the same.
///
/// Null comes first.
private func referencePrecedes(_ a: Value, _ b: Value) -> Bool? {
  if a == b { return nil }
  switch (a, b) {
  case (.null, _): return true
  case (_, .null): return false
  case (.int64(let x), .int64(let y)): return x < y
  case (.timestamp(let x), .timestamp(let y)): return x < y
  case (.string(let x), .string(let y)): return x.utf8.lexicographicallyPrecedes(y.utf8)
  case (.bytes(let x), .bytes(let y)): return x.lexicographicallyPrecedes(y)
  default: return nil
  }
}

/// A key as a value of its column's type.
func referenceCell(_ key: Value, as type: DataType) -> Value {
  switch (type, key) {
  case (.int32, .int64(let x)): Int32(exactly: x).map { .int32($0) } ?? .null
  case (.timestamp(.seconds), .int64(let x)): .timestamp(Timestamp(seconds: x))
  default: key
  }
}
