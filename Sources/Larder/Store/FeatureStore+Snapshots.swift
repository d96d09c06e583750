import LarderColumns
import LarderContract
import LarderOffline

extension FeatureStore {
  /// The newest commit.
  ///
  /// - Throws: `corrupt`; `io`.
  public func head() throws(LarderError) -> Commit {
    try offlineStore.snapshot().commit
  }

  /// The store as of an earlier commit: read-only, and kept as long as the value lives.
  ///
  /// ```swift
  /// let commit = try store.append(batch, to: "driver_stats")
  /// let past = try store.snapshot(at: commit)
  /// ```
  ///
  /// - Throws: `notFound` if it is no longer kept; `invalidArgument` for a commit of another store.
  public func snapshot(at commit: Commit) throws(LarderError) -> FeatureStore {
    let past = try offlineStore.at(commit.id)
    guard let found = past.pinned?.commit, found.chainHash == commit.chainHash else {
      throw LarderError(
        .invalidArgument, "Commit \(commit.id) is not one of this store's: its chain hash differs.")
    }
    return FeatureStore(offline: past, online: nil)
  }

  /// The store as of the commit of an id: read-only, and kept as long as the value lives.
  ///
  /// - Throws: `notFound` if there is no such commit or it is no longer kept.
  public func snapshot(at id: UInt64) throws(LarderError) -> FeatureStore {
    FeatureStore(offline: try offlineStore.at(id), online: nil)
  }

  /// The store as of the commit of a tag: read-only, and kept as long as the value lives.
  ///
  /// - Throws: `notFound` with the nearest name.
  public func snapshot(tagged name: String) throws(LarderError) -> FeatureStore {
    let store = offlineStore
    let id = try store.store.snapshot(tagged: name).commit.id
    return FeatureStore(offline: try store.at(id), online: nil)
  }

  /// The commit of an id, of a tag, or of a time, as a user names it: `17`, `release`, `2026-03-01`.
  ///
  /// ```swift
  /// let past = try store.snapshot(at: store.commit(named: "release"))
  /// ```
  ///
  /// - Parameter name: an id in decimal, a tag, or a time in ISO 8601, which means the last commit that
  ///   is not later; a day means its beginning in UTC.
  /// - Throws: `notFound` with the nearest tag, or for a commit that is not kept.
  /// - Complexity: O(commits of the newest manifest file).
  public func commit(named name: String) throws(LarderError) -> Commit {
    try offlineStore.store.commit(named: name)
  }

  /// The commit that was the newest at a time: the last one not later.
  ///
  /// ```swift
  /// let past = try store.snapshot(at: store.commit(notAfter: Timestamp(iso8601: "2026-03-01")))
  /// ```
  ///
  /// - Parameter time: a moment of the clock of who committed.
  /// - Throws: `notFound` if the store has none so early, or it is no longer kept.
  /// - Complexity: O(commits that are kept).
  public func commit(notAfter time: Timestamp) throws(LarderError) -> Commit {
    try offlineStore.store.commit(notAfter: time)
  }

  /// The commits that can still be looked at, oldest first: those young enough, and those that a
  /// tag or a reader holds.
  ///
  /// - Throws: `corrupt`; `io`.
  public func snapshots() throws(LarderError) -> [SnapshotInfo] {
    try offlineStore.store.snapshots()
  }

  /// Gives a commit a name, by which it is kept until the tag is removed; a tag that exists moves.
  ///
  /// - Parameters:
  ///   - name: 1 to 255 bytes of UTF-8, without spaces and `@`, and not a number.
  ///   - commit: the commit's id; nil for the newest.
  /// - Returns: the tagged commit.
  /// - Throws: `invalidArgument` for a name that is none; `notFound` if the commit is no longer
  ///   kept; `readOnly`; `locked`; `noSpace`; `io`.
  @discardableResult
  public func tag(_ name: String, at commit: UInt64? = nil) throws(LarderError) -> Commit {
    let store = offlineStore
    try store.requireNewest()
    return try changing { () throws(LarderError) in try store.store.tag(name, at: commit) }
  }

  /// Removes a tag; its commit is kept no longer than others then.
  ///
  /// - Throws: `notFound` with the nearest name; else as `tag(_:at:)`.
  public func removeTag(_ name: String) throws(LarderError) {
    let store = offlineStore
    try store.requireNewest()
    try changing { () throws(LarderError) in try store.store.removeTag(name) }
  }

  /// Makes the state of an earlier commit the newest again, definitions included, in one commit.
  ///
  /// Nothing is lost: the commits in between stay snapshots like others until they are no longer
  /// kept, and a rollback can be rolled back. Online tables stay as they are until the next
  /// materialization, which recomputes every value: the report names those that are behind. Direct
  /// writes that history had overtaken do not come back. A view that is no longer there is not
  /// found online either.
  ///
  /// - Parameters:
  ///   - commit: the commit's id.
  ///   - dryRun: whether to say only what would change.
  /// - Throws: `notFound` if the commit is no longer kept, naming those that are; `readOnly`;
  ///   `locked`; `noSpace`; `io`.
  @discardableResult
  public func rollback(
    to commit: UInt64, dryRun: Bool = false
  ) throws(LarderError) -> RollbackReport {
    let store = offlineStore
    if !dryRun { try store.requireNewest() }
    var report = try store.store.rollback(to: commit, dryRun: dryRun)
    if report.commit != nil {
      let views = report.views.filter { $0.rowsAfter != nil }.map(\.name)
      report.tablesBehind = tablesBehind(afterChangeOf: views)
    }
    if !dryRun { continueErasures() }
    return report
  }
}
