import LarderColumns
import LarderContract
import LarderFiles
import LarderOffline
import LarderOnline

extension FeatureStore {
  /// Brings the online table up to date with history: what is new since the last run.
  ///
  /// Read are the rows with event times after the last run's, and those of earlier times that were
  /// committed since. After a change of history that took rows or features away (a replacement, an
  /// expiry, a rollback, an erasure) every value is recomputed from history. Direct writes stay
  /// where history's answer is not greater. Interrupted or repeated runs come to the same state.
  ///
  /// - Parameters:
  ///   - view: the view's name.
  ///   - through: the last event time to bring over, never later than now. One that is earlier than
  ///     the last run's changes nothing.
  ///   - full: whether to recompute every value from history; then the table is as of `through`,
  ///     also if that is earlier.
  ///   - progress: told how many rows were read so far.
  ///   - isCancelled: asked between batches; true ends the run with `cancelled`.
  /// - Throws: `notFound`; `locked` if another process writes to the view's table; `readOnly`,
  ///   `unsupported` for an earlier state. Another run of this process for the view is waited for.
  /// - Complexity: O(new rows), or O(rows) where every value is recomputed; memory for one batch at
  ///   a time.
  @discardableResult
  public func materialize(
    _ view: String, through: Timestamp = .now, full: Bool = false,
    progress: (@Sendable (Int) -> Void)? = nil, isCancelled: (@Sendable () -> Bool)? = nil
  ) throws(LarderError) -> MaterializationReport {
    let watch = MaterializationWatch(progress: progress, isCancelled: isCancelled)
    let start = ContinuousClock.now
    var report = try materializing(view) { (target, history) throws(LarderError) in
      let through = min(through, Timestamp(microseconds: history.store.host.now()))
      return try target.bringOver(through, from: history, full: full, watch)
    }
    report.seconds = (ContinuousClock.now - start) / .seconds(1)
    continueErasures()
    return report
  }

  /// Writes the latest row of each entity with `from <= event time <= through` to the online table.
  ///
  /// The watermark of incremental runs stays where it is: rows of later times are ahead of it until
  /// a run passes them, or recomputes every value.
  ///
  /// - Parameters:
  ///   - view: the view's name.
  ///   - from: the first event time.
  ///   - through: the last event time to bring over, never later than now.
  ///   - progress: told how many rows were read so far.
  ///   - isCancelled: asked between batches; true ends the run with `cancelled`.
  /// - Throws: as `materialize(_:through:)`; `invalidArgument` if the range is empty.
  @discardableResult
  public func materialize(
    _ view: String, from: Timestamp, through: Timestamp,
    progress: (@Sendable (Int) -> Void)? = nil, isCancelled: (@Sendable () -> Bool)? = nil
  ) throws(LarderError) -> MaterializationReport {
    guard from <= through else {
      throw LarderError(.invalidArgument, "`from` is later than `through`.")
    }
    let watch = MaterializationWatch(progress: progress, isCancelled: isCancelled)
    let start = ContinuousClock.now
    var report = try materializing(view) { (target, history) throws(LarderError) in
      let through = min(through, Timestamp(microseconds: history.store.host.now()))
      var run = Materialization(target, watch)
      if from <= through {
        try run.write(
          try history.latest(
            of: target.view.definition, in: target.snapshot, after: nil, from: from,
            through: through), replacing: false)
      }
      try run.finish(nil)
      return MaterializationReport(
        view: target.view.name, rows: run.rows, changedKeys: run.changedKeys, lateRows: 0,
        watermark: try target.watermark(), leftOut: run.leftOut)
    }
    report.seconds = (ContinuousClock.now - start) / .seconds(1)
    continueErasures()
    return report
  }

