import Dispatch
import LarderColumns
import Synchronization

/// Does something a number of times, on this thread and on others that can be had.
///
/// No time waits for another: if no other thread can be had, this one does all. May be nested.
///
/// - Parameters:
///   - times: `body` gets 0 up to this.
///   - body: runs on several threads at once.
package func concurrently(_ times: Int, _ body: @Sendable (Int) -> Void) {
  guard times > 1 else {
    if times == 1 { body(0) }
    return
  }
  withoutActuallyEscaping(body) { body in
    let shared = SharedTimes(times, body)
    let threads = WorkerThreads.current
    for _ in 0..<min(times, .availableCores) - 1 {
      guard threads.start({ shared.help() }) else { break }
    }
    shared.doAll()
  }
}

/// The times that threads share.
///
/// Whoever helps may come too late, and then finds nothing.
private final class SharedTimes: Sendable {
  private let times: Int
  private let next = Atomic<Int>(0)
  private struct Helpers {
    /// nil once all is done.
    var body: (@Sendable (Int) -> Void)?
    var count = 0
    var isAwaited = false
  }
  private let helpers: ForkSafeMutex<Helpers>
  private let last = DispatchSemaphore(value: 0)

  init(_ times: Int, _ body: @escaping @Sendable (Int) -> Void) {
    self.times = times
    helpers = ForkSafeMutex(Helpers(body: body))
  }

  private func work(_ body: @Sendable (Int) -> Void) {
    while true {
      let time = next.add(1, ordering: .relaxed).oldValue
      if time >= times { return }
      body(time)
    }
  }

  /// Does some, on another thread.
  func help() {
    do {
      let body = helpers.withLock { helpers in
        if helpers.body != nil { helpers.count += 1 }
        return helpers.body
      }
      guard let body else { return }
      work(body)
    }
    let isLast = helpers.withLock { helpers in
      helpers.count -= 1
      return helpers.isAwaited && helpers.count == 0
    }
    if isLast { last.signal() }
  }

  /// Does what others do not, and waits for them.
  func doAll() {
    if let body = helpers.withLock({ $0.body }) { work(body) }
    let waits = helpers.withLock { helpers in
      helpers.body = nil
      helpers.isAwaited = helpers.count > 0
      return helpers.isAwaited
    }
    if waits { last.wait() }
  }
}
