import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// How an attempt to finish erasures ended.
package struct ErasureEnd: Sendable {
  /// The commit that says that nothing is left; nil if something is, or it could not be said.
  package var commit: Commit?
  /// What was looked at, and what is left.
  package var scan = ErasureScan()

  package init() {}
}

extension Store {
  /// The snapshots that were pinned before the newest step of an erasure, and may still use files
  /// of before.
  ///
  /// - Throws: `io`, `forked`.
  package func pinsBeforeErasure() throws(LarderError) -> PinnedSnapshots {
    try pins.pinned(below: try refresh().erasures.last)
  }

  /// Who holds pins, as far as that is known.
  package func pinHolders(of pinned: PinnedSnapshots) -> [String] { pins.holders(of: pinned) }

  /// Removes the last files that hold something of ids, sees that nothing is left anywhere, and
  /// says so.
  ///
  /// The order makes every crash harmless: the key log of before, which is the list of what is left
  /// to do, goes when nothing else is left, and the record comes when it was seen gone.
  ///
  /// - Parameters:
  ///   - ids: those of which the caller has rewritten the segments.
  ///   - timeout: how long to wait for merges under way.
  ///   - beside: looks for what is left outside of history.
  /// - Throws: `readOnly`, `locked`, `noSpace`, `io`.
  package func finishErasure(
    of ids: [UInt64: [UInt32]], timeout: Duration,
    beside: (inout ErasureScan) throws(LarderError) -> Void
  ) throws(LarderError) -> ErasureEnd {
    let held = try writerLocks().acquire(.maintenance, timeout: timeout)
    defer { held.release() }
    var end = ErasureEnd()
    let state = try settle()
    guard state.erasures.pending == ids else {
      if isFinished(ids, state) {
        // Another command saw that nothing was left, and said so.
        try beside(&end.scan)
        if end.scan.leftovers.isEmpty { end.commit = state.head }
      } else {
        end.scan.add(layout.root, "another erasure began meanwhile: run it again")
      }
      return end
    }
    if options.omitted.contains(.certifyingLast) {
      end.commit = try commit { _ throws(LarderError) in .erased(ids) }.state.head
      try sweep()
      return end
    }
    try forgetEarlierRecords()
    try sweep()
    try removeSpentTimelines(state)
    // What a power cut could bring back is not gone.
    try syncRemovals()
    try search(for: ids, in: try refresh(), spareLogs: true, &end.scan)
    try beside(&end.scan)
    guard end.scan.leftovers.isEmpty, try isUnchanged(state, &end.scan) else { return end }
    try removeRetiredLogs(of: ids)
    try syncRemovals()
    var again = ErasureScan()
    try search(for: ids, in: try refresh(), spareLogs: false, &again)
    end.scan.leftovers = again.leftovers
    guard again.leftovers.isEmpty else { return end }
    let result = try commit { newest throws(LarderError) in
      newest.erasures.pending == ids && newest.erasures.last == state.erasures.last
        ? .erased(ids) : nil
    }
    if result.didCommit { end.commit = result.state.head }
    for view in state.catalog.views { buildDerived(view.id) }
    return end
  }

  /// Whether none of some ids is masked any more.
  private func isFinished(
    _ ids: [UInt64: [UInt32]], _ state: StoreState
  ) -> Bool {
    ids.allSatisfy { set, ids in
      let pending = Set(state.erasures.pending[set] ?? [])
      return ids.allSatisfy { !pending.contains($0) }
    }
  }

  /// Whether nobody pinned, masked or substituted anything since a state.
  private func isUnchanged(
    _ state: StoreState, _ scan: inout ErasureScan
  ) throws(LarderError) -> Bool {
    let newest = try refresh()
    guard newest.erasures.last == state.erasures.last,
      newest.erasures.pending == state.erasures.pending
    else {
      scan.add(layout.root, "another erasure began meanwhile: run it again")
      return false
    }
    let pins = try pinsBeforeErasure()
    if pins.ranges.isEmpty { return true }
    scan.add(layout.root, "a reader holds a snapshot from before the erasure")
    return false
  }

