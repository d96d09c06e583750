import Dispatch
import LarderColumns
import LarderContract
import LarderFiles
import LarderInterchange
import Synchronization

/// A job's batches for a consumer that asks for one at a time.
///
/// The job hands its batches to a closure; a thread of its own runs it and waits wherever it is one
/// batch ahead of the consumer. It starts at the first query for a batch.
final class JobStream: BatchSource, Sendable {
  let schema: Schema
  let dictionaries: [Bool]
  private let handle: JobHandle
  private let exchange = Exchange()
  private struct State {
    var isStarted = false
    var failure: LarderError?
  }
  /// Held while a batch is waited for: consumers on several threads take turns.
  private let state = ForkSafeMutex(State())
  private let generation = Forks.generation

  init(_ handle: JobHandle) {
    self.handle = handle
    schema = handle.job.schema
    dictionaries = handle.dictionaries
  }

  deinit { exchange.stop() }

  func nextBatch() throws(LarderError) -> RecordBatch? {
    // The thread that makes the batches is the parent's, and so may be the state.
    guard generation == Forks.generation else {
      throw LarderError(
        .forked, "The rows were asked for before this process was forked; ask again in the child.")
    }
    return try state.withLock { (state) throws(LarderError) in
      if let failure = state.failure { throw failure }
      if !state.isStarted {
        try start()
        state.isStarted = true
      }
      switch exchange.take() {
      case .batch(let batch): return try plain(batch)
      case .end: return nil
      case .failed(let error):
        state.failure = error
        throw error
      }
    }
  }

  private func start() throws(LarderError) {
    let (handle, exchange) = (handle, exchange)
    try WorkThread.start {
      exchange.waitForTurn()
      do {
        try handle.job.forEachBatch { batch in
          try handle.cancellation.check()
          try exchange.put(.batch(batch))
        }
        exchange.finish(.end)
      } catch {
        exchange.finish(.failed(LarderError(error, during: "Reading")))
      }
    }
  }

  /// The batch with the columns that are no dictionaries in every batch written out.
  private func plain(_ batch: RecordBatch) throws(LarderError) -> RecordBatch {
    guard zip(batch.columns, dictionaries).contains(where: { $0.isDictionary != $1 }) else {
      return batch
    }
    var columns: [Column] = []
    for (column, isDictionary) in zip(batch.columns, dictionaries) {
      columns.append(column.isDictionary && !isDictionary ? try column.flattened() : column)
    }
    return try RecordBatch(schema: batch.schema, columns: columns, count: batch.count)
  }
}

/// A place for one thing that a thread puts and another takes.
private final class Exchange: Sendable {
  enum Item {
    case batch(RecordBatch)
    case end
    case failed(LarderError)
  }

  private let item = ForkSafeMutex<Item?>(nil)
  private let stopped = Atomic(false)
  private let filled = DispatchSemaphore(value: 0)
  /// Counts what may be put: one when the consumer asks first, then one for each that it took.
  private let wanted = DispatchSemaphore(value: 0)

  func waitForTurn() { wanted.wait() }

  /// Puts a batch and waits until another is wanted.
  ///
  /// - Throws: `cancelled` if nobody wants more.
  func put(_ new: Item) throws(LarderError) {
    if stopped.load(ordering: .acquiring) { throw LarderError(.cancelled, "Nobody reads on.") }
    item.withLock { $0 = new }
    filled.signal()
    wanted.wait()
    if stopped.load(ordering: .acquiring) { throw LarderError(.cancelled, "Nobody reads on.") }
  }

  /// Puts the last thing there is.
  func finish(_ last: Item) {
    item.withLock { $0 = last }
    filled.signal()
  }

  func take() -> Item {
    wanted.signal()
    filled.wait()
    return item.withLock { current in
      defer {
        // The end stays, for a consumer that asks again.
        if case .end = current { filled.signal() } else { current = nil }
      }
      return current ?? .end
    }
  }

  func stop() {
    stopped.store(true, ordering: .releasing)
    wanted.signal()
  }
}
