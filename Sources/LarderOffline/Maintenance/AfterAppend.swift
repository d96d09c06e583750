import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys
import Synchronization

extension Store {
  /// What follows an append that is already acknowledged: merges, the key map, the sweep.
  ///
  /// None of it is an error of the append. What fails is done by the next one, or by `fold`.
  func didAppend(to view: UInt64, keySet: Catalog.KeySet) {
    if options.fold == .afterAppend {
      do {
        if try isFoldDue(view), let name = try refresh().catalog.view(id: view)?.name {
          try fold(view: name, wait: false)
        }
        try buildKeyMap(of: keySet)
        if try hasLargeAppend(view) { try buildDerivedIfFree(view) }
      } catch {
        // Nothing was lost: the merge's inputs are still live.
        sweepQuietly()
        return
      }
    }
    sweepQuietly()
  }

  /// Whether the newest commit gave a view so many rows that files derived from them may be due.
  private func hasLargeAppend(_ view: UInt64) throws(LarderError) -> Bool {
    let state = try refresh()
    var rows = 0
    for live in state.segments[view] ?? [] where live.description.lastCommit == state.head.id {
      rows += live.description.rows
    }
    return rows >= 20_000
  }

  /// Lets the builders of derived files catch up, unless maintenance goes on, which does the same.
  private func buildDerivedIfFree(_ view: UInt64) throws(LarderError) {
    guard let held = try writerLocks().tryAcquire(.maintenance) else { return }
    defer { held.release() }
    buildDerived(view)
  }

  /// Builds a key map if so many keys lie after the newest that opening the store takes long.
  ///
  /// - Throws: `noSpace`, `io`, `corrupt`.
  func buildKeyMap(of set: Catalog.KeySet) throws(LarderError) {
    let state = try refresh()
    guard let log = state.keyLogs[set.id] else { return }
    let directory = try directory(
      of: set, store: state.fileIdentity, at: log, erasures: state.erasures)
    let mapped = Int(directory.map?.count ?? 0)
    // 20 ns a key, and fresh memory for their table: below this many it is about a millisecond.
    guard Int(log.count) - mapped >= max(32_768, mapped / 4) else { return }
    let folder = layout.keyFolder(set.id)
    let name = try KeyMap.build(
      from: directory.log, without: directory.retired, as: host.makeIdentifier(),
      in: host.files, directory: folder)
    keyCache.forget(set.id)
    if try refresh().keyLogs[set.id]?.generation != log.generation {
      // An erasure came between: the map holds what has to go.
      try host.files.remove("\(folder)/\(name)")
      return
    }
    for other in try host.files.names(in: folder)
    where other.hasSuffix(".map") && other != name {
      let file = try host.files.open("\(folder)/\(other)", .update)
      if try file.tryLock(0..<1, .exclusive) { try host.files.remove("\(folder)/\(other)") }
    }
  }

  /// Lets the builders of derived files catch up with a view; what fails is built later.
  func buildDerived(_ view: UInt64) {
    for builder in derived.withLock({ $0 }) {
      do {
        let snapshot = try snapshot()
        guard let view = snapshot.catalog.view(id: view) else { return }
        try builder.build(for: view, in: snapshot)
      } catch {
        continue
      }
    }
  }
}
