import LarderColumns

/// A store of the latest features of each entity: Feast's OnlineStore, in Swift.
///
/// Of two writes for one key the one with the greater event time wins, then the one with the
/// greater created time (null least), then the later one; inside a batch too. What materialization
/// brings obeys `WatermarkedOnlineStore`. `LarderConformance` checks a store against this contract.
public protocol OnlineStore: Sendable {
  /// Creates and drops online tables. Idempotent.
  ///
  /// - Parameters:
  ///   - keeping: views whose tables must exist afterwards, with these features.
  ///   - deleting: views whose tables must not.
  ///   - entitiesToKeep: entities in use.
  ///   - entitiesToDelete: entities no longer in use.
  ///   - partial: whether tables of views in neither list are left alone.
  func update(
    keeping: [FeatureView], deleting: [FeatureView], entitiesToKeep: [Entity],
    entitiesToDelete: [Entity], partial: Bool
  ) throws(LarderError)

  /// Removes all online state of the views, and only that; twice is a no-op.
  func tearDown(_ views: [FeatureView], entities: [Entity]) throws(LarderError)

  /// Writes rows; after a crash all of a batch's rows are there, or none.
  ///
  /// A row of some of the view's features that wins keeps the stored values of the others, unless
  /// these are past the time to live by now or were deleted; a row that loses changes nothing.
  ///
  /// - Parameters:
  ///   - batch: join keys, event time, created time (if the view has one) and some or all features.
  ///   - view: the view.
  ///   - progress: told how many rows are done.
  /// - Throws: `notFound` if the view has no table; `invalidInput` with the column, the row and the
  ///   reason; then nothing was written.
  func writeBatch(
    _ batch: RecordBatch, to view: FeatureView, progress: (@Sendable (Int) -> Void)?
  ) throws(LarderError)

  /// Deletes the rows of keys as of an event time.
  ///
  /// It obeys the rule of writes, in which a deletion is a row without values.
  ///
  /// - Parameters:
  ///   - keys: the join keys, and with them the event time and the created time if each deletion
  ///     has its own. Without a created time, that of a view that has one is now.
  ///   - view: the view.
  ///   - at: the event time of deletions that bring none; nil for now.
  /// - Throws: as `writeBatch`.
  func delete(
    _ keys: RecordBatch, from view: FeatureView, at: Timestamp?
  ) throws(LarderError)

  /// Reads one answer per key, in order, duplicates repeated.
  ///
  /// - Parameters:
  ///   - keys: the join-key columns. A null key, or one that the key's type cannot hold, is not
  ///     found.
  ///   - view: the view.
  ///   - features: the features wanted; nil for all.
  ///   - at: the time at which the time to live is judged; nil for now.
  ///   - includeExpired: whether rows past the time to live give their values, as far as
  ///     housekeeping has left them.
  /// - Throws: `notFound` for a view without a table or an unknown feature; `invalidInput` for a
  ///   key column of another kind.
  func read(
    _ keys: RecordBatch, from view: FeatureView, features: [String]?, at: Timestamp?,
    includeExpired: Bool
  ) throws(LarderError) -> OnlineRows
}

extension OnlineStore {
  /// Reads the values that are not past the time to live; see the protocol.
  public func read(
    _ keys: RecordBatch, from view: FeatureView, features: [String]? = nil, at: Timestamp? = nil
  ) throws(LarderError) -> OnlineRows {
    try read(keys, from: view, features: features, at: at, includeExpired: false)
  }
}

/// How far history has been written to an online table.
public struct OnlineWatermark: Sendable, Hashable {
  /// The newest commit of history that was looked at.
  public var commit: UInt64
  /// The commit's receipt, by which a history that took another way is told apart; 0 if it is not
  /// known.
  public var chainHash: UInt64
  /// The last event time that was asked for.
  public var through: Timestamp

  /// Makes a watermark.
  public init(commit: UInt64, chainHash: UInt64 = 0, through: Timestamp) {
    self.commit = commit
    self.chainHash = chainHash
    self.through = through
  }
}

/// An online store that history can be materialized to: it keeps a watermark for each view, and
/// tells history's answers from direct writes.
///
/// Of each key it knows history's answer H, as materialization brought it, and D, what was written
/// and deleted directly, merged. It serves D if D's event and created time are not less than H's,
/// else H; features that D never wrote are H's, unless D is a deletion. So a direct write stands at
/// equal times, whatever came last. Under D, a feature of H is null once H is past the time to live.
/// A D that is less than H is gone for good: it does not come back if history takes H back.
public protocol WatermarkedOnlineStore: OnlineStore {
  /// Writes rows that history gained, and the watermark, both or neither.
  ///
  /// A row is its key's answer of history unless the answer that is there is greater. A batch
  /// without rows sets the watermark alone; without a watermark the old one stays.
  ///
  /// - Returns: how many keys have another row now.
  @discardableResult
  func writeBatch(
    _ batch: RecordBatch, to view: FeatureView, watermark: OnlineWatermark?,
    progress: (@Sendable (Int) -> Void)?
  ) throws(LarderError) -> Int

  /// Makes rows the answers of history, whatever history said of their keys before: also one that
  /// was greater goes.
  ///
  /// - Parameters:
  ///   - batch: at most one row for a key, of all of the view's features.
  ///   - view: the view.
  ///   - watermark: set with the rows, both or neither; nil to leave the old one.
  /// - Returns: how many keys have another row now.
  @discardableResult
  func replaceHistory(
    _ batch: RecordBatch, in view: FeatureView, watermark: OnlineWatermark?
  ) throws(LarderError) -> Int

  /// Takes history's answers away from keys of which history has none any more.
  ///
  /// - Returns: how many keys have another row now, or none.
  @discardableResult
  func removeHistory(
    of keys: RecordBatch, in view: FeatureView, watermark: OnlineWatermark?
  ) throws(LarderError) -> Int

  /// Calls a closure with batches of the keys that have an answer of history.
  ///
  /// Others may be among them; what is written meanwhile may be missing or come twice.
  func forEachHistoryKey(
    of view: FeatureView, _ body: (RecordBatch) throws(LarderError) -> Void
  ) throws(LarderError)

  /// The watermark of a view; nil if none was written yet.
  func watermark(of view: FeatureView) throws(LarderError) -> OnlineWatermark?
}

extension OnlineWatermark: Codable {
  private enum CodingKeys: String, CodingKey { case commit, chainHash, through }

  /// Reads `{"commit": 17, "chainHash": "1a2b", "through": "2026-03-01T00:00:00Z"}`.
  public init(from decoder: any Decoder) throws {
    let members = try decoder.container(keyedBy: CodingKeys.self)
    commit = try members.decode(UInt64.self, forKey: .commit)
    chainHash = try members.decodeHash(forKey: .chainHash)
    through = try members.decode(Timestamp.self, forKey: .through)
  }

  /// Writes the commit's number, its chain hash in hexadecimal digits, and the time in ISO 8601.
  public func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(commit, forKey: .commit)
    try members.encode(String(chainHash, radix: 16), forKey: .chainHash)
    try members.encode(through, forKey: .through)
  }
}
