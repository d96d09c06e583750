import LarderColumns
import LarderContract
import LarderOffline
import LarderPointInTime

extension FeatureStore {
  /// What the store holds and what it takes: rows, keys, times, segments, bytes by column.
  ///
  /// - Throws: `corrupt`; `io`.
  /// - Complexity: O(segments x columns); no data is read.
  public func info() throws(LarderError) -> StoreReport {
    try offlineStore.snapshot().report()
  }

  /// Why a view answers a key at a time as it does: the rows in question and the rule that decided.
  ///
  /// ```swift
  /// let why = try store.why("driver_stats", key: ["driver_id": .int64(1001)], at: noon)
  /// print(why.status, why.rule)
  /// ```
  ///
  /// - Parameters:
  ///   - view: the view's name.
  ///   - key: a value for each join key, by name; none for a view without entities.
  ///   - time: the time asked for.
  ///   - asKnown: whether a row counts only if it was created by then.
  ///   - limit: rows to list at most that are not later than the time; one later row comes with
  ///     them. The report counts all rows of the key.
  /// - Returns: a key without rows is an answer, `noEntity`.
  /// - Throws: `notFound` for the view, or a join key that is missing or unknown; `invalidInput` for
  ///   a value that cannot be a key; `corrupt`; `io`.
  /// - Complexity: O(rows of the key), beside opening the view's segments.
  public func why(
    _ view: String, key: [String: Value], at time: Timestamp, asKnown: Bool = false,
    limit: Int = 20
  ) throws(LarderError) -> WhyReport {
    try offlineStore.engine.why(
      in: try offlineStore.snapshot(), view, key: key, at: time, asKnown: asKnown, limit: limit)
  }
}