  /// Removes the key logs of before, once nothing else is left and nobody reads from them.
  private func removeRetiredLogs(of ids: [UInt64: [UInt32]]) throws(LarderError) {
    let state = try settle()
    for retired in state.erasures.retiredLogs {
      guard ids[retired.set] != nil, let current = state.keyLogs[retired.set],
        retired.log.generation < current.generation
      else { continue }
      let folder = layout.keyFolder(retired.set)
      try host.files.remove(KeyFolder.logPath(folder, generation: retired.log.generation))
    }
  }

  /// Makes durable that names are gone.
  private func syncRemovals() throws(LarderError) {
    let state = try refresh()
    for set in state.catalog.keySets where state.keyLogs[set.id] != nil {
      try host.files.syncDirectory(layout.keyFolder(set.id))
    }
    for name in try host.files.names(in: layout.offline) {
      try host.files.syncDirectory("\(layout.offline)/\(name)")
    }
    try host.files.syncDirectory(layout.root)
  }

  /// Removes the files of key sets that no snapshot reads from: logs of earlier generations, maps
  /// of them, and what was begun and never committed.
  func sweepKeys(_ living: LivingSnapshots, _ report: inout SweepReport) throws(LarderError) {
    let state = try refresh()
    for set in state.catalog.keySets {
      let folder = layout.keyFolder(set.id)
      let current = state.keyLogs[set.id]?.generation
      let maps = try KeyFolder.foreignMaps(in: host.files, directory: folder, current: current)
      for path in maps {
        // Whoever builds one holds it.
        guard let lock = try lockForRemoval(path) else { continue }
        try remove(path, bytes: lock.status().bytes, &report)
      }
      let needed = state.erasures.retiredLogs.filter {
        $0.set == set.id && state.erasures.isNeeded($0, living)
      }.map(\.log.generation)
      for generation in try KeyFolder.generations(in: host.files, directory: folder)
      where generation != current && !needed.contains(generation) {
        let path = KeyFolder.logPath(folder, generation: generation)
        if generation > current ?? 0 {
          // Begun by an erasure, or by the first append, that holds the append lock or is no more.
          guard let held = try locks?.tryAcquire(.append) else { continue }
          defer { held.release() }
          guard try settle().keyLogs[set.id]?.generation == current else { continue }
          try remove(path, bytes: 0, &report)
        } else {
          try remove(path, bytes: try host.files.status(of: path)?.bytes ?? 0, &report)
        }
      }
    }
  }

  private func remove(
    _ path: String, bytes: UInt64, _ report: inout SweepReport
  ) throws(LarderError) {
    guard try host.files.remove(path) else { return }
    report.files += 1
    report.bytes += bytes
  }
}

extension Store {
  /// Whether nobody reads from before the newest erasure, and no merge is under way: then what was
  /// begun can be finished without waiting.
  ///
  /// - Throws: `readOnly`, `io`.
  package func canFinishErasures() throws(LarderError) -> Bool {
    guard try pinsBeforeErasure().ranges.isEmpty,
      let held = try writerLocks().tryAcquire(.maintenance)
    else { return false }
    held.release()
    return true
  }

  /// Whether an erasure was begun and is not finished.
  ///
  /// - Throws: `corrupt`, `io`.
  package func hasPendingErasures() throws(LarderError) -> Bool {
    try !refresh().erasures.pending.isEmpty
  }

  /// The ids of a selection's entities that are not erased, by join-key set.
  ///
  /// - Throws: `corrupt`, `io`.
  package func keys(of selection: KeySelection) throws(LarderError) -> [UInt64: [UInt32]] {
    try findKeys(selection, in: try refresh())
  }
}
