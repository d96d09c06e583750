import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

extension Store {
  /// The snapshots that were pinned before the newest step of an erasure, and may still use files
  /// of before.
  ///
  /// - Throws: `io`, `forked`.
  package func pinsBeforeErasure() throws(LarderError) -> PinnedSnapshots {
    try pins.pinned(below: try refresh().erasures.last)
  }

  /// Says that nothing is left of ids, and removes the last files that held them.
  ///
  /// The caller has rewritten the segments and every table outside of history, while no snapshot
  /// from before the erasure was pinned.
  ///
  /// - Throws: `readOnly`, `noSpace`, `io`.
  package func finishErasure(of ids: [UInt64: [UInt32]]) throws(LarderError) -> Commit {
    // What a power cut could bring back is not gone.
    try sweep()
    try syncRemovals()
    let result = try commit { state throws(LarderError) in
      let isPending = ids.contains { set, ids in
        let pending = Set(state.erasures.pending[set] ?? [])
        return ids.contains { pending.contains($0) }
      }
      return isPending ? .erased(ids) : nil
    }
    try sweep()
    try syncRemovals()
    return result.state.head
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
          guard try refresh().keyLogs[set.id]?.generation == current else { continue }
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
