import LarderColumns

/// How a point-in-time query is asked.
public struct RetrievalOptions: Sendable {
  /// The spine's time column.
  public var timestamp: String
  /// Views under names of their own.
  public var projections: [Projection]
  /// Whether columns are called `view__feature` instead of `feature`.
  public var fullFeatureNames: Bool
  /// Whether a row counts only if it was known by then: `created <= t`.
  public var asKnown: Bool
  /// Whether to add the matched event time as `<view>__event_timestamp`.
  public var withEventTimes: Bool
  /// Whether to add why a view answered as it did as `<view>__status`.
  public var withStatus: Bool
  /// Without a spine: the first event time asked for, inclusive.
  public var from: Timestamp?
  /// Without a spine: the last event time asked for, inclusive.
  public var through: Timestamp?
  /// Whether text features come as dictionary columns, which costs no copy; else as plain text.
  public var dictionaryStrings: Bool
  /// Bytes of memory the engine may take above the caller's own batches; nil for no bound.
  public var memoryBytes: Int?
  /// How many threads to use; nil for all cores.
  public var threads: Int?
  /// Told the spine rows done and the spine rows in all, from any thread, seldom.
  public var progress: (@Sendable (_ done: Int, _ of: Int) -> Void)?
  /// Asked between chunks; true ends the query with `cancelled`.
  public var isCancelled: (@Sendable () -> Bool)?

  /// Options with every choice at its default.
  public init(
    timestamp: String = "event_timestamp", projections: [Projection] = [],
    fullFeatureNames: Bool = false, asKnown: Bool = false, withEventTimes: Bool = false,
    withStatus: Bool = false, from: Timestamp? = nil, through: Timestamp? = nil,
    dictionaryStrings: Bool = false, memoryBytes: Int? = nil, threads: Int? = nil,
    progress: (@Sendable (_ done: Int, _ of: Int) -> Void)? = nil,
    isCancelled: (@Sendable () -> Bool)? = nil
  ) {
    self.timestamp = timestamp
    self.projections = projections
    self.fullFeatureNames = fullFeatureNames
    self.asKnown = asKnown
    self.withEventTimes = withEventTimes
    self.withStatus = withStatus
    self.from = from
    self.through = through
    self.dictionaryStrings = dictionaryStrings
    self.memoryBytes = memoryBytes
    self.threads = threads
    self.progress = progress
    self.isCancelled = isCancelled
  }
}

/// Why a view answered a spine row as it did.
public enum RetrievalStatus: String, Sendable, Hashable, CaseIterable {
  /// A row was found.
  case present
  /// The view has no row of that key, or the key or time is null.
  case noEntity
  /// Every row of that key is later than asked for.
  case onlyLater
  /// The newest row not later is older than the time to live allows.
  case expired
  /// As known then: rows of that time exist, and none was known yet.
  case notYetKnown
}
