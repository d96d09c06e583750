import LarderColumns
import LarderFiles
import LarderKeys
import LarderOffline
import LarderOnline
import Synchronization

extension ErasureWatch {
  /// What a store's history says.
  init(_ store: Store) {
    let masks = !store.options.omitted.contains(.maskingOnline)
    let last = LastHidden()
    self.init(
      hidden: { () throws(LarderError) in masks ? try last.refresh(from: store) : nil },
      isUnpinned: { () throws(LarderError) in try store.pinsBeforeErasure().ranges.isEmpty },
      haveReturned: { hidden throws(LarderError) in
        for keys in hidden.selections where try !store.keys(of: keys).isEmpty { return true }
        return false
      })
  }
}

/// The keys that history hid when it was last looked at.
private final class LastHidden: Sendable {
  private struct State {
    var commit: UInt64?
    var erasures: UInt64?
    var hidden: HiddenKeys?
  }
  private let state = ForkSafeMutex(State())
  /// The publication of which it is known that nothing was hidden; 0 for none.
  private let quiet = Atomic<UInt64>(0)

  func refresh(from store: Store) throws(LarderError) -> HiddenKeys? {
    let known = quiet.load(ordering: .acquiring)
    if known != 0, store.polledPublication == known { return nil }
    return try state.withLock { (state) throws(LarderError) in
      let hidden = try refresh(&state, store)
      // Asked before what is hidden: what was published since is looked at again.
      quiet.store(hidden.keys == nil ? hidden.publication : 0, ordering: .releasing)
      return hidden.keys
    }
  }

  private func refresh(
    _ state: inout State, _ store: Store
  ) throws(LarderError) -> (keys: HiddenKeys?, publication: UInt64) {
    let publication = store.standingPublication ?? 0
    func look() throws(LarderError) -> HiddenKeys? {
      guard let now = try store.erasures(after: state.commit) else { return state.hidden }
      if now.last != state.erasures {
        state.hidden =
          now.arePending
          ? HiddenKeys(try store.retiredKeys().map { ($0.commit, $0.keys) }) : nil
        state.erasures = now.last
      }
      state.commit = now.commit
      return state.hidden
    }
    return (try look(), publication)
  }
}
