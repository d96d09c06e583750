import LarderColumns
import LarderContract

/// Writes the batches of pulls to an online table, and a watermark with the last of them.
struct Materialization {
  private let online: any WatermarkedOnlineStore
  private let view: FeatureView
  private let watch: MaterializationWatch
  private var pending: RecordBatch?
  private(set) var rows = 0
  private(set) var changedKeys = 0

  init(
    _ online: any WatermarkedOnlineStore, _ view: FeatureView, _ watch: MaterializationWatch
  ) {
    self.online = online
    self.view = view
    self.watch = watch
  }

  /// Writes the rows of a pull but for its last batch, which waits for what follows.
  mutating func write(_ job: any RetrievalJob) throws(LarderError) {
    do {
      try job.forEachBatch { batch in
        try watch.check()
        try writePending(nil)
        pending = batch
        rows += batch.count
        watch.progress?(rows)
      }
    } catch {
      throw LarderError(error, during: "Reading history")
    }
    if pending == nil { pending = try .empty(job.schema) }
  }

  /// Writes the last batch, and the watermark with it.
  mutating func finish(_ watermark: OnlineWatermark?) throws(LarderError) {
    try writePending(watermark)
  }

  private mutating func writePending(_ watermark: OnlineWatermark?) throws(LarderError) {
    guard let batch = pending else { return }
    changedKeys += try online.writeBatch(batch, to: view, watermark: watermark, progress: nil)
    pending = nil
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
