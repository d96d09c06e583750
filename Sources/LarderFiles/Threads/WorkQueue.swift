import Dispatch
import LarderColumns

/// Work in the background, one after the other.
///
/// Of a parent's queue nothing is done in a forked child: the thread that did it is not there.
package final class WorkQueue: Sendable {
  private struct State {
    var pending: [@Sendable () -> Void] = []
    var isRunning = false
  }
  private let state = ForkSafeMutex(State())
  private let generation = Forks.generation

  package init() {}

  /// Has work done behind what was given before; here and now if no thread can be had.
  package func start(_ work: @escaping @Sendable () -> Void) {
    guard generation == Forks.generation else { return }
    let isFirst = state.withLock { state in
      state.pending.append(work)
      defer { state.isRunning = true }
      return !state.isRunning
    }
    guard isFirst else { return }
    if !WorkerThreads.current.start({ [self] in run() }) { run() }
  }

  private func run() {
    while true {
      let work: (@Sendable () -> Void)? = state.withLock { state in
        if state.pending.isEmpty {
          state.isRunning = false
          return nil
        }
        return state.pending.removeFirst()
      }
      guard let work else { return }
      work()
    }
  }

  /// Waits for what was given before.
  package func finish() {
    guard generation == Forks.generation else { return }
    let done = DispatchSemaphore(value: 0)
    let waits = state.withLock { state in
      if state.isRunning { state.pending.append { done.signal() } }
      return state.isRunning
    }
    if waits { done.wait() }
  }
}

/// A thread for work that waits for others.
package enum WorkThread {
  /// Has work done by another thread.
  ///
  /// - Throws: `limitExceeded` if the system gives none.
  package static func start(_ work: @escaping @Sendable () -> Void) throws(LarderError) {
    guard WorkerThreads.current.start(work) else {
      throw LarderError(
        .limitExceeded,
        "The system gives no further thread; allow more threads or memory, or ask for less at once."
      )
    }
  }
}
