import LarderColumns
import LarderFiles
import LarderKeys

/// Keys of one join-key set whose erasure is not finished, by the commit that retired them.
package struct RetiredKeys: Sendable {
  package var commit: UInt64
  package var keys: KeySelection
}

extension Store {
  /// The keys whose erasure is not finished.
  ///
  /// The manifest names ids alone; the keys are in the key logs of before, which stay until the
  /// erasure is finished. Where they are gone, nothing of the keys was left outside of them.
  ///
  /// - Throws: `corrupt`, `io`.
  /// - Complexity: O(keys) for the headers of the logs.
  package func retiredKeys() throws(LarderError) -> [RetiredKeys] {
    let state = try refresh()
    var groups: [RetiredKeys] = []
    for set in state.catalog.keySets {
      guard let ids = state.erasures.pending[set.id] else { continue }
      // A key is in all logs before the commit that retired it.
      var left = Set(ids)
      let logs = state.erasures.retiredLogs.filter { $0.set == set.id }
        .sorted { $0.until > $1.until }
      for retired in logs {
        guard let log = try open(retired, set, state) else { continue }
        var keys = KeySelection(try set.schema())
        for id in left where id < log.count {
          guard let tail = unsafe try log.tail(of: id) else { continue }
          unsafe keys.insert(tail)
          left.remove(id)
        }
        if keys.count > 0 { groups.append(RetiredKeys(commit: retired.until, keys: keys)) }
      }
    }
    return groups
  }

  private func open(
    _ retired: Erasures.RetiredLog, _ set: Catalog.KeySet, _ state: StoreState
  ) throws(LarderError) -> KeyLog? {
    do throws(LarderError) {
      return try KeyLog.open(
        in: host.files, directory: layout.keyFolder(set.id),
        identity: keyIdentity(set.id, state.fileIdentity), schema: try set.schema(),
        state: retired.log)
    } catch {
      guard error.code == .notFound else { throw error }
      return nil
    }
  }

  /// The number of the newest publication of a commit by one load, whatever it is worth; nil where
  /// there is none to be trusted.
  package var polledPublication: UInt64? { manifest.polledSequence }

  /// The number of the publication that the newest state stands for; nil where none is trusted.
  package var standingPublication: UInt64? { manifest.standing }

  /// The newest commit, and the newest of those that changed what is being erased, if anything was
  /// committed after a commit; else nil.
  ///
  /// - Throws: `corrupt`, `io`.
  /// - Complexity: one load if nothing was committed since the last look.
  package func erasures(
    after known: UInt64?
  ) throws(LarderError) -> (commit: UInt64, last: UInt64, arePending: Bool)? {
    guard let (commit, _) = try currentCatalog(after: known) else { return nil }
    let state = try refresh()
    return (commit, state.erasures.last, !state.erasures.pending.isEmpty)
  }
}
