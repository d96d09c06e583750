import LarderColumns
import LarderContract
import LarderOffline
import LarderOnline

/// The online table that a run writes to, and the state of history that it reads.
struct MaterializationTarget {
  /// History as of the run.
  let snapshot: Snapshot
  /// The view as that state has it.
  let view: ResolvedView
  private let online: MappedOnlineStore

  init(_ online: MappedOnlineStore, _ view: ResolvedView, _ snapshot: Snapshot) {
    self.online = online
    self.view = view
    self.snapshot = snapshot
  }

  /// How far history was brought over; nil if it never was.
  func watermark() throws(LarderError) -> OnlineWatermark? { try online.watermark(of: view) }

  /// Writes rows of history.
  ///
  /// - Parameter replacing: whether they are the answers whatever is there.
  func write(
    _ batch: RecordBatch, replacing: Bool, watermark: OnlineWatermark?
  ) throws(LarderError) -> Int {
    try online.writeHistory(batch, to: view, replacing: replacing, watermark: watermark)
  }

  /// Takes history's answers away from keys.
  func remove(_ keys: RecordBatch) throws(LarderError) -> Int {
    try online.removeHistory(of: keys, in: view, watermark: nil)
  }

  /// The keys that have an answer of history.
  func forEachHistoryKey(
    _ body: (RecordBatch) throws(LarderError) -> Void
  ) throws(LarderError) {
    try online.forEachKey(of: view) { (keys) throws(LarderError) in
      let origins = try online.origins(of: keys, in: view)
      let rows = origins.indices.filter { origins[$0]?.historyEvent != nil }
      if !rows.isEmpty { try body(rows.count == keys.count ? keys : try keys.rows(rows)) }
    }
  }
}

extension Snapshot {
  /// Whether an online table of a view must be recomputed from this history: it was brought over
  /// before a change that was no growth, from a commit that this history does not have, or from one
  /// that nobody wrote down.
  func isBeyond(_ watermark: OnlineWatermark, view: UInt32) -> Bool {
    if watermark.chainHash == 0 || lastRevision(of: UInt64(view)) > watermark.commit {
      return true
    }
    return relation(to: watermark.commit, chainHash: watermark.chainHash) == .foreign
  }
}

extension RecordBatch {
  /// Some rows of the batch.
  func rows(_ rows: [Int]) throws(LarderError) -> RecordBatch {
    var columns: [Column] = []
    for column in self.columns {
      columns.append(try .of(column.type, rows.map { column[$0] }))
    }
    return RecordBatch(unchecked: schema, columns: columns, count: rows.count)
  }

  /// The join-key columns of a view.
  func keys(of view: FeatureView) -> RecordBatch {
    let names = view.isEntityless ? [] : view.joinKeys.map(\.name)
    let wanted = schema.fields.indices.filter { names.contains(schema.fields[$0].name) }
    return RecordBatch(
      unchecked: Schema(wanted.map { schema.fields[$0] }), columns: wanted.map { columns[$0] },
      count: count)
  }
}
