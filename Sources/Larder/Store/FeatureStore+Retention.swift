import LarderColumns
import LarderContract
import LarderOffline

extension FeatureStore {
  /// Takes rows of a view away that are older than an age.
  ///
  /// Age is counted from the newest event of the view that is not in the future: neither a row of
  /// the far future nor a view that is no longer fed loses everything. Whole segments go; those
  /// that reach beyond are written again without the expired rows. Rows that are appended later
  /// stay, however old, until the next time. Earlier snapshots still show everything. The online
  /// table stays as it is until the next materialization, which recomputes every value.
  ///
  /// ```swift
  /// try store.expire("driver_stats", olderThan: .seconds(90 * 86_400))
  /// ```
  ///
  /// - Parameters:
  ///   - view: the view's name.
  ///   - age: rows whose event time is further back than this expire; not negative.
  ///   - dryRun: whether to say only what would expire.
  /// - Throws: `notFound` with the nearest name; `invalidArgument`; `readOnly`; `locked`;
  ///   `noSpace`; `io`.
  /// - Complexity: O(segments), and O(rows) of those segments that the cutoff parts.
  @discardableResult
  public func expire(
    _ view: String, olderThan age: Duration, dryRun: Bool = false
  ) throws(LarderError) -> ExpiryReport {
    let store = offlineStore
    if !dryRun { try store.requireNewest() }
    var report = try store.store.expire(view, olderThan: age, dryRun: dryRun)
    report.isDryRun = dryRun
    if report.commit != nil {
      report.isTableBehind = !tablesBehind([view], afterChangeOf: [view]).isEmpty
    }
    if !dryRun { continueErasures() }
    return report
  }

  /// Shortens the time that earlier snapshots are kept, now and once, and removes what that frees.
  ///
  /// The newest snapshot stays, and so do those with tags and those that readers hold. Erasures
  /// that something kept from being finished are finished, once the space is back.
  ///
  /// - Parameters:
  ///   - keep: how long a snapshot stays after a newer one took its place; zero by default.
  ///   - dryRun: whether to say only what would be removed.
  /// - Throws: `readOnly`; `locked`; `io`; `corrupt`.
  @discardableResult
  public func vacuum(
    keeping keep: Duration = .zero, dryRun: Bool = false
  ) throws(LarderError) -> SpaceReport {
    let store = offlineStore
    if !dryRun { try store.requireNewest() }
    var report = try store.store.vacuum(keeping: keep, dryRun: dryRun)
    report.erasure = resumeErasures(dryRun: dryRun)
    guard !dryRun, report.erasure != nil else { return report }
    let again = try store.store.vacuum(keeping: keep)
    report.filesRemoved += again.filesRemoved
    report.bytesReturned += again.bytesReturned
    report.bytesWaiting = again.bytesWaiting
    report.waitingUntil = again.waitingUntil
    report.oldest = again.oldest
    return report
  }
}
