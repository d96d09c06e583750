import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys
import LarderOffline
import LarderOnline

/// One run of an erasure: history is masked and rewritten, then the online tables, then it is said
/// to be finished.
///
/// The order makes every crash harmless. Once the ids are masked, the key log of before is kept as
/// the list of what is left to do; it goes last.
struct Forgetting {
  private(set) var report: ErasureReport
  private let history: Store
  private let online: (any OnlineStore)?

  init(_ history: Store, _ online: (any OnlineStore)?, _ report: ErasureReport) {
    self.history = history
    self.online = online
    self.report = report
    self.report.outOfReach = [
      "backups and other copies of the store, and answers that were written out",
      "values of other entities' features that speak of these ones",
      "blocks of the disk that removed files lay on, until the file system uses them again",
    ]
  }

  /// Says what there is.
  mutating func look(for selection: KeySelection) throws(LarderError) {
    let snapshot = try history.snapshot()
    note(try history.keys(of: selection), snapshot.catalog)
    for table in try tables?.erase([selection], dryRun: true) ?? [] {
      report.pending.append("the online table of \"\(table.view)\" holds rows")
    }
    if !report.keys.isEmpty { report.pending.append("history holds keys") }
  }

  /// Retires the entities' ids: from then on no snapshot shows them.
  mutating func mask(_ selection: KeySelection) throws(LarderError) {
    let erased = try history.eraseKeys(selection)
    note(erased.ids, try history.snapshot().catalog)
    report.maskedSince = erased.commit
    for file in erased.files { note(file) }
  }

  /// Removes what is left of these and of earlier erasures.
  ///
  /// - Parameter selection: entities that online tables may hold without history.
  mutating func finish(_ selection: KeySelection?, patience: Duration) throws(LarderError) {
    let deadline = ContinuousClock.now + patience
    let timeout = max(patience, history.options.lockTimeout)
    var ids: [UInt64: [UInt32]] = [:]
    do throws(LarderError) {
      let rewritten = try history.rewriteErased(timeout: timeout)
      ids = rewritten.ids
      for file in rewritten.files { note(file) }
      for failure in rewritten.failures { report.pending.append("\(failure)") }
    } catch {
      guard error.code == .locked else { throw error }
      report.pending.append("rewriting segments: \(error.message)")
    }
    let isUnpinned = try waitForPins(until: deadline)
    try eraseOnline(selection)
    if report.pending.isEmpty, isUnpinned, !ids.isEmpty {
      report.finished = try history.finishErasure(of: ids)
    } else {
      try history.sweep()
      report.finished = report.pending.isEmpty ? try history.snapshot().commit : nil
    }
    try checkFiles()
  }

  // MARK: Steps

  /// Waits until nothing is pinned from before the erasure: a job or a materialization of then may
  /// still read what is to go, and write it elsewhere.
  private mutating func waitForPins(
    until deadline: ContinuousClock.Instant
  ) throws(LarderError) -> Bool {
    while true {
      let pins = try history.pinsBeforeErasure()
      if pins.ranges.isEmpty { return true }
      if ContinuousClock.now >= deadline {
        let ids = pins.ranges.map { range in
          range.count == 1
            ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound - 1)"
        }
        report.pending.append(
          "readers still hold snapshots from before the erasure: \(ids.joined(separator: ", ")). "
            + "Run it again once they are done")
        return false
      }
      LarderFiles.sleep(.milliseconds(5))
    }
  }

  private var tables: MappedOnlineStore? { online as? MappedOnlineStore }

  private mutating func eraseOnline(_ selection: KeySelection?) throws(LarderError) {
    guard let tables else {
      if online != nil {
        report.outOfReach.append("the online store, which is not Larder's own: erase there too")
      }
      return
    }
    var selections = try history.pendingSelections()
    // Of entities that came back meanwhile, online rows may be new ones: what history has of them
    // is brought over again.
    var hasReturned = false
    for pending in selections where try !history.keys(of: pending).isEmpty { hasReturned = true }
    if let selection { selections.append(selection) }
    for table in try tables.erase(selections, forgetsWatermarks: hasReturned) {
      if let failure = table.failure {
        report.pending.append("the online table of \"\(table.view)\": \(failure.message)")
      }
      for file in table.files {
        note(
          HeldFile(
            path: file.path, inode: file.inode, device: file.device, kind: "online rows",
            rows: file.rows))
      }
    }
  }

  // MARK: The report

  private mutating func note(_ ids: [UInt64: [UInt32]], _ catalog: Catalog) {
    for set in catalog.keySets {
      guard let ids = ids[set.id] else { continue }
      report.keys.append(
        ErasureReport.Keys(joinKeys: set.keys.map(\.name), count: ids.count))
    }
  }

  private mutating func note(_ file: HeldFile) {
    report.files.append(
      ErasureReport.File(
        path: file.path, inode: file.inode, device: file.device, kind: file.kind, rows: file.rows,
        substitutes: file.substitutes, isRemoved: false))
  }

  /// Says of each file whether it is gone.
  private mutating func checkFiles() throws(LarderError) {
    for index in report.files.indices {
      let file = report.files[index]
      let status = try history.host.files.status(of: file.path)
      report.files[index].isRemoved = status?.inode != file.inode
      if !report.files[index].isRemoved {
        report.pending.append("\(file.path) is still there, for the readers of before")
      }
    }
    if !report.pending.isEmpty { report.finished = nil }
  }
}
