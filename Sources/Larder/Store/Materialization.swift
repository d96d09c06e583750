import LarderColumns
import LarderContract

/// Writes the batches of pulls to an online table, and a watermark with the last of them.
struct Materialization {
  private let online: any WatermarkedOnlineStore
  private let view: FeatureView
  private var pending: RecordBatch?
  private(set) var rows = 0

  init(_ online: any WatermarkedOnlineStore, _ view: FeatureView) {
    self.online = online
    self.view = view
  }

  /// Writes the rows of a pull but for its last batch, which waits for what follows.
  mutating func write(_ job: any RetrievalJob) throws(LarderError) {
    do {
      try job.forEachBatch { batch in
        if let pending { try online.writeBatch(pending, to: view, watermark: nil, progress: nil) }
        pending = batch
        rows += batch.count
      }
    } catch let error as LarderError {
      throw error
    } catch {
      throw LarderError(.io, "Reading history failed: \(error)")
    }
    if pending == nil { pending = try .empty(job.schema) }
  }

  /// Writes the last batch, and the watermark with it.
  mutating func finish(_ watermark: OnlineWatermark?) throws(LarderError) {
    guard let last = pending else { return }
    try online.writeBatch(last, to: view, watermark: watermark, progress: nil)
    pending = nil
  }
}

extension RecordBatch {
  /// A batch of no rows.
  fileprivate static func empty(_ schema: Schema) throws(LarderError) -> RecordBatch {
    try RecordBatch(
      schema: schema, columns: schema.fields.map { ColumnBuilder($0.type).finish() }, count: 0)
  }
}
