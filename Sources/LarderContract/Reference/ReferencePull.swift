import LarderColumns

/// Answers `pullLatest` and `pullAll`: rows ordered by key as committed first, then by time,
/// created time and commit.
func referencePull(
  _ query: ResolvedPull, _ history: ReferenceHistory, latest: Bool
) throws(LarderError) -> RecordBatch {
  let view = query.view
  let bounds = (query.from?.exactNanoseconds, query.through?.exactNanoseconds)
  let tick = Int128(view.timeUnit.nanosecondsPerTick)
  var rows: [ReferenceHistory.Row] = []
  for key in history.keys {
    let inRange = history.rows(of: key).map { history.rows[$0] }.filter { row in
      let time = Int128(row.event) * tick
      return (bounds.0 ?? time) <= time && time <= (bounds.1 ?? time)
    }
    rows += latest ? inRange.suffix(1) : inRange[...]
  }
  var columns: [Column] = []
  for (output, field) in zip(query.outputs, query.schema.fields) {
    let values: [Value] =
      switch output {
      case .key(let index):
        rows.map { row in
          view.isEntityless
            ? .string("") : referenceCell(history.keys[row.key][index], as: field.type)
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
  return try RecordBatch(schema: query.schema, columns: columns, count: rows.count)
}
