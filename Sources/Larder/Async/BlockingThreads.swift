import Dispatch
import LarderColumns

/// Threads of its own for work that waits for disks and locks, so that tasks never hold up those of
/// Swift's cooperative pool.
enum BlockingThreads {
  static let queue = DispatchQueue(label: "larder.blocking", attributes: .concurrent)

  /// Runs work on one of them.
  ///
  /// - Throws: what the work throws; `cancelled` if the task was cancelled before it began.
  static func run<Success: Sendable>(
    _ work: @escaping @Sendable () throws(LarderError) -> Success
  ) async throws(LarderError) -> Success {
    if Task.isCancelled { throw LarderError(.cancelled, "The task was cancelled.") }
    let result: Result<Success, LarderError> = await withCheckedContinuation { continuation in
      queue.async {
        continuation.resume(returning: Result { () throws(LarderError) in try work() })
      }
    }
    return try result.get()
  }
}
