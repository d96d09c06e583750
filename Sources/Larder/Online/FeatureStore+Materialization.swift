import LarderColumns
import LarderContract
import LarderFiles
import LarderOffline

extension FeatureStore {
  /// Brings the online table up to date with history: what is new since the last run.
  ///
  /// Read are the rows with event times after the last run's, and those of earlier times that were
  /// committed since. Interrupted or repeated runs come to the same state.
  ///
  /// - Parameters:
  ///   - view: the view's name.
  ///   - through: the last event time to bring over, never later than now.
  ///   - progress: told how many rows were read so far.
  ///   - isCancelled: asked between batches; true ends the run with `cancelled`.
  /// - Throws: `notFound`; `locked` if another process writes to the view's table; `unsupported` if
  ///   the stores are not Larder's own.
  /// - Complexity: O(new rows); memory for one batch at a time.
  @discardableResult
  public func materialize(
    _ view: String, through: Timestamp = .now, progress: (@Sendable (Int) -> Void)? = nil,
    isCancelled: (@Sendable () -> Bool)? = nil
  ) throws(LarderError) -> MaterializationReport {
    // Its pin is gone when an erasure that was cut off is gone on with.
    try changing { () throws(LarderError) in
      try bringOver(view, through, MaterializationWatch(progress: progress, isCancelled: isCancelled))
    }
  }

  private func bringOver(
    _ view: String, _ through: Timestamp, _ watch: MaterializationWatch
  ) throws(LarderError) -> MaterializationReport {
    let history = try segments(for: "Incremental materialization")
    let (online, view) = try prepareTable(view)
    let snapshot = try history.snapshot()
    let through = min(through, Timestamp(microseconds: history.store.host.now()))
    let last = try online.watermark(of: view)
    var run = Materialization(online, view, watch)
    var from: Timestamp?
    if let last { from = last.through.next(in: view.timeUnit) }
    if from.map({ $0 <= through }) ?? true {
      try run.write(
        try history.latest(of: view, in: snapshot, after: nil, from: from, through: through))
    }
    let newRows = run.rows
    if let last {
      try run.write(
        try history.latest(
          of: view, in: snapshot, after: last.commit, from: nil,
          through: min(last.through, through)))
    }
    let watermark = OnlineWatermark(
      commit: snapshot.commit.id, through: last.map { max($0.through, through) } ?? through)
    // Of an earlier `through`, later rows of new commits were not looked at.
    let reached = last.map { through >= $0.through } ?? true
    // Pinned to the last write: an erasure waits for whoever may still bring over what it erased.
    try withExtendedLifetime(snapshot) { () throws(LarderError) in
      try run.finish(reached ? watermark : nil)
    }
    return MaterializationReport(
      view: view.name, rows: run.rows, changedKeys: run.changedKeys,
      lateRows: run.rows - newRows, watermark: reached ? watermark : last)
  }

  /// Writes the latest row of each entity with `from <= event time <= through` to the online table.
  ///
  /// The watermark of incremental runs stays where it is.
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
    return try changing { () throws(LarderError) in
      try bringOver(
        view, from, through, MaterializationWatch(progress: progress, isCancelled: isCancelled))
    }
  }

  private func bringOver(
    _ view: String, _ from: Timestamp, _ through: Timestamp, _ watch: MaterializationWatch
  ) throws(LarderError) -> MaterializationReport {
    let history = try segments(for: "Materialization")
    let (online, view) = try prepareTable(view)
    let snapshot = try history.snapshot()
    let through = min(through, Timestamp(microseconds: history.store.host.now()))
    var run = Materialization(online, view, watch)
    if from <= through {
      try run.write(
        try history.latest(of: view, in: snapshot, after: nil, from: from, through: through))
    }
    try withExtendedLifetime(snapshot) { () throws(LarderError) in try run.finish(nil) }
    return MaterializationReport(
      view: view.name, rows: run.rows, changedKeys: run.changedKeys, lateRows: 0,
      watermark: try online.watermark(of: view))
  }

  /// The view's table, made or brought up to date if need be.
  private func prepareTable(
    _ name: String
  ) throws(LarderError) -> (any WatermarkedOnlineStore, FeatureView) {
    let view = try view(named: name)
    guard let online = try requireOnline() as? any WatermarkedOnlineStore else {
      throw LarderError(.unsupported, "The online store keeps no watermarks; write to it directly.")
    }
    try online.update(
      keeping: [view], deleting: [], entitiesToKeep: view.entities, entitiesToDelete: [],
      partial: true)
    return (online, view)
  }
}