  /// The views whose online tables are behind: history was changed since in a way that the next
  /// materialization recomputes every value for.
  ///
  /// - Parameter views: the views' names to look at; nil for all.
  /// - Throws: `notFound` for an unknown view; `corrupt`, `io`.
  /// - Complexity: O(views).
  public func tablesBehind(_ views: [String]? = nil) throws(LarderError) -> [String] {
    guard let online = onlineStore else { return [] }
    let history = offlineStore
    let snapshot = try history.snapshot()
    var behind: [String] = []
    for name in views ?? snapshot.catalog.views.map(\.name) {
      let view = try ResolvedView(try snapshot.catalog.requireView(name))
      guard let watermark = try online.knownWatermark(of: view) else { continue }
      if snapshot.isBeyond(watermark, view: view.table) { behind.append(name) }
    }
    return behind
  }

  /// The same for the report of a commit that is done, which no failure to look may turn into an
  /// error.
  ///
  /// - Parameter changed: the views to name where the tables cannot be read: a needless
  ///   `materialize` changes nothing.
  package func tablesBehind(_ views: [String]? = nil, afterChangeOf changed: [String]) -> [String] {
    do throws(LarderError) { return try tablesBehind(views) } catch { return changed }
  }

  /// Does something as the only one who materializes to a view's table.
  ///
  /// History is pinned until the last write: an erasure waits for whoever may still bring over what
  /// it erased.
  private func materializing<Result>(
    _ name: String,
    _ body: (MaterializationTarget, SegmentOfflineStore) throws(LarderError) -> Result
  ) throws(LarderError) -> Result {
    let history = offlineStore
    try history.requireNewest()
    let online = try requireOnline()
    while true {
      let before = try ResolvedView(try history.snapshot().catalog.requireView(name))
      let result = try online.materializing(to: before) { () throws(LarderError) -> Result? in
        let snapshot = try history.store.settledSnapshot()
        let view = try ResolvedView(try snapshot.catalog.requireView(name))
        // Dropped and made again meanwhile: its table is another.
        guard view.table == before.table else { return nil }
        try online.make(view)
        return try withExtendedLifetime(snapshot) { () throws(LarderError) in
          try body(MaterializationTarget(online, view, snapshot), history)
        }
      }
      if let result { return result }
    }
  }
}

extension MappedOnlineStore {
  /// The watermark of a view; nil if it has no table or none was written yet.
  func knownWatermark(of view: ResolvedView) throws(LarderError) -> OnlineWatermark? {
    do throws(LarderError) { return try watermark(of: view) } catch {
      guard error.code == .notFound else { throw error }
      return nil
    }
  }
}

extension MaterializationTarget {
  /// Brings history over up to a time.
  fileprivate func bringOver(
    _ through: Timestamp, from history: SegmentOfflineStore, full: Bool,
    _ watch: MaterializationWatch
  ) throws(LarderError) -> MaterializationReport {
    let last = try watermark()
    if let last, through < last.through, !full {
      return MaterializationReport(
        view: view.name, rows: 0, changedKeys: 0, lateRows: 0, watermark: last)
    }
    let reached = OnlineWatermark(
      commit: snapshot.commit.id, chainHash: snapshot.commit.chainHash, through: through)
    var run = Materialization(self, watch)
    guard let last, !full, !snapshot.isBeyond(last, view: view.table) else {
      try run.removeMissing(at: through, from: history.at(snapshot))
      try run.write(try latest(history, after: nil, from: nil, through), replacing: true)
      try run.finish(reached)
      return MaterializationReport(
        view: view.name, rows: run.rows, changedKeys: run.changedKeys, lateRows: 0,
        watermark: reached, isRebuilt: true, leftOut: run.leftOut)
    }
    let from = last.through.next(in: view.definition.timeUnit)
    if from <= through {
      try run.write(try latest(history, after: nil, from: from, through), replacing: false)
    }
    let newRows = run.rows
    try run.write(
      try latest(history, after: last.commit, from: nil, last.through), replacing: false)
    try run.finish(reached)
    return MaterializationReport(
      view: view.name, rows: run.rows, changedKeys: run.changedKeys,
      lateRows: run.rows - newRows, watermark: reached, leftOut: run.leftOut)
  }

  private func latest(
    _ history: SegmentOfflineStore, after commit: UInt64?, from: Timestamp?, _ through: Timestamp
  ) throws(LarderError) -> any RetrievalJob {
    try history.latest(
      of: view.definition, in: snapshot, after: commit, from: from, through: through)
  }
}
