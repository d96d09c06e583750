import LarderColumns

/// What an online read found, one row per key asked for.
public struct OnlineRows: Sendable {
  /// The features, null where there is no value to give.
  public var features: RecordBatch
  /// The event time of each row found, in the view's unit; null where none was.
  public var eventTimes: Column
  /// How each key was answered; `nullValue` where every feature asked for is null.
  public var statuses: [OnlineStatus]
  /// The time at which the time to live was judged.
  public var readAt: Timestamp

  /// Puts an answer together.
  public init(
    features: RecordBatch, eventTimes: Column, statuses: [OnlineStatus], readAt: Timestamp
  ) {
    self.features = features
    self.eventTimes = eventTimes
    self.statuses = statuses
    self.readAt = readAt
  }

  /// How one feature of a row was answered: as its row, but `nullValue` if it alone is null.
  ///
  /// - Precondition: both positions are those of the answer.
  public func status(ofFeature feature: Int, row: Int) -> OnlineStatus {
    switch statuses[row] {
    case .present, .nullValue: features.columns[feature].isValid(row) ? .present : .nullValue
    case let status: status
    }
  }

  /// How long before the time of reading the row became true; negative if that is to come, nil if
  /// there is no row.
  ///
  /// - Precondition: `0 <= row < statuses.count`.
  public func age(ofRow row: Int) -> Duration? {
    guard case .timestamp(let event) = eventTimes[row] else { return nil }
    let (seconds, nanoseconds) = (readAt.exactNanoseconds - event.exactNanoseconds)
      .quotientAndRemainder(dividingBy: 1_000_000_000)
    return Duration(
      secondsComponent: Int64(clamping: seconds),
      attosecondsComponent: Int64(nanoseconds) * 1_000_000_000)
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
