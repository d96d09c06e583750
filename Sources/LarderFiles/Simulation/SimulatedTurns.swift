import Synchronization

/// A place where a simulated process may be made to wait for another one's turn.
package enum SimulatedPoint: Sendable, Hashable {
  /// Before an operation.
  case operation(SimulatedOperation.Kind)
  /// Before a lock is asked for.
  case lock
  /// After a lock was given up.
  case unlock
}

/// Decides which of several live processes of a simulated machine goes on.
///
/// Each process runs on a thread of its own, and only the one whose turn it is runs. No clock is
/// looked at: who waits for a lock has waited forever once nobody else can go on.
package protocol SimulatedTurns: AnyObject, Sendable {
  /// A process has come to a point; returns once it may go on.
  ///
  /// - Returns: false if the process dies here.
  func reach(_ point: SimulatedPoint, at path: String, process: Int) -> Bool

  /// A process has to wait for another one's lock; returns once it may look again.
  ///
  /// - Returns: false if nobody can give the lock up any more: the time is over.
  func wait(process: Int) -> Bool
}

/// Waits for nobody: there is one live process, so what is locked stays so.
///
/// Nor does it go on forever: a process that asks for so many locks turns in a circle and dies.
package final class SimulatedSolitude: SimulatedTurns {
  private let left: Atomic<Int>

  package init(locks: Int = 100_000) { left = Atomic(locks) }

  package func reach(_ point: SimulatedPoint, at path: String, process: Int) -> Bool {
    point != .lock || left.wrappingSubtract(1, ordering: .relaxed).newValue > 0
  }

  package func wait(process: Int) -> Bool { false }
}
