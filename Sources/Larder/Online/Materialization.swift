import LarderColumns
import LarderContract
import LarderOffline

/// One run: reads history and writes it to an online table, and a watermark with the last batch.
struct Materialization {
  private let target: MaterializationTarget
  private let watch: MaterializationWatch
  private var pending: (batch: RecordBatch, replacing: Bool)?
  private(set) var rows = 0
  private(set) var changedKeys = 0
  private(set) var leftOut: [MaterializationReport.LeftOut] = []

  init(_ target: MaterializationTarget, _ watch: MaterializationWatch) {
    self.target = target
    self.watch = watch
  }

  private var view: FeatureView { target.view.definition }

  /// Writes the rows of a pull but for its last batch, which waits for what follows.
  ///
  /// - Parameter replacing: whether the rows are history's answers whatever is there.
  mutating func write(_ job: any RetrievalJob, replacing: Bool) throws(LarderError) {
    do {
      try job.forEachBatch { batch in
        try watch.check()
        try writePending(nil)
        pending = (batch, replacing)
        rows += batch.count
        watch.progress?(rows)
      }
    } catch {
      throw LarderError(error, during: "Reading history")
    }
    if pending == nil { pending = (try .empty(job.schema), replacing) }
  }

  /// Takes history's answers away from keys of which it has none at a time.
  ///
  /// - Parameter history: the state that is brought over.
  mutating func removeMissing(
    at time: Timestamp, from history: SegmentOfflineStore
  ) throws(LarderError) {
    let answers = HistoryAnswers(target.view.definition.withoutTimeToLive, history)
    var missing: [RecordBatch] = []
    try target.forEachHistoryKey { (keys) throws(LarderError) in
      try watch.check()
      let events = try answers.events(of: keys, at: time)
      let rows = (0..<keys.count).filter { !events.isValid($0) }
      if !rows.isEmpty { missing.append(try keys.rows(rows)) }
    }
    for keys in missing {
      try watch.check()
      changedKeys += try target.remove(keys)
    }
  }

  /// Writes the last batch, and the watermark with it.
  mutating func finish(_ watermark: OnlineWatermark?) throws(LarderError) {
    try writePending(watermark)
  }

  private mutating func writePending(_ watermark: OnlineWatermark?) throws(LarderError) {
    guard let (batch, replacing) = pending else { return }
    try write(batch, replacing, watermark)
    pending = nil
  }

  /// Writes a batch, without the rows that the table cannot hold.
  private mutating func write(
    _ whole: RecordBatch, _ replacing: Bool, _ watermark: OnlineWatermark?
  ) throws(LarderError) {
    var batch = whole
    while true {
      do throws(LarderError) {
        changedKeys += try target.write(batch, replacing: replacing, watermark: watermark)
        return
      } catch {
        guard let row = error.row, row < batch.count, isUnholdable(error) else { throw error }
        let keys = batch.keys(of: view)
        var key: [String: Value] = [:]
        for (field, column) in zip(keys.schema.fields, keys.columns) {
          key[field.name] = column[row]
        }
        leftOut.append(
          MaterializationReport.LeftOut(
            view: view.name, key: key, column: error.column, reason: error.message))
        // What history said before must not stand for what it says now.
        changedKeys += try target.remove(try keys.rows([row]))
        batch = try batch.rows((0..<batch.count).filter { $0 != row })
      }
    }
  }

  /// Whether an error is about one row that the table cannot hold: it stops nothing else.
  private func isUnholdable(_ error: LarderError) -> Bool {
    switch error.code {
    case .limitExceeded: true
    case .invalidInput:
      error.column == view.eventTimestamp || error.column == view.createdTimestamp
    default: false
    }
  }
}

/// What history answers at a time.
struct HistoryAnswers {
  private let view: FeatureView
  private let history: SegmentOfflineStore

  init(_ view: FeatureView, _ history: SegmentOfflineStore) {
    self.view = view
    self.history = history
  }

  /// The event times of keys' answers at a time; null for none.
  func events(of keys: RecordBatch, at time: Timestamp) throws(LarderError) -> Column {
    let columns = try answers(of: keys, at: time, features: view.features.first.map { [$0.name] })
    guard let events = columns.last else {
      throw LarderError(.corrupt, "The join gave no event times.")
    }
    return events
  }

  /// The features of keys' answers at a time, then their event times.
  ///
  /// - Parameter features: the features wanted; nil for all.
  func answers(
    of keys: RecordBatch, at time: Timestamp, features: [String]? = nil
  ) throws(LarderError) -> [Column] {
    let times = [Int64?](repeating: time.ticks, count: keys.count)
    return try answers(of: keys, at: .timestamp(times, unit: time.unit), features: features)
  }

  /// The same, for each key at a time of its own.
  func answers(
    of keys: RecordBatch, at times: Column, features: [String]? = nil
  ) throws(LarderError) -> [Column] {
    let name = view.joinKeys.contains { $0.name == "event_timestamp" } ? "at" : "event_timestamp"
    let spine = RecordBatch(
      unchecked: Schema(keys.schema.fields + [ColumnField(name, times.type)]),
      columns: keys.columns + [times], count: keys.count)
    let references =
      features.map { $0.map { FeatureReference(view: view.name, feature: $0) } }
      ?? [FeatureReference(view: view.name, feature: nil)]
    let job = try history.historicalFeatures(
      for: spine, views: [view], features: references,
      options: RetrievalOptions(timestamp: name, fullFeatureNames: true, withEventTimes: true))
    return Array(try job.collect().columns.dropFirst(spine.columns.count))
  }
}

extension FeatureView {
  /// The view as one whose values never grow old.
  var withoutTimeToLive: FeatureView {
    var view = self
    view.timeToLive = nil
    return view
  }
}

/// Who looks on while a view is materialized.
struct MaterializationWatch {
  var progress: (@Sendable (_ rows: Int) -> Void)?
  var isCancelled: (@Sendable () -> Bool)?

  /// Ends the run if that was asked for.
  ///
  /// - Throws: `cancelled`.
  func check() throws(LarderError) {
    guard let isCancelled, isCancelled() else { return }
    throw LarderError(
      .cancelled, "Materialization was cancelled; the next run does again what is missing.")
  }
}

extension RecordBatch {
  /// A batch of no rows.
  fileprivate static func empty(_ schema: Schema) throws(LarderError) -> RecordBatch {
    try RecordBatch(
      schema: schema, columns: schema.fields.map { ColumnBuilder($0.type).finish() }, count: 0)
  }
}
