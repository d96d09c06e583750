import LarderColumns
import LarderContract
import LarderOffline
import LarderOnline

extension FeatureStore {
  /// Checks every checksum, order, count and reference that answers rest on: segments of this and of
  /// earlier snapshots, key logs and maps, the manifest, online tables and their indexes.
  ///
  /// Changes nothing, and may run beside writers: it checks the newest commit at its start. Damage
  /// in one place does not keep the others from being checked or read.
  ///
  /// - Parameter deep: whether every value is decoded too, and zone maps and content hashes are
  ///   computed again.
  /// - Returns: what was looked at, and every finding with its file, offset and what it affects.
  /// - Throws: `io` that is no finding.
  /// - Complexity: O(bytes of the files); deep O(values).
  public func verify(deep: Bool = false) throws(LarderError) -> VerificationReport {
    var report = try offlineStore.snapshot().verify(deep: deep)
    if let tables = onlineStore {
      let online = try tables.verifyAll()
      report.rows += online.rows
      report.findings += online.findings
      report.findings += try beyondHistory(tables)
    }
    return report
  }

  /// Tables whose watermarks name commits that history does not have: its end is missing.
  private func beyondHistory(_ tables: MappedOnlineStore) throws(LarderError) -> [Finding] {
    var findings: [Finding] = []
    for (view, commit) in try tables.watermarkCommits() {
      let head = try offlineStore.store.snapshot().commit.id
      guard commit > head else { continue }
      findings.append(
        Finding(
          LarderError(
            .corrupt,
            "The online table of \"\(view)\" was materialized from commit \(commit), and the "
              + "manifest ends with \(head): its end is missing. Restore the manifest from a copy.",
            file: tables.directory), affects: "the commits after \(head)"))
    }
    return findings
  }

  /// Rebuilds what is derived and damaged: key maps, online indexes, STATE.
  ///
  /// Nothing that was committed is touched.
  ///
  /// - Parameter dryRun: whether only to say what would be done.
  /// - Returns: what was done, and the damage that only a backup can mend.
  /// - Throws: `readOnly`, `locked`, `noSpace`, `io`.
  /// - Complexity: O(bytes of the files).
  @discardableResult
  public func repair(dryRun: Bool = false) throws(LarderError) -> RepairReport {
    let history = offlineStore
    if !dryRun { try history.requireNewest() }
    var report = RepairReport(steps: [], findings: [])
    do throws(LarderError) {
      report.steps = try history.store.repair(dryRun: dryRun)
    } catch {
      // Damaged keys: nothing can be derived from them, and the check below says which.
      guard error.code == .corrupt else { throw error }
    }
    if let tables = onlineStore {
      report.steps += try tables.repairIndexes(dryRun: dryRun)
    }
    if !dryRun {
      continueErasures()
      report.findings = try verify().findings
    }
    return report
  }

  /// Copies the store as of its newest commit, consistently, beside running writers.
  ///
  /// The copy is a store of its own, opened by pointing at it: its commits from then on have other
  /// chain hashes than the original's. Online tables are copied before history is pinned, so that
  /// history reaches as far as they do; an erasure that is not finished is the copy's to finish, and
  /// hides there what it hides here. Files that never change are hard links where the file system
  /// allows it; files that grow are copied to their committed length. The copy is verified.
  ///
  /// - Parameter path: a directory that does not exist yet, or is empty.
  /// - Throws: `alreadyExists`; `noSpace`, `io`; `corrupt` if the copy does not verify: damage that
  ///   the original has. What was copied before an
  ///   error stays, and is no store.
  /// - Complexity: O(bytes of the files) for the verification.
  @discardableResult
  public func backup(to path: String) throws(LarderError) -> BackupReport {
    let history = offlineStore
    let copy = try BackupCopy(of: history.store, to: path)
    do throws(LarderError) {
      return try fill(copy, from: history)
    } catch {
      copy.abandon()
      throw error
    }
  }

  private func fill(
    _ copy: BackupCopy, from history: SegmentOfflineStore
  ) throws(LarderError) -> BackupReport {
    let tables = onlineStore
    var rounds = 0
    while true {
      let snapshot = try copy.copyTables(before: history.pinned) {
        (views, directory) throws(LarderError) in
        try tables?.copyTables(of: views, to: directory).files ?? []
      }
      if try copy.copyHistory(snapshot) {
        try copy.seal(snapshot)
        break
      }
      rounds += 1
      if rounds == 8 { throw copy.isOvertaken }
    }
    let made = try SegmentOfflineStore(
      at: copy.report.path, access: .readOnly, host: history.store.host,
      options: history.store.options)
    let check = try FeatureStore(
      offline: made, online: try made.makeOnlineStore(OnlineOptions())
    ).verify()
    if let finding = check.findings.first {
      throw LarderError(
        .corrupt,
        "The copy does not verify, \(check.findings.count) findings; the first: "
          + finding.error.message, file: finding.error.file, offset: finding.error.offset)
    }
    return try copy.finish(rows: check.rows)
  }
}
