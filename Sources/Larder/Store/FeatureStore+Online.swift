import Glibc
import LarderColumns
import LarderContract
import LarderFiles
import LarderOffline

/// The latest features of one view's entities.
///
/// ```swift
/// let answer = try store.online("driver_stats").read(keys, features: ["trips_today"])
/// ```
public struct OnlineView: Sendable {
  /// The view.
  public let view: FeatureView
  private let store: any OnlineStore

  init(_ store: any OnlineStore, _ view: FeatureView) {
    self.store = store
    self.view = view
  }

  /// Reads one answer per key, in order, duplicates repeated.
  ///
  /// - Parameters:
  ///   - keys: the join-key columns.
  ///   - features: the features wanted; nil for all.
  ///   - at: the time at which the time to live is judged; nil for now.
  ///   - includeExpired: whether rows past the time to live give their values.
  /// - Throws: `notFound` before anything was materialized or written; as `OnlineStore.read`.
  public func read(
    _ keys: RecordBatch, features: [String]? = nil, at: Timestamp? = nil,
    includeExpired: Bool = false
  ) throws(LarderError) -> OnlineRows {
    try store.read(keys, from: view, features: features, at: at, includeExpired: includeExpired)
  }

  /// Writes rows straight to the online table, as a stream of new values does.
  ///
  /// - Parameters:
  ///   - batch: join keys, event time, created time (if the view has one), some or all features.
  ///   - progress: told how many rows are done.
  /// - Throws: as `OnlineStore.writeBatch`.
  public func write(
    _ batch: RecordBatch, progress: (@Sendable (Int) -> Void)? = nil
  ) throws(LarderError) {
    try store.update(
      keeping: [view], deleting: [], entitiesToKeep: view.entities, entitiesToDelete: [],
      partial: true)
    try store.writeBatch(batch, to: view, progress: progress)
  }

  /// Deletes the rows of keys as of an event time; see `OnlineStore.delete`.
  public func delete(_ keys: RecordBatch, at: Timestamp? = nil) throws(LarderError) {
    try store.delete(keys, from: view, at: at)
  }
}

extension FeatureStore {
  /// The latest features of a view's entities.
  ///
  /// - Throws: `notFound` with the nearest name; `unsupported` if there is no online store.
  public func online(_ view: String) throws(LarderError) -> OnlineView {
    OnlineView(try requireOnline(), try self.view(named: view))
  }

  /// Brings the online table up to date with history: what is new since the last run.
  ///
  /// Read are the rows with event times after the last run's, and those of earlier times that were
  /// committed since. Interrupted or repeated runs come to the same state.
  ///
  /// - Parameters:
  ///   - view: the view's name.
  ///   - through: the last event time to bring over, never later than now.
  /// - Throws: `notFound`; `locked` if another process writes to the view's table; `unsupported` if
  ///   the stores are not Larder's own.
  /// - Complexity: O(new rows); memory for one batch at a time.
  @discardableResult
  public func materialize(
    _ view: String, through: Timestamp = .now
  ) throws(LarderError) -> MaterializationReport {
    let history = try segments(for: "Incremental materialization")
    let (online, view) = try prepareTable(view)
    let snapshot = try history.snapshot()
    let through = min(through, Timestamp(microseconds: history.store.host.now()))
    let last = try online.watermark(of: view)
    var run = Materialization(online, view)
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
    try run.finish(reached ? watermark : nil)
    return MaterializationReport(
      view: view.name, rows: run.rows, lateRows: run.rows - newRows,
      watermark: reached ? watermark : last)
  }

  /// Writes the latest row of each entity with `from <= event time <= through` to the online table.
  ///
  /// The watermark of incremental runs stays where it is.
  ///
  /// - Parameters:
  ///   - view: the view's name.
  ///   - from: the first event time.
  ///   - through: the last event time to bring over, never later than now.
  /// - Throws: as `materialize(_:through:)`; `invalidArgument` if the range is empty.
  @discardableResult
  public func materialize(
    _ view: String, from: Timestamp, through: Timestamp
  ) throws(LarderError) -> MaterializationReport {
    guard from <= through else {
      throw LarderError(.invalidArgument, "`from` is later than `through`.")
    }
    let history = try segments(for: "Materialization")
    let (online, view) = try prepareTable(view)
    let snapshot = try history.snapshot()
    let through = min(through, Timestamp(microseconds: history.store.host.now()))
    var run = Materialization(online, view)
    if from <= through {
      try run.write(
        try history.latest(of: view, in: snapshot, after: nil, from: from, through: through))
    }
    try run.finish(nil)
    return MaterializationReport(
      view: view.name, rows: run.rows, lateRows: 0, watermark: try online.watermark(of: view))
  }

  private func requireOnline() throws(LarderError) -> any OnlineStore {
    guard let onlineStore else {
      throw LarderError(.unsupported, "This store has no online half; open the store itself.")
    }
    return onlineStore
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

extension Timestamp {
  /// The present, in microseconds.
  public static var now: Timestamp {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
  }

  /// The first tick of a unit after this instant; the last tick there is, at the end.
  func next(in unit: TimeUnit) -> Timestamp {
    let tick = floor(in: unit)
    return Timestamp(ticks: tick == .max ? .max : tick + 1, unit: unit)
  }
}
