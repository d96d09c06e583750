import LarderColumns
import LarderContract
import LarderFiles

// How a commit comes about; `FORMAT.md` has the rules and the reason for each. One's own lock, settle,
// plan, commit: a plan is made from a state that nothing lies beyond, and the commit compares what the
// plan read with what is there by then.

extension Store {
  /// Makes every whole record that lies in the manifest part of history, and published.
  ///
  /// A process that dies between a record's write and its publication leaves one that no plan may
  /// overlook: its keys, its files. Called once the caller has its own lock, before it plans or
  /// destroys; never from within a commit's closure, which holds the commit lock. A commit that is
  /// under way is waited for.
  ///
  /// - Returns: the newest state.
  /// - Throws: `readOnly`, `locked`, `poisoned`, `noSpace`, `io`, `corrupt`.
  /// - Complexity: three system calls if everything is settled: no lock, no write, no sync.
  @discardableResult
  package func settle() throws(LarderError) -> StoreState {
    let locks = try writerLocks()
    if options.omitted.contains(.settling) { return try refresh() }
    do {
      if let state = try manifest.settled() { return state }
      let held = try locks.acquire(.commit, timeout: options.lockTimeout)
      defer { held.release() }
      return try manifest.settle(pruning: pruning)
    } catch { throw try explained(error) }
  }

  /// Appends a record under the commit lock.
  ///
  /// What is whole and was not settled is settled first, so the closure is given the newest state
  /// there can be; it compares that with what it planned by.
  func commit(
    _ plan: (StoreState) throws(LarderError) -> ManifestRecord.Body?
  ) throws(LarderError) -> (state: StoreState, didCommit: Bool) {
    let held = try writerLocks().acquire(.commit, timeout: options.lockTimeout)
    defer { held.release() }
    return try manifest.commit(now: host.now(), pruning: pruning, plan: plan)
  }

  var pruning: Manifest.Pruning {
    { state, published throws(LarderError) in
      try self.living(state, oldest: published).prune(&state)
    }
  }
}
