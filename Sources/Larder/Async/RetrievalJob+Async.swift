import Dispatch
import LarderColumns
import LarderContract

extension RetrievalJob {
  /// The whole result, made on a thread that may wait; see the synchronous `collect()`.
  ///
  /// A task that is cancelled before it begins throws `cancelled`; a query that runs is stopped by
  /// `RetrievalOptions.isCancelled`.
  public func collect() async throws(LarderError) -> RecordBatch {
    try await BlockingThreads.run { () throws(LarderError) in try self.collect() }
  }

  /// The result batch by batch, in order, in bounded memory: one batch is made ahead.
  ///
  /// The batches are made on a thread that may wait; `body` runs in the calling task.
  ///
  /// - Throws: what `collect` throws, and what `body` throws, unchanged; `cancelled` between two
  ///   batches of a cancelled task.
  public func forEachBatch(_ body: (RecordBatch) async throws -> Void) async throws {
    let channel = BatchChannel()
    BlockingThreads.queue.async {
      do {
        try self.forEachBatch { try channel.send($0) }
        channel.finish(nil)
      } catch {
        channel.finish(error)
      }
    }
    defer { channel.abandon() }
    while let batch = try await channel.next() {
      if Task.isCancelled { throw LarderError(.cancelled, "The task was cancelled.") }
      try await body(batch)
    }
  }

  /// The same for a `body` that does not wait, so that a task never calls the synchronous method by
  /// mistake.
  public func forEachBatch(_ body: (RecordBatch) throws -> Void) async throws {
    try await forEachBatch { (batch) async throws in try body(batch) }
  }

  /// Runs the query and writes the answer to a file; see the synchronous `write(to:)`.
  @discardableResult
  public func write(to path: String) async throws(LarderError) -> Int {
    try await BlockingThreads.run { () throws(LarderError) in
      do { return try self.write(to: path) } catch {
        throw LarderError(error, during: "Writing", file: path)
      }
    }
  }
}
