import LarderColumns
import LarderOffline

/// When a store last went on with an erasure that was cut off.
final class ErasureResumption: Sendable {
  private static let pause = Duration.seconds(10)
  private let last = ForkSafeMutex<ContinuousClock.Instant?>(nil)

  /// Whether it is time to try; then it is noted.
  func isDue() -> Bool {
    last.withLock { last in
      let now = ContinuousClock.now
      if let last, now - last < Self.pause { return false }
      last = now
      return true
    }
  }
}

extension FeatureStore {
  /// Goes on with erasures that were begun by a command that ended, after a change that is done.
  ///
  /// Never an error of the change: what keeps an erasure from being finished is told by `verify`, and
  /// by the commands that finish erasures. As long as readers hold snapshots from before it there is
  /// nothing to be done.
  func continueErasures() {
    let history = offlineStore
    guard history.pinned == nil else { return }
    do throws(LarderError) {
      guard try history.store.hasPendingErasures(), resumption.isDue(),
        try history.store.canFinishErasures()
      else { return }
      try finishErasures()
    } catch { return }
  }

  /// Calls a closure that changes the store, then continues with erasures that were cut off.
  func changing<Result>(
    _ change: () throws(LarderError) -> Result
  ) throws(LarderError) -> Result {
    let result = try change()
    continueErasures()
    return result
  }
}
