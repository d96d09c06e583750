import Glibc
import Larder

/// Loads a workload's history in the layout asked for and says what each step took.
///
/// Reading the files is not timed: the rows are in memory when the clock starts, as for the peers.
func load(_ arguments: Arguments) throws {
  let directory = try arguments.place(1, "a directory")
  var options = StoreOptions()
  options.fold = arguments.has("--fold") ? .afterAppend : .off
  options.keepSnapshots = .zero
  options.threads = arguments.number("--threads")
  let store = try FeatureStore(
    at: try arguments.place(0, "a store"), access: .create, options: options)
  let definitions = try Definitions(json: try bytes(of: "\(directory)/definitions.json"))
  try store.apply(definitions)
  var append = Duration.zero
  for view in definitions.featureViews {
    let parts = try parts(of: "\(directory)/\(view.name)", arguments)
    append += try ContinuousClock().measure {
      for part in parts { try store.append(part, to: view.name) }
    }
  }
  var compacting: Duration?
  if arguments.number("--overlaps") == nil, arguments.number("--slices") == nil {
    compacting = try ContinuousClock().measure {
      for view in definitions.featureViews {
        try store.compact(view.name, compaction(isCold: arguments.has("--cold")))
      }
    }
  }
  let views = try store.info().views
  let peak = try peakBytes()
  let compact = compacting.map { "\(seconds($0))" } ?? "null"
  say(
    "{\"rows\": \(views.reduce(0) { $0 + $1.rows }), \"append\": \(seconds(append)), "
      + "\"compact\": \(compact), \"segments\": \(views.reduce(0) { $0 + $1.segments }), "
      + "\"bytes\": \(views.reduce(0) { $0 + $1.bytes }), \"peak_bytes\": \(peak)}")
}

/// What pays; or everything once more, packed smaller.
func compaction(isCold: Bool) -> CompactionOptions {
  isCold ? CompactionOptions(partitions: ["all"], isCold: true) : CompactionOptions()
}

/// The batches to append: the whole history; its slices of time, each in a file of its own; or
/// stripes in the order of arrival, which overlap in time.
private func parts(of path: String, _ arguments: Arguments) throws -> [RecordBatch] {
  let threads = arguments.number("--threads")
  if let count = arguments.number("--slices") {
    return try (0..<count).map {
      try RecordBatch(contentsOf: "\(path).slices\(count)/\($0).parquet", threads: threads)
    }
  }
  let history = try RecordBatch(contentsOf: "\(path).parquet", threads: threads)
  guard let count = arguments.number("--overlaps") else { return [history] }
  return (0..<count).map { index in
    history.slice(history.count * index / count..<history.count * (index + 1) / count)
  }
}
