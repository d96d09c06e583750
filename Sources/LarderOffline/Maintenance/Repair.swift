import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys
import Synchronization

extension Store {
  /// Rebuilds what is derived from history and does not hold: key maps and STATE.
  ///
  /// Nothing that was committed is touched: damage there is no matter of repair.
  ///
  /// - Parameter dryRun: whether only to say what would be done.
  /// - Returns: what was done, or would be.
  /// - Throws: `readOnly`, `locked`, `noSpace`, `io`; `corrupt` if keys of the log do not hold.
  /// - Complexity: O(keys) of the sets whose maps are damaged.
  package func repair(dryRun: Bool) throws(LarderError) -> [RepairReport.Step] {
    var steps: [RepairReport.Step] = []
    // Opening for writing does it, too.
    if manifest.oldestRetained == nil || hasPublishedAnew.load(ordering: .relaxed) {
      steps.append(
        RepairReport.Step(
          path: manifest.statePath, action: "publish again how far the manifest is durable",
          reason: "It is missing, damaged, or from another boot of the machine."))
    }
    // What a command that died left is history before anything is taken for derived or obsolete.
    let state = if dryRun { try refresh() } else { try settle() }
    for set in state.catalog.keySets {
      guard let log = state.keyLogs[set.id] else { continue }
      let directory = try directory(
        of: set, store: state.fileIdentity, at: log, erasures: state.erasures)
      let folder = layout.keyFolder(set.id)
      let damaged = try KeyFolder.damagedMaps(
        in: host.files, directory: folder, for: directory.log)
      let foreign = try KeyFolder.foreignMaps(
        in: host.files, directory: folder, current: log.generation)
      for path in Set(damaged.map(\.path)).union(foreign).sorted() {
        let reason = damaged.first { $0.path == path }?.findings.first?.message
        steps.append(
          RepairReport.Step(
            path: path, action: "remove the key map; the next append builds one when it is due",
            reason: reason ?? "It belongs to an earlier key log."))
        if dryRun { continue }
        guard let lock = try lockForRemoval(path) else { continue }
        try withExtendedLifetime(lock) { () throws(LarderError) in
          _ = try host.files.remove(path)
        }
      }
      if !dryRun, !damaged.isEmpty {
        keyCache.forget(set.id)
        try buildKeyMap(of: set)
      }
    }
    if !dryRun {
      hasPublishedAnew.store(false, ordering: .relaxed)
      for view in state.catalog.views { buildDerived(view.id) }
      try sweep()
    }
    return steps
  }
}
