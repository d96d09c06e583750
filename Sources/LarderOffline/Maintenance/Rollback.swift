import LarderColumns
import LarderContract
import LarderFiles

extension Store {
  /// Makes the state of an earlier snapshot the newest again, in one commit.
  ///
  /// Nothing is lost: the commits in between stay snapshots like others, and a rollback can be
  /// rolled back, until they are no longer kept. Definitions go back too; ids that were given out
  /// stay given out, and keys stay known.
  ///
  /// - Throws: `notFound` if the snapshot is no longer kept, naming those that are; `locked`; what
  ///   a commit throws.
  @discardableResult
  package func rollback(
    to commit: UInt64, dryRun: Bool = false
  ) throws(LarderError) -> RollbackReport {
    if dryRun {
      let past = try snapshot(at: commit)
      let newest = try snapshot()
      return RollbackReport(
        from: newest.commit, to: past.commit, commit: nil, views: newest.differences(to: past),
        isDryRun: true)
    }
    let locks = try writerLocks()
    let appending = try locks.acquire(.append, timeout: options.lockTimeout)
    defer { appending.release() }
    let maintaining = try locks.acquire(.maintenance, timeout: options.lockTimeout)
    defer { maintaining.release() }
    let newest = try settledSnapshot()
    let past = try snapshot(at: commit)
    defer { withExtendedLifetime(past) {} }
    let result = try self.commit { state throws(LarderError) in
      if state.head.id == commit { return nil }
      return .rollback(
        ManifestRecord.Rollback(
          target: commit, catalog: past.catalog.continuing(state.catalog), segments: past.segments))
    }
    for view in result.state.catalog.views { buildDerived(view.id) }
    return RollbackReport(
      from: newest.commit, to: past.commit, commit: result.didCommit ? result.state.head : nil,
      views: newest.differences(to: past))
  }
}

extension Catalog {
  /// An earlier catalog that gives out no id that a later one gave out.
  func continuing(_ later: Catalog) -> Catalog {
    var catalog = self
    catalog.nextView = max(nextView, later.nextView)
    // Key sets only ever come; their logs go on.
    catalog.keySets = later.keySets
    // Nor of a feature, also of a view that was dropped since and comes back, or that goes now.
    var counters = droppedViews.merging(later.droppedViews) { max($0, $1) }
    for view in later.views { counters[view.id] = max(counters[view.id] ?? 0, view.nextField) }
    for index in catalog.views.indices {
      guard let next = counters.removeValue(forKey: catalog.views[index].id) else { continue }
      catalog.views[index].nextField = max(catalog.views[index].nextField, next)
    }
    catalog.droppedViews = counters
    return catalog
  }
}

extension Snapshot {
  /// The views that differ between this snapshot and another.
  fileprivate func differences(to other: Snapshot) -> [RollbackReport.View] {
    var differences: [RollbackReport.View] = []
    for view in catalog.views {
      let there = other.catalog.view(id: view.id)
      let uuids = Set(segments(of: view).map(\.uuid))
      guard there != view || Set(other.segments(of: view).map(\.uuid)) != uuids else { continue }
      differences.append(
        RollbackReport.View(
          name: view.name, rowsBefore: rows(of: view), rowsAfter: there.map(other.rows)))
    }
    for view in other.catalog.views where catalog.view(id: view.id) == nil {
      differences.append(
        RollbackReport.View(name: view.name, rowsBefore: nil, rowsAfter: other.rows(of: view)))
    }
    return differences
  }
}
