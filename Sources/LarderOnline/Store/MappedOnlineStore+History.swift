import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// What a run of materialization holds: others wait for it.
///
/// An object of its own, since the table may be closed and opened again meanwhile.
final class MaterializationTurn: Sendable {
  private let turn = ForkSafeMutex(())

  /// Waits for the turn, and has it as long as the closure goes.
  func withLock<Result>(
    _ body: () throws(LarderError) -> Result
  ) throws(LarderError) -> Result {
    try turn.withLock { (_) throws(LarderError) -> Result in try body() }
  }
}

extension MappedOnlineStore: WatermarkedOnlineStore {
  /// Writes rows that history gained; see `WatermarkedOnlineStore`.
  ///
  /// - Throws: as `writeBatch(_:to:progress:)`.
  @discardableResult
  public func writeBatch(
    _ batch: RecordBatch, to view: FeatureView, watermark: OnlineWatermark?,
    progress: (@Sendable (Int) -> Void)?
  ) throws(LarderError) -> Int {
    try write(batch, to: try resolve(view), as: .gained, watermark: watermark, progress)
  }

  /// Makes rows history's answers; see `WatermarkedOnlineStore`.
  ///
  /// - Throws: as `writeBatch(_:to:progress:)`.
  @discardableResult
  public func replaceHistory(
    _ batch: RecordBatch, in view: FeatureView, watermark: OnlineWatermark?
  ) throws(LarderError) -> Int {
    try write(batch, to: try resolve(view), as: .answers, watermark: watermark)
  }

  /// Takes history's answers away; see `WatermarkedOnlineStore`.
  ///
  /// - Throws: as `writeBatch(_:to:progress:)`.
  @discardableResult
  public func removeHistory(
    of keys: RecordBatch, in view: FeatureView, watermark: OnlineWatermark?
  ) throws(LarderError) -> Int {
    try removeHistory(of: keys, in: try resolve(view), watermark: watermark)
  }

  /// The keys with an answer of history; see `WatermarkedOnlineStore`.
  public func forEachHistoryKey(
    of view: FeatureView, _ body: (RecordBatch) throws(LarderError) -> Void
  ) throws(LarderError) {
    try forEachKey(of: try resolve(view), body)
  }

  /// The watermark of a view; nil if none was written yet.
  public func watermark(of view: FeatureView) throws(LarderError) -> OnlineWatermark? {
    try watermark(of: try resolve(view))
  }

  // MARK: As some state of the catalog has it

  /// The watermark of a view; nil if none was written yet.
  package func watermark(of view: ResolvedView) throws(LarderError) -> OnlineWatermark? {
    try withTable(of: view) { (table) throws(LarderError) in try table.snapshot().state.watermark }
  }

  /// What rows beyond the watermark a view's table may have.
  package func begunRun(of view: ResolvedView) throws(LarderError) -> HistoryRun {
    try withTable(of: view) { (table) throws(LarderError) in try table.snapshot().state.begun }
  }

  /// Writes rows of history.
  ///
  /// - Parameter replacing: whether they are the answers whatever is there; else they are where
  ///   nothing greater is.
  /// - Throws: as `writeBatch(_:to:progress:)`.
  package func writeHistory(
    _ batch: RecordBatch, to view: ResolvedView, replacing: Bool, watermark: OnlineWatermark?
  ) throws(LarderError) -> Int {
    try write(batch, to: view, as: replacing ? .answers : .gained, watermark: watermark)
  }

  /// Takes history's answers away from keys.
  ///
  /// - Throws: as `writeBatch(_:to:progress:)`.
  package func removeHistory(
    of keys: RecordBatch, in resolved: ResolvedView, watermark: OnlineWatermark?
  ) throws(LarderError) -> Int {
    let view = resolved.definition
    let columns = try WrittenColumns.keys(keys.schema, of: view)
    let batch = try self.keys(keys, columns, view, for: .write)
    return try beforeItEnds { () throws(LarderError) in
      let table = try writableTable(of: resolved)
      let now = Timestamp(microseconds: host.now())
      let changed = try table.withWriter { (writer) throws(LarderError) in
        let schemas = try writer.adopt(resolved)
        let features = RowFeatures()
        return try writer.write(
          TableWriter.Batch(
            keys: TableKeys(batch), times: RowTimes(count: keys.count), role: .none,
            features: features, encoder: try features.encoder(schemas.narrow),
            expiry: Expiry(view, at: now), watermark: watermark),
          progress: nil)
      }
      try table.compactIfDue(view)
      return changed
    }
  }

  /// Does something as the only one who materializes to a view's table, of this process and of
  /// others, from the reading of the watermark to the last batch.
  ///
  /// The table is made, or follows the definition, before.
  ///
  /// - Throws: `locked` if another process writes to the table; what `body` throws.
  package func materializing<Result>(
    to view: ResolvedView, _ body: () throws(LarderError) -> Result
  ) throws(LarderError) -> Result {
    try checkWritable()
    return try turn(of: view.table).withLock { () throws(LarderError) -> Result in
      try make(view)
      _ = try writableTable(of: view)
      return try body()
    }
  }

  /// Whose turn it is to materialize to a table.
  func turn(of table: UInt32) -> MaterializationTurn {
    turns.withLock { turns in
      let turn = turns[table] ?? MaterializationTurn()
      turns[table] = turn
      return turn
    }
  }
}

extension RowTimes {
  /// Times of rows that have none.
  init(count: Int) {
    self.init(events: [Int64](repeating: .min, count: count), created: nil, hasCreated: nil)
  }
}
