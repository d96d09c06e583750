import Glibc
import LarderColumns
import Testing

/// One thread at a time, and nobody sleeps forever.
@Suite struct ForkSafeMutexTests {
  /// What the threads share.
  private final class Shared: Sendable {
    let count = ForkSafeMutex(0)
    let inside = ForkSafeMutex(false)
  }

  private static func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    final class Work: Sendable {
      let number: Int
      let body: @Sendable (Int) -> Void
      init(_ number: Int, _ body: @escaping @Sendable (Int) -> Void) {
        (self.number, self.body) = (number, body)
      }
    }
    var threads = [pthread_t](repeating: 0, count: count)
    for index in 0..<count {
      let work = Unmanaged.passRetained(Work(index, body))
      pthread_create(
        &threads[index], nil,
        { context in
          guard let context else { return nil }
          let work = Unmanaged<Work>.fromOpaque(context).takeRetainedValue()
          work.body(work.number)
          return nil
        }, work.toOpaque())
    }
    for thread in threads { pthread_join(thread, nil) }
  }

  @Test func countsWhatManyThreadsAdd() {
    let shared = Shared()
    Self.onThreads(8) { _ in
      for _ in 0..<50_000 { shared.count.withLock { $0 += 1 } }
    }
    #expect(shared.count.withLock { $0 } == 400_000)
  }

  /// Held for long, so that the others wait in the kernel.
  @Test func wakesWhoeverWaits() {
    let shared = Shared()
    Self.onThreads(6) { _ in
      for _ in 0..<20 {
        shared.count.withLock { count in
          let isAlone = shared.inside.withLock { inside in
            defer { inside = true }
            return !inside
          }
          #expect(isAlone)
          usleep(300)
          count += 1
          shared.inside.withLock { $0 = false }
        }
      }
    }
    #expect(shared.count.withLock { $0 } == 120)
  }

  @Test func isFreeAfterAnErrorAndLetsItsValueGo() {
    final class Kept: Sendable {}
    struct Failure: Error {}
    weak var seen: Kept?
    do {
      let mutex = ForkSafeMutex<Kept?>(Kept())
      mutex.withLock { seen = $0 }
      #expect(seen != nil)
      #expect(throws: Failure.self) { try mutex.withLock { _ in throw Failure() } }
      #expect(mutex.withLock { $0 != nil })
    }
    #expect(seen == nil)
  }
}
