import Glibc
import Larder

/// Weighs each column of a file as Larder stores it, and times reading all rows of a column back.
func weighColumns(_ arguments: Arguments) throws {
  let table = try RecordBatch(contentsOf: try arguments.place(1, "a file"))
  let fields = table.schema.fields.filter {
    !["entity_id", "event_timestamp", "created"].contains($0.name)
  }
  let view = FeatureView(
    "columns", entities: [Entity("entity", joinKeys: [.int64("entity_id")])],
    features: fields.map { Field($0.name, $0.type) }, eventTimestamp: "event_timestamp",
    createdTimestamp: "created")
  let store = try FeatureStore(at: try arguments.place(0, "a store"), access: .create)
  try store.apply(view)
  try store.append(table, to: view.name)
  if arguments.has("--cold") { try store.compact(view.name, compaction(isCold: true)) }
  let report = try store.info().views[0]
  var sizes = report.parts.map { "\"\($0.name)\": \($0.bytes)" }
  sizes.append("\"whole\": \(report.bytes)")
  var scans: [String] = []
  for field in fields {
    var best = Double.infinity
    for _ in 0..<3 {
      let took = try ContinuousClock().measure {
        var rows = 0
        try store.pullAll(view.name, features: [field.name]).forEachBatch { rows += $0.count }
        guard rows == table.count else {
          throw LarderError(.corrupt, "\(rows) rows came back of \(table.count).")
        }
      }
      best = min(best, seconds(took))
    }
    scans.append("\"\(field.name)\": \(best)")
  }
  say(
    "{\"bytes\": {\(sizes.joined(separator: ", "))}, \"scan\": {\(scans.joined(separator: ", "))}}")
}
