import Dispatch
import Glibc
import LarderColumns

/// The engine's own threads: work goes to one that is idle, or to a new one.
///
/// Not those of Dispatch: of these a forked child has none and is told that there are some, so that
/// it waits forever. A child makes threads of its own here. One that finds nothing to do for some
/// seconds ends.
final class WorkerThreads: Sendable {
  private static let perProcess = PerProcess<WorkerThreads> { _ in WorkerThreads() }
  /// Those of this process.
  static var current: WorkerThreads { perProcess.value }

  typealias Work = @Sendable () -> Void

  private static let idleTimeout = DispatchTimeInterval.seconds(5)
  private static let stackBytes = 2 << 20

  /// A thread that waits for work.
  private final class Idle: Sendable {
    let wake = DispatchSemaphore(value: 0)
    let work = ForkSafeMutex<Work?>(nil)
  }
  private let idle = ForkSafeMutex<[Idle]>([])

  /// Has work done by another thread.
  ///
  /// - Returns: false if there is none and the system gives none; then nothing is done.
  func start(_ work: @escaping Work) -> Bool {
    guard let taken = idle.withLock({ $0.popLast() }) else { return spawn(work) }
    taken.work.withLock { $0 = work }
    taken.wake.signal()
    return true
  }

  private func spawn(_ work: @escaping Work) -> Bool {
    var attributes = pthread_attr_t()
    guard unsafe pthread_attr_init(&attributes) == 0 else { return false }
    defer { unsafe pthread_attr_destroy(&attributes) }
    unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    unsafe pthread_attr_setstacksize(&attributes, Self.stackBytes)
    let first = Unmanaged.passRetained(First(self, work))
    // Signals are for the threads of the program; those that tell of this thread's own faults are not
    // to be blocked.
    var (blocked, before) = (sigset_t(), sigset_t())
    unsafe sigfillset(&blocked)
    for fault in [SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF] {
      unsafe sigdelset(&blocked, fault)
    }
    unsafe pthread_sigmask(SIG_SETMASK, &blocked, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
    var thread = pthread_t()
    let status = unsafe pthread_create(&thread, &attributes, runWorker, first.toOpaque())
    if status != 0 { unsafe first.release() }
    return status == 0
  }

  /// What a new thread begins with.
  fileprivate final class First: Sendable {
    let threads: WorkerThreads
    private let work: ForkSafeMutex<Work?>

    init(_ threads: WorkerThreads, _ work: @escaping Work) {
      self.threads = threads
      self.work = ForkSafeMutex(work)
    }

    /// The work; what it holds is let go when it is done, not when the thread ends.
    func takeWork() -> Work? {
      work.withLock { work in
        defer { work = nil }
        return work
      }
    }
  }

  /// Waits for work until there is none for a while; nil then.
  private func next(_ own: Idle) -> Work? {
    idle.withLock { $0.append(own) }
    if own.wake.wait(timeout: .now() + Self.idleTimeout) == .timedOut {
      let isLeft = idle.withLock { idle in
        guard let place = idle.firstIndex(where: { $0 === own }) else { return false }
        idle.remove(at: place)
        return true
      }
      if isLeft { return nil }
      // Work was given at the same moment.
      own.wake.wait()
    }
    return own.work.withLock { work in
      defer { work = nil }
      return work
    }
  }

  /// Does the first work, lets go of it, and continues with other.
  fileprivate func run(_ first: First) {
    var work = first.takeWork()
    let own = Idle()
    while work != nil {
      work?()
      work = nil
      work = next(own)
    }
  }
}

/// The life of a thread.
private func runWorker(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let context = unsafe context else { return unsafe nil }
  let first = unsafe Unmanaged<WorkerThreads.First>.fromOpaque(context).takeRetainedValue()
  first.threads.run(first)
  return unsafe nil
}
