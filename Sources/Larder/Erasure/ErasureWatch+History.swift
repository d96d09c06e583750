import LarderColumns
import LarderFiles
import LarderKeys
import LarderOffline
import LarderOnline
import Synchronization

extension ErasureWatch {
  /// What a store's history says.
  init(_ store: Store) {
    let last = LastHidden()
    self.init(
      hidden: { () throws(LarderError) in try last.refresh(from: store) },
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
  private let state = Mutex(State())

  func refresh(from store: Store) throws(LarderError) -> HiddenKeys? {
    try state.withLock { (state) throws(LarderError) in
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
  }
}
