import LarderColumns
import LarderContract
import LarderOffline

extension FeatureStore {
  /// Adds rows to a view's history: all of them durably, or none.
  ///
  /// Late and unsorted rows are normal. A row whose key, event and created time are those of an
  /// earlier one is kept beside it, and wins over it.
  ///
  /// - Parameters:
  ///   - batch: join keys, event time, created time (if the view has one) and features, by name, in
  ///     any order. A feature that is missing is null.
  ///   - view: the view's name.
  /// - Returns: the commit that holds the rows; durable when this returns.
  /// - Throws: `notFound` with the nearest name; `invalidInput` with the column, the row and the
  ///   reason; `locked`; `noSpace`; `io`. Nothing was written then. After `outcomeUnknown` the
  ///   rows may be there or not; reopen to learn which.
  /// - Complexity: O(rows log rows) at worst, and one commit to the disk.
  @discardableResult
  public func append(_ batch: RecordBatch, to view: String) throws(LarderError) -> Commit {
    try changing { () throws(LarderError) in
      try offlineStore.requireNewest()
      return try offlineStore.store.append([batch], to: view)
    }
  }

  /// Begins an append of many batches that becomes one commit.
  ///
  /// - Throws: `notFound` with the nearest name; `readOnly`.
  public func appender(to view: String) throws(LarderError) -> BatchAppender {
    let store = offlineStore
    try store.requireNewest()
    return BatchAppender(try store.store.appender(to: view), of: self)
  }

  /// Replaces the rows of a range of event times, or of the whole view, in one commit.
  ///
  /// Commits before it still show the old rows, and so does the online table until the next
  /// materialization, which recomputes every value.
  ///
  /// - Parameters:
  ///   - batches: the new rows, all within the range.
  ///   - view: the view's name.
  ///   - from: the first event time; nil for no bound.
  ///   - through: the last event time, inclusive; nil for no bound.
  /// - Throws: `invalidInput` for a row outside the range; else as `append(_:to:)`.
  @discardableResult
  public func replace(
    _ batches: [RecordBatch], in view: String, from: Timestamp? = nil, through: Timestamp? = nil
  ) throws(LarderError) -> Commit {
    let replacer = try replacer(of: view, from: from, through: through)
    for batch in batches { try replacer.append(batch) }
    return try replacer.commit()
  }

  /// Begins a replacement by many batches that becomes one commit.
  ///
  /// - Throws: `notFound`; `readOnly`; `invalidArgument` for an empty range.
  public func replacer(
    of view: String, from: Timestamp? = nil, through: Timestamp? = nil
  ) throws(LarderError) -> BatchAppender {
    let store = offlineStore
    try store.requireNewest()
    return BatchAppender(
      try store.store.replacer(of: view, from: from, through: through), of: self)
  }

  /// Merges small segments that appends left, as far as merges are due.
  ///
  /// Appends do this by themselves unless `StoreOptions.fold` is `.off`.
  ///
  /// - Parameter view: the view's name; nil for all views.
  /// - Returns: how many merges were committed.
  /// - Throws: `readOnly`; `locked`; `noSpace`; `io`; `corrupt`. What was merged stays merged.
  @discardableResult
  public func fold(_ view: String? = nil) throws(LarderError) -> Int {
    let store = offlineStore
    try store.requireNewest()
    return try changing { () throws(LarderError) in try store.store.fold(view: view).merges }
  }
}
