import Glibc
import Larder

/// Weighs each column of a file as Larder stores it, and times reading all rows of a column back.
///
/// A question gives the entity's key and the times with every column: `beside` names what came with
/// it. `all` is one question for every column but the texts that hardly repeat.
func weighColumns(_ arguments: Arguments) throws {
  let threads = arguments.number("--threads")
  let table = try RecordBatch(contentsOf: try arguments.place(1, "a file"), threads: threads)
  let fields = table.schema.fields.filter {
    !["entity_id", "event_timestamp", "created"].contains($0.name)
  }
  let view = FeatureView(
    "columns", entities: [Entity("entity", joinKeys: [.int64("entity_id")])],
    features: fields.map { Field($0.name, $0.type) }, eventTimestamp: "event_timestamp",
    createdTimestamp: "created")
  var settings = FeatureStore.Settings()
  settings.threads = threads
  let store = try FeatureStore(
    at: try arguments.place(0, "a store"), access: .create, settings: settings)
  try store.apply(view)
  try store.append(table, to: view.name)
  if arguments.has("--cold") { try store.compact(view.name, compaction(isCold: true)) }
  let report = try store.info().views[0]
  var sizes = report.parts.map { "\"\($0.name)\": \($0.bytes)" }
  sizes.append("\"whole\": \(report.bytes)")
  let names = fields.map { $0.name }
  var beside: [String] = []
  var scans: [String] = []
  for (name, asked) in names.map({ ($0, [$0]) }) + [("all", names.filter { $0 != "link" })] {
    var best = Double.infinity
    for _ in 0..<(arguments.number("--rounds") ?? 3) {
      let took = try ContinuousClock().measure {
        var rows = 0
        try store.pullAll(view.name, features: asked).forEachBatch {
          rows += $0.count
          beside = $0.schema.fields.map { $0.name }.filter { !names.contains($0) }
        }
        guard rows == table.count else {
          throw LarderError(.corrupt, "\(rows) rows came back of \(table.count).")
        }
      }
      best = min(best, seconds(took))
    }
    scans.append("\"\(name)\": \(best)")
  }
  say(
    "{\"bytes\": {\(sizes.joined(separator: ", "))}, \"scan\": {\(scans.joined(separator: ", "))}, "
      + "\"beside\": [\(beside.map { "\"\($0)\"" }.joined(separator: ", "))]}")
}
