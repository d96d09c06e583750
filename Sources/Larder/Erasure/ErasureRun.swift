import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys
import LarderOffline
import LarderOnline

/// One run of an erasure: history is masked and rewritten, then the online tables, then it is said
/// to be finished.
///
/// The order makes every crash harmless. The first commit hides the entities in every snapshot and
/// online; from then on the key log of before is kept as the list of what is left to do. It goes
/// last, and only when it was seen gone is the erasure said to be finished.
struct ErasureRun {
  private(set) var report: ErasureReport
  private let history: Store
  private let tables: MappedOnlineStore?

  init(_ history: Store, _ tables: MappedOnlineStore?, _ report: ErasureReport) {
    self.history = history
    self.tables = tables
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
    var scan = OnlineScan()
    let erased = HiddenKeys([(.max, selection)])
    for table in try erased.map({ erased throws(LarderError) in
      try tables?.holders(of: erased, &scan) ?? []
    }) ?? [] {
      report.pending.append("the online table of \"\(table.view)\" holds rows")
    }
    if !report.keys.isEmpty { report.pending.append("history holds keys") }
  }

  /// Retires the entities' ids: from then on no snapshot shows them.
  mutating func mask(_ selection: KeySelection) throws(LarderError) {
    // What only online tables have gets ids as well: they are what is masked and remembered.
    for keys in try tables?.keys(of: selection) ?? [] { try history.admit(keys) }
    let erased = try history.eraseKeys(selection)
    note(erased.ids, try history.snapshot().catalog)
    report.maskedSince = erased.commit
    for file in erased.files { note(file) }
  }

  /// Removes what is left of these and of earlier erasures.
  ///
  /// - Parameter selection: entities that online tables may hold without history.
  mutating func finish(_ selection: KeySelection?, timeout: Duration) throws(LarderError) {
    let deadline = ContinuousClock.now + timeout
    let lockTimeout = max(timeout, history.options.lockTimeout)
    var ids: [UInt64: [UInt32]] = [:]
    do throws(LarderError) {
      let rewritten = try history.rewriteErased(timeout: lockTimeout)
      ids = rewritten.ids
      for file in rewritten.files { note(file) }
      for failure in rewritten.failures { report.pending.append("\(failure)") }
    } catch {
      guard error.code == .locked else { throw error }
      report.pending.append("rewriting segments: \(error.message)")
    }
    let isUnpinned = try waitForPins(until: deadline)
    var groups = try history.retiredKeys().map { ($0.commit, $0.keys) }
    // Of tables that took the erasure in, rows of the keys are new ones.
    if let selection { groups.append((report.maskedSince?.id ?? .max, selection)) }
    let erased = HiddenKeys(groups)
    try eraseOnline(erased)
    if report.pending.isEmpty, isUnpinned {
      try complete(ids, erased, timeout: lockTimeout)
    } else {
      try history.sweep()
    }
    try checkFiles()
  }

  // MARK: Steps

  /// Says that nothing is left, once it was seen.
  private mutating func complete(
    _ ids: [UInt64: [UInt32]], _ erased: HiddenKeys?, timeout: Duration
  ) throws(LarderError) {
    let tables = tables
    var end = ErasureEnd()
    func beside(_ scan: inout ErasureScan) throws(LarderError) {
      if let erased { try tables?.search(for: erased, &scan) }
    }
    if ids.isEmpty {
      try beside(&end.scan)
      if end.scan.leftovers.isEmpty { end.commit = try history.snapshot().commit }
    } else {
      do throws(LarderError) {
        end = try history.finishErasure(of: ids, timeout: timeout, beside: beside)
      } catch {
        guard error.code == .locked else { throw error }
        report.pending.append("removing the last files: \(error.message)")
      }
    }
    report.search = ErasureReport.Search(
      files: end.scan.files, bytes: end.scan.bytes, places: Self.places(ids, tables != nil))
    for left in end.scan.leftovers { report.pending.append("\(left.path): \(left.why)") }
    report.finished = end.commit
    if end.commit == nil, report.pending.isEmpty {
      report.pending.append("the store changed while it was searched: run it again")
    }
  }

  /// What was searched for where.
  private static func places(_ ids: [UInt64: [UInt32]], _ hasTables: Bool) -> [String] {
    var places: [String] = []
    if !ids.isEmpty {
      places = [
        "the entities' ids in the entity index of every segment, those of earlier snapshots too",
        "the entities' slots in the key logs; key logs and key maps of before by their names",
        "timelines by the segments that they follow from",
        "manifest files by the commits that they begin with",
      ]
    }
    if hasTables {
      places.append("the entities' keys at every 64 bytes of every row log of online tables")
    }
    return places
  }

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
        let holders = history.pinHolders(of: pins)
        let who = holders.isEmpty ? "readers" : holders.joined(separator: ", ")
        report.pending.append(
          "readers still hold snapshots from before the erasure: \(ids.joined(separator: ", ")) "
            + "(held by \(who)). Run it again once they are done")
        return false
      }
      LarderFiles.sleep(.milliseconds(5))
    }
  }

  private mutating func eraseOnline(_ erased: HiddenKeys?) throws(LarderError) {
    guard let tables, let erased else { return }
    for table in try tables.erase(erased) {
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
