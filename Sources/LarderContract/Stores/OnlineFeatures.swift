import LarderColumns

/// The latest features of several views, one row per row of keys.
public struct OnlineFeatures: Sendable {
  /// How one view answered.
  public struct View: Sendable {
    /// The view's name, or the projection's.
    public var name: String
    /// How each row was answered.
    public var statuses: [OnlineStatus]
    /// The event time of each row found, in the view's unit; null where none was.
    public var eventTimes: Column

    /// Puts a view's answer together.
    package init(name: String, statuses: [OnlineStatus], eventTimes: Column) {
      self.name = name
      self.statuses = statuses
      self.eventTimes = eventTimes
    }
  }

  /// The caller's columns untouched, then the features in the order asked for.
  public var rows: RecordBatch
  /// The views asked, in the order of their first feature.
  public var views: [View]
  /// The time at which the time to live was judged, for all views.
  public var readAt: Timestamp
  /// For each column of `rows` the position of its view; nil for the caller's own.
  private let columnViews: [Int?]

  /// Puts an answer together.
  package init(rows: RecordBatch, views: [View], columnViews: [Int?], readAt: Timestamp) {
    self.rows = rows
    self.views = views
    self.columnViews = columnViews
    self.readAt = readAt
  }

  /// The feature of a name; nil if it was not asked for.
  public subscript(name: String) -> Column? { rows[name] }

  /// How one value was answered; nil for the caller's own columns.
  ///
  /// - Precondition: both positions are those of `rows`.
  public func status(ofColumn column: Int, row: Int) -> OnlineStatus? {
    columnViews[column].map { view in
      switch views[view].statuses[row] {
      case .present, .nullValue: rows.columns[column].isValid(row) ? .present : .nullValue
      case let status: status
      }
    }
  }
}
