import LarderColumns

/// A store of feature history.
///
/// Feast's OfflineStore, in Swift.
///
/// Larder ships `SegmentOfflineStore` and the plain `InMemoryOfflineStore`; others may bring their
/// own. `LarderConformance` checks a store against this contract.
public protocol OfflineStore: Sendable {
  /// Features as they were at each spine row's time.
  ///
  /// For a spine row (key, t) a view answers with its row of that key with the greatest event time
  /// in [t - timeToLive, t], both ends inclusive; ties go to the greater created time (null least),
  /// then to the row committed last. The result has the spine's rows in the spine's order.
  ///
  /// - Parameters:
  ///   - spine: keys and times asked for; nil for the distinct keys and event times of the views
  ///     in [`options.from`, `options.through`].
  ///   - views: the definitions of the views that `features` and projections name.
  ///   - features: what is asked for, in the order of the result's columns.
  ///   - options: names, projections, modes, budget.
  /// - Returns: a job that has read nothing yet, pinned to the newest commit.
  /// - Throws: `notFound` for unknown names; `invalidInput` for a spine that does not fit.
  func historicalFeatures(
    for spine: RecordBatch?, views: [FeatureView], features: [FeatureReference],
    options: RetrievalOptions
  ) throws(LarderError) -> any RetrievalJob

  /// The latest row of each entity with `from <= event time <= through`, both inclusive.
  ///
  /// - Parameters:
  ///   - view: the view.
  ///   - features: the features wanted; nil for all.
  ///   - from: the first event time; nil for no bound.
  ///   - through: the last event time; nil for no bound.
  /// - Returns: join keys, features, event time and created time (if the view has one).
  func pullLatest(
    _ view: FeatureView, features: [String]?, from: Timestamp?, through: Timestamp?
  ) throws(LarderError) -> any RetrievalJob

  /// Every row with `from <= event time <= through`, both inclusive.
  ///
  /// Parameters and columns are those of `pullLatest`.
  func pullAll(
    _ view: FeatureView, features: [String]?, from: Timestamp?, through: Timestamp?
  ) throws(LarderError) -> any RetrievalJob

  /// The latest row of each entity in a range, as `pullLatest` gives it, within a budget.
  ///
  /// - Parameters:
  ///   - view: the view.
  ///   - features: the features wanted; nil for all.
  ///   - from: the first event time; nil for no bound.
  ///   - through: the last event time; nil for no bound.
  ///   - options: the budget; a store that knows none refuses one.
  func pullLatest(
    _ view: FeatureView, features: [String]?, from: Timestamp?, through: Timestamp?,
    options: PullOptions
  ) throws(LarderError) -> any RetrievalJob

  /// Every row of a range, as `pullAll` gives it, within a budget.
  ///
  /// - Parameters:
  ///   - view: the view.
  ///   - features: the features wanted; nil for all.
  ///   - from: the first event time; nil for no bound.
  ///   - through: the last event time; nil for no bound.
  ///   - options: the budget; a store that knows none refuses one.
  func pullAll(
    _ view: FeatureView, features: [String]?, from: Timestamp?, through: Timestamp?,
    options: PullOptions
  ) throws(LarderError) -> any RetrievalJob

  /// Adds rows to a view's history: all of them durably, or none.
  ///
  /// - Parameters:
  ///   - batch: join keys, event time, created time (if the view has one) and features, by name,
  ///     in any order. A feature that is missing is null; a time column must be there.
  ///   - view: the view.
  /// - Returns: the commit that holds the rows.
  /// - Throws: `invalidInput` with the column, the row and the reason; then nothing was written.
  @discardableResult
  func append(_ batch: RecordBatch, to view: FeatureView) throws(LarderError) -> Commit
}

/// A point-in-time query whose names are resolved and which has not run yet.
public protocol RetrievalJob: Sendable {
  /// The columns of the result.
  var schema: Schema { get }

  /// How the query will be answered. Touches no data.
  func explain() throws(LarderError) -> String

  /// The whole result.
  ///
  /// - Throws: `limitExceeded` if the budget does not suffice; `cancelled`; `corrupt`; `io`.
  func collect() throws(LarderError) -> RecordBatch

  /// The result batch by batch, in order, in bounded memory.
  ///
  /// What a batch holds stays as it is as long as somebody holds it. Memory of batches that nobody
  /// kept may be used again for later ones, which is faster than fresh memory.
  ///
  /// - Throws: what `collect` throws, and what `body` throws, unchanged.
  func forEachBatch(_ body: (RecordBatch) throws -> Void) throws

  /// What the last run did; nil before the first.
  var report: RetrievalReport? { get }
}

/// A durable state of the store: what was appended together became visible together.
public struct Commit: Sendable, Hashable {
  /// The number of the manifest record, which is the snapshot's id.
  public var id: UInt64
  /// When it was committed; later than every commit before it.
  public var time: Timestamp
  /// The hash of the chain of records up to this one: the receipt.
  public var chainHash: UInt64

  /// Makes a commit.
  public init(id: UInt64, time: Timestamp, chainHash: UInt64) {
    self.id = id
    self.time = time
    self.chainHash = chainHash
  }
}

extension Commit: Codable {
  private enum CodingKeys: String, CodingKey {
    case id = "commit"
    case time, chainHash
  }

  /// Reads `{"commit": 17, "time": "2026-03-01T00:00:00Z", "chainHash": "1a2b"}`.
  public init(from decoder: any Decoder) throws {
    let members = try decoder.container(keyedBy: CodingKeys.self)
    id = try members.decode(UInt64.self, forKey: .id)
    time = try members.decode(Timestamp.self, forKey: .time)
    chainHash = try members.decodeHash(forKey: .chainHash)
  }

  /// Writes the number, the time in ISO 8601 and the chain hash in hexadecimal digits.
  public func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(id, forKey: .id)
    try members.encode(time, forKey: .time)
    try members.encode(String(chainHash, radix: 16), forKey: .chainHash)
  }
}

extension KeyedDecodingContainer {
  /// A hash in hexadecimal digits: JSON's numbers are not sure to keep 64 bits.
  func decodeHash(forKey key: Key) throws -> UInt64 {
    let text = try decode(String.self, forKey: key)
    guard let hash = UInt64(text, radix: 16) else {
      throw DecodingError.dataCorruptedError(
        forKey: key, in: self, debugDescription: "\"\(text)\" is no hash in hexadecimal digits.")
    }
    return hash
  }
}
