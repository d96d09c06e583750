import Glibc
import Synchronization

/// How often the process was forked.
///
/// A forked child has one thread, and whatever another one held at that moment stays held: a mutex
/// of the parent's is never to be waited for in a child, nor a thread of the parent's.
package enum Forks {
  /// How often this process is a fork of the one that loaded the library: 0, 1, ...
  ///
  /// An object made under another generation is a parent's.
  package static var generation: UInt64 {
    _ = registration
    return forks.load(ordering: .relaxed)
  }
}

private let forks = Atomic<UInt64>(0)

/// Tells the C library of the handler, once in the life of the process.
///
/// It runs between fork and whatever the child does next: it takes no lock and allocates nothing.
private let registration: Int32 = pthread_atfork(
  nil, nil, { forks.wrappingAdd(1, ordering: .relaxed) })
