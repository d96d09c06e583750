import Glibc
import Larder

/// Weighs each column of a file as Larder stores it, and times reading all rows of a column back.
///
/// `whole` is into columns of a result of its own, `stream` batch by batch into memory that is used
/// again, and `first` the same stream in a store just opened, which verifies every page it reads.
///
/// A query gives the entity's key and the times with every column: `beside` names what came with
/// it. `all` is one query for every column but the texts that hardly repeat.
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
  var options = StoreOptions()
  options.threads = threads
  let root = try arguments.place(0, "a store")
  let store = try FeatureStore(at: root, access: .create, options: options)
  try store.apply(view)
  try store.append(table, to: view.name)
  if arguments.has("--cold") { try store.compact(view.name, compaction(isCold: true)) }
  let report = try store.info().views[0]
  var sizes = report.parts.map { "\"\($0.name)\": \($0.bytes)" }
  sizes.append("\"whole\": \(report.bytes)")
  let names = fields.map { $0.name }
  var beside: [String] = []
  var scans: [String: [String]] = [:]
  let rounds = arguments.number("--rounds") ?? 3
  for (name, asked) in names.map({ ($0, [$0]) }) + [("all", names.filter { $0 != "link" })] {
    func stream(_ store: FeatureStore) throws -> Double {
      var rows = 0
      let took = try ContinuousClock().measure {
        try store.pullAll(view.name, features: asked).forEachBatch {
          rows += $0.count
          if rows == $0.count { beside = $0.schema.fields.map(\.name) }
        }
      }
      try check(rows, of: table)
      return seconds(took)
    }
    let ways: [(String, () throws -> Double)] = [
      ("whole", { try collected(store.pullAll(view.name, features: asked), table) }),
      ("stream", { try stream(store) }),
      ("first", { try stream(try FeatureStore(at: root, access: .readOnly)) }),
    ]
    for (way, time) in ways {
      var best = Double.infinity
      for _ in 0..<rounds { best = min(best, try time()) }
      scans[way, default: []].append("\"\(name)\": \(best)")
    }
  }
  let found = scans.sorted { $0.key < $1.key }.map { way, times in
    "\"\(way)\": {\(times.joined(separator: ", "))}"
  }
  beside.removeAll { names.contains($0) }
  say(
    "{\"bytes\": {\(sizes.joined(separator: ", "))}, \(found.joined(separator: ", ")), "
      + "\"beside\": [\(beside.map { "\"\($0)\"" }.joined(separator: ", "))]}")
}

/// Seconds to get a whole result.
private func collected(_ job: any RetrievalJob, _ table: RecordBatch) throws -> Double {
  var rows = 0
  let took = try ContinuousClock().measure { rows = try job.collect().count }
  try check(rows, of: table)
  return seconds(took)
}

private func check(_ rows: Int, of table: RecordBatch) throws(LarderError) {
  guard rows == table.count else {
    throw LarderError(.corrupt, "\(rows) rows came back of \(table.count).")
  }
}
