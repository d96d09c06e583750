import LarderColumns

/// A store of the latest features of each entity. Feast's OnlineStore, in Swift.
public protocol OnlineStore: Sendable {
  /// Creates and drops online tables. Idempotent.
  ///
  /// - Parameters:
  ///   - keeping: views whose tables must exist afterwards.
  ///   - deleting: views whose tables must not.
  ///   - entitiesToKeep: entities in use.
  ///   - entitiesToDelete: entities no longer in use.
  ///   - partial: whether tables of views in neither list are left alone.
  func update(
    keeping: [FeatureView], deleting: [FeatureView], entitiesToKeep: [Entity],
    entitiesToDelete: [Entity], partial: Bool
  ) throws(LarderError)

  /// Removes all online state, and only that. Twice is a no-op.
  func tearDown(_ views: [FeatureView], entities: [Entity]) throws(LarderError)

  /// Writes rows; for each key the row with the greater event time wins, then the greater created
  /// time, then the later write. Atomic against crashes.
  ///
  /// - Parameters:
  ///   - batch: join keys, event time, created time (if the view has one) and some or all features.
  ///   - view: the view.
  ///   - progress: told how many rows are done.
  func writeBatch(
    _ batch: RecordBatch, to view: FeatureView, progress: (@Sendable (Int) -> Void)?
  ) throws(LarderError)

  /// Reads one answer per key, in order, duplicates repeated.
  ///
  /// - Parameters:
  ///   - keys: the join-key columns.
  ///   - view: the view.
  ///   - features: the features wanted; nil for all.
  ///   - at: the time at which the time to live is judged; nil for now.
  func read(
    _ keys: RecordBatch, from view: FeatureView, features: [String]?, at: Timestamp?
  ) throws(LarderError) -> OnlineRows
}

/// What an online read found, one row per key asked for.
public struct OnlineRows: Sendable {
  /// The features, null where there is no value to give.
  public var features: RecordBatch
  /// The event time of each row found; null where none was.
  public var eventTimes: Column
  /// How each key was answered.
  public var statuses: [OnlineStatus]

  /// Puts an answer together.
  public init(features: RecordBatch, eventTimes: Column, statuses: [OnlineStatus]) {
    self.features = features
    self.eventTimes = eventTimes
    self.statuses = statuses
  }
}

/// How an online read answered a key.
public enum OnlineStatus: UInt8, Sendable, Hashable, CaseIterable {
  /// A value is there.
  case present = 0
  /// A row is there and its value is null.
  case nullValue = 1
  /// No row of that key is there.
  case notFound = 2
  /// A row is there and is older than the time to live allows.
  case outsideMaxAge = 3
}
