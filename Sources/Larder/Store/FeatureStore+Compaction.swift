import LarderColumns
import LarderContract
import LarderOffline

extension FeatureStore {
  /// Brings the rows of a view's partitions together in few segments, so that joins look into few
  /// places.
  ///
  /// Left to choose, it rewrites partitions of time that are closed (a later one has rows) and not
  /// yet one segment, or of which a quarter lies outside the largest one. The open partition is
  /// left to the merges that follow appends, unless rewriting it costs little or most of it lies
  /// about. Appends, online writes and queries go on meanwhile; earlier snapshots stay as they
  /// are. Erasures that something kept from being finished are finished first.
  ///
  /// ```swift
  /// let report = try store.compact("driver_stats")
  /// try store.compact("driver_stats", CompactionOptions(partitions: ["2026-03"]))
  /// ```
  ///
  /// - Parameters:
  ///   - view: the view's name; nil for all views, each in a commit of its own.
  ///   - options: what is chosen, and how it is written.
  /// - Returns: segments, rows, bytes and debt before and after, and what became of the space.
  /// - Throws: `notFound` for a view, or a named partition without rows; `invalidArgument` for a
  ///   name that is no partition; `locked` if another process does maintenance; `noSpace`, `io`,
  ///   `corrupt`, with nothing changed.
  /// - Complexity: O(rows of what is rewritten), in the memory of one segment.
  @discardableResult
  public func compact(
    _ view: String? = nil, _ options: CompactionOptions = CompactionOptions()
  ) throws(LarderError) -> CompactionReport {
    try compact(view.map { [$0] } ?? [], options)
  }

  /// Brings the rows of several views' partitions together, as `compact(_:_:)` has it.
  ///
  /// - Parameters:
  ///   - views: names; empty for all.
  ///   - options: as of `compact(_:_:)`.
  @discardableResult
  public func compact(
    _ views: [String], _ options: CompactionOptions = CompactionOptions()
  ) throws(LarderError) -> CompactionReport {
    let store = offlineStore
    if !options.isDryRun { try store.requireNewest() }
    let erasure = resumeErasures(dryRun: options.isDryRun)
    var report = try store.store.compact(views, options)
    report.erasure = erasure
    return report
  }
}
