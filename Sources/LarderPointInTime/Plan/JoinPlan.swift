import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys
import LarderOffline

/// A resolved query together with the histories it is asked of; nothing was read yet.
struct JoinPlan: Sendable {
  /// The query.
  let query: ResolvedQuery
  /// For each source its view's history.
  let histories: [ViewHistory]
  /// How it is asked.
  let options: RetrievalOptions
  /// The rules, changed only by tests.
  let rules: SearchRules
  /// Where timelines are kept between queries.
  let timelines: TimelineCache
  /// The lookups of keys: sources with the same keys in the same columns share one.
  let lookups: [SpineKeys]
  /// For each source, its lookup.
  let lookupOfSource: [Int]

  init(
    _ query: ResolvedQuery, _ histories: [ViewHistory], _ options: RetrievalOptions,
    rules: SearchRules, timelines: TimelineCache
  ) throws(LarderError) {
    self.query = query
    self.histories = histories
    self.options = options
    self.rules = rules
    self.timelines = timelines
    var lookups: [SpineKeys] = []
    var lookupOfSource: [Int] = []
    for (source, history) in zip(query.sources, histories) {
      let lookup = SpineKeys(
        schema: try source.view.keySchema, columns: source.keyColumns, keys: history.keys)
      let known = lookups.firstIndex { $0.isSame(as: lookup) }
      lookupOfSource.append(known ?? lookups.count)
      if known == nil { lookups.append(lookup) }
    }
    self.lookups = lookups
    self.lookupOfSource = lookupOfSource
  }

  /// Where the runs of a source's entities are found.
  enum Timelines: Sendable, Hashable {
    /// In a timeline that an earlier query left.
    case held
    /// In a file.
    case file(String)
    /// In the segments' own indexes: there is no timeline, and the keys are few.
    case probed
    /// In a timeline that is to be merged.
    case merged
  }

  /// Chooses where the runs of a spine's entities are found.
  ///
  /// - Parameters:
  ///   - segments: in the order of their ordinals.
  ///   - source: the number of the source.
  ///   - spineRows: rows of the spine, if it is known.
  /// - Throws: `io`, `permissionDenied`.
  func timelines(
    _ segments: [Segment], source: Int, spineRows: Int?
  ) throws(LarderError) -> Timelines {
    if rules.probesAlways, spineRows != nil { return .probed }
    if timelines.holds(segments) { return .held }
    let folder = histories[source].timelines
    if let path = try timelines.file(of: segments, in: folder) { return .file(path) }
    let runs = segments.reduce(0) { $0 + $1.entityCount }
    // What was probed so far counts: a process that asks again and again merges once it would have
    // paid, so that all its probes never cost more than twice the merge.
    let asked = timelines.probedRows(of: segments)
    guard let spineRows,
      ProbedEntries.pays(rows: asked + spineRows, segments: segments.count, runs: runs)
    else { return .merged }
    return .probed
  }

  /// How many threads a run of so many chunks uses.
  func threads(chunks: Int) -> Int {
    max(1, min(options.threads ?? .availableCores, chunks))
  }
}

/// Keys that are looked up once for all sources that use them.
struct SpineKeys: Sendable {
  /// The keys' names and types.
  let schema: KeySchema
  /// The spine columns that hold them, in the schema's order; empty for views without entities.
  let columns: [Int]
  /// Where they are looked up; nil if no key is known.
  let keys: KeyDirectory?

  func isSame(as other: SpineKeys) -> Bool {
    schema == other.schema && columns == other.columns && keys === other.keys
  }

  /// Looks the keys of some rows up.
  ///
  /// - Parameters:
  ///   - spine: the spine.
  ///   - rows: which of its rows.
  ///   - ids: gets an id per row, `UInt32.max` where there is none.
  /// - Throws: `invalidInput` with column and row for a value that cannot be a key; `corrupt`.
  func find(
    _ spine: RecordBatch, _ rows: Range<Int>, into ids: Lanes<UInt32>
  ) throws(LarderError) {
    let batch: KeyBatch
    if columns.isEmpty {
      batch = .entityless(count: rows.count)
    } else {
      let named = columns.map { (name: spine.schema.fields[$0].name, column: spine.columns[$0]) }
      batch = try KeyBatch(named, schema: schema, rows: rows, for: .lookup)
    }
    guard let keys else {
      ids.fill(.max, rows.count)
      return
    }
    unsafe try keys.lookup(
      batch, into: UnsafeMutableBufferPointer(start: ids.base, count: rows.count))
  }
}
