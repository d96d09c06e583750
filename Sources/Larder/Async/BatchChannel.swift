import Dispatch
import LarderColumns

/// Hands batches from a thread that makes them to a task that takes them, one ahead at most.
final class BatchChannel: Sendable {
  /// Told to the maker when nobody takes any more.
  struct Abandoned: Error {}

  private struct State {
    var batch: RecordBatch?
    var taker: CheckedContinuation<Result<RecordBatch?, any Error>, Never>?
    var end: Result<RecordBatch?, any Error>?
    var isAbandoned = false
  }
  private let state = ForkSafeMutex(State())
  /// Counts the free place: the maker waits on its own thread.
  private let room = DispatchSemaphore(value: 0)

  init() {
    // A semaphore must not end below the value that it was made with.
    room.signal()
  }

  /// Hands a batch over; waits while the last one is not yet taken.
  ///
  /// - Throws: `Abandoned`.
  func send(_ batch: RecordBatch) throws {
    room.wait()
    let taker = try state.withLock { state in
      if state.isAbandoned { throw Abandoned() }
      guard let taker = state.taker else {
        state.batch = batch
        return nil as CheckedContinuation<Result<RecordBatch?, any Error>, Never>?
      }
      state.taker = nil
      return taker
    }
    guard let taker else { return }
    room.signal()
    taker.resume(returning: .success(batch))
  }

  /// Says that no batch follows, because of an error or because there are no more.
  func finish(_ error: (any Error)?) {
    let end = error.map { Result<RecordBatch?, any Error>.failure($0) } ?? .success(nil)
    let taker = state.withLock { state in
      defer { state.taker = nil }
      state.end = end
      return state.taker
    }
    taker?.resume(returning: end)
  }

  /// The next batch; nil after the last.
  ///
  /// For one task.
  ///
  /// - Throws: what the maker threw.
  func next() async throws -> RecordBatch? {
    let result = await withCheckedContinuation { continuation in
      let known: Result<RecordBatch?, any Error>? = state.withLock { state in
        if let batch = state.batch {
          state.batch = nil
          return .success(batch)
        }
        if state.end == nil { state.taker = continuation }
        return state.end
      }
      guard let known else { return }
      if case .success(.some) = known { room.signal() }
      continuation.resume(returning: known)
    }
    return try result.get()
  }

  /// Says that nobody takes any more; the maker is let go.
  func abandon() {
    state.withLock { $0.isAbandoned = true }
    room.signal()
  }
}
