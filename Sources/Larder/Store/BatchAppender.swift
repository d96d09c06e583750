import LarderColumns
import LarderContract
import LarderOffline

/// Takes any number of batches for one view and commits them as one.
///
/// Memory is bounded by `StoreOptions.appendBufferBytes`, whatever the number of rows. One
/// that is let go without `commit` leaves nothing behind. Not for several threads at a time.
///
/// ```swift
/// let appender = try store.appender(to: "driver_stats")
/// for batch in batches { try appender.append(batch) }
/// let commit = try appender.commit()
/// ```
public final class BatchAppender {
  private let appender: Appender
  private let store: FeatureStore

  init(_ appender: Appender, of store: FeatureStore) {
    self.appender = appender
    self.store = store
  }

  /// Rows taken so far.
  public var rows: Int { appender.rows }

  /// Takes a batch.
  ///
  /// - Parameter batch: join keys, event time, created time (if the view has one) and features, by
  ///   name, in any order. A feature that is missing is null.
  /// - Throws: `invalidInput` with column, row and reason; then nothing of the batch is kept, and
  ///   others may follow. After `locked`, `noSpace` or `io` it is over.
  public func append(_ batch: RecordBatch) throws(LarderError) { try appender.append(batch) }

  /// Commits all rows, durably, or none.
  ///
  /// - Returns: the commit; the newest one there is if there were no rows.
  /// - Throws: `notFound` if the view was dropped meanwhile; `locked`; `noSpace`; `io`;
  ///   `outcomeUnknown`; `poisoned`.
  @discardableResult
  public func commit() throws(LarderError) -> Commit {
    try store.changing { () throws(LarderError) in try appender.finish() }
  }

  /// Gives up; nothing was appended.
  public func abandon() { appender.abandon() }
}
