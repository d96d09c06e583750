import LarderColumns

/// Answers `pullLatest` and `pullAll`: rows ordered by key as committed first, then by time,
/// created time and commit.
func referencePull(
  _ question: ResolvedPull, _ history: ReferenceHistory, latest: Bool
) throws(LarderError) -> RecordBatch {
  let view = question.view
  let inRange = history.rows.filter { row in
    let time = Timestamp(ticks: row.event, unit: view.timeUnit)
    if let from = question.from, time < from { return false }
    if let through = question.through, time > through { return false }
    return true
  }
  var order: [[Value]] = []
  var byKey: [[Value]: [ReferenceHistory.Row]] = [:]
  for row in inRange {
    if byKey[row.key] == nil { order.append(row.key) }
    byKey[row.key, default: []].append(row)
  }
  var rows: [ReferenceHistory.Row] = []
  for key in order {
    let ofKey = byKey[key] ?? []
    // Sorting positions along with the rows keeps those of an equal rank in the order committed.
    let sorted = ofKey.enumerated().sorted { a, b in
      let x = (a.element.event, a.element.created == nil ? 0 : 1, a.element.created ?? 0, a.offset)
      let y = (b.element.event, b.element.created == nil ? 0 : 1, b.element.created ?? 0, b.offset)
      return x < y
    }
    rows += latest ? sorted.suffix(1).map(\.element) : sorted.map(\.element)
  }
  var columns: [Column] = []
  for (output, field) in zip(question.outputs, question.schema.fields) {
    let values: [Value] =
      switch output {
      case .key(let index):
        rows.map { row in
          view.isEntityless ? .string("") : referenceCell(row.key[index], as: field.type)
        }
      case .feature(let index):
        rows.map { history.value(of: view.features[index], in: $0) }
      case .event:
        rows.map { .timestamp(Timestamp(ticks: $0.event, unit: view.timeUnit)) }
      case .created:
        rows.map { row in
          row.created.map { .timestamp(Timestamp(ticks: $0, unit: view.timeUnit)) } ?? .null
        }
      }
    columns.append(try .of(field.type, values))
  }
  return try RecordBatch(schema: question.schema, columns: columns, count: rows.count)
}
