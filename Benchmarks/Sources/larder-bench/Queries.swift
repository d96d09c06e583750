import Glibc
import Larder

/// Answers one workload's query as often as asked, over stdin and stdout.
///
/// `prepare` opens the store and reads the spine; `run` asks and collects; `write PATH` writes the
/// answer of a run; `memory` says the peak.
func answerQueries(_ arguments: Arguments) throws {
  let root = try arguments.place(0, "a store")
  let directory = try arguments.place(1, "a directory")
  var query: Query?
  while let line = readLine() {
    let words = line.split(separator: " ", maxSplits: 1)
    do {
      switch words.first {
      case "prepare":
        let clock = ContinuousClock()
        let start = clock.now
        query = try Query(root, directory, arguments)
        say("{\"seconds\": \(seconds(clock.now - start))}")
      case "run":
        if arguments.has("--drop-cache") { try query?.dropCache(root) }
        let clock = ContinuousClock()
        let start = clock.now
        if arguments.has("--drop-cache") { try query?.open(root) }
        let answer = try prepared(query).ask().collect()
        let took = seconds(clock.now - start)
        say("{\"seconds\": \(took), \"rows\": \(answer.count)}")
      case "write":
        try prepared(query).ask().write(to: String(words[1]))
        say("{}")
      case "memory": say("{\"peak_bytes\": \(try peakBytes())}")
      default: say("{\"error\": \"no command\"}")
      }
    } catch {
      let text = "\(error)".replacing("\"", with: "'").replacing("\n", with: " ")
      say("{\"error\": \"\(text)\"}")
    }
  }
}

private func prepared(_ query: Query?) throws(LarderError) -> Query {
  guard let query else { throw LarderError(.invalidArgument, "prepare comes first.") }
  return query
}

/// A spine, and the features to join to it.
private struct Query {
  private var store: FeatureStore?
  let spine: RecordBatch
  let features: [FeatureReference]
  let options: RetrievalOptions

  init(_ root: String, _ directory: String, _ arguments: Arguments) throws {
    let threads = arguments.number("--threads")
    let store = try FeatureStore(at: root, access: .readOnly)
    self.store = store
    spine = try RecordBatch(contentsOf: "\(directory)/spine.parquet", threads: threads)
    let views = try store.definitions().featureViews
    features = try views.map { try FeatureReference("\($0.name):*") }
    var options = RetrievalOptions(
      fullFeatureNames: views.count > 1, asKnown: arguments.has("--as-known"),
      dictionaryStrings: true)
    options.threads = threads
    self.options = options
  }

  func ask() throws(LarderError) -> any RetrievalJob {
    guard let store else { throw LarderError(.invalidArgument, "The store is closed.") }
    return try store.historicalFeatures(for: spine, features: features, options: options)
  }

  /// Opens the store, as a process does that starts.
  mutating func open(_ root: String) throws(LarderError) {
    store = try FeatureStore(at: root, access: .readOnly)
  }

  /// Closes the store and lets go of its pages in the kernel's cache.
  ///
  /// Pages that are mapped stay in the cache whatever is advised: the store has to be closed.
  mutating func dropCache(_ root: String) throws {
    try store?.close()
    store = nil
    sync()
    try forEachFile(under: root) { path in
      let file = Glibc.open(path, O_RDONLY)
      guard file >= 0 else { return }
      posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
      Glibc.close(file)
    }
  }
}
