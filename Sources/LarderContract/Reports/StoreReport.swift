import LarderColumns

/// What a store holds, as of one commit.
public struct StoreReport: Sendable, Hashable, Codable {
  /// The commit that the report is of.
  public var commit: Commit
  /// The views, in the order they were made.
  public var views: [View]
  /// What goes on in the store beside: an erasure that is not finished, commits that the next writer
  /// settles.
  public var notes: [String]

  /// Makes a report.
  public init(commit: Commit, views: [View], notes: [String] = []) {
    self.commit = commit
    self.views = views
    self.notes = notes
  }

  /// What a store holds of one view.
  public struct View: Sendable, Hashable, Codable {
    /// The view's name.
    public var name: String
    /// Rows of history.
    public var rows: Int
    /// Keys of the view's join-key set that any view of the set has rows of.
    public var keys: Int
    /// The event time of the first row; nil if there are none.
    public var firstEvent: Timestamp?
    /// The event time of the last row; nil if there are none.
    public var lastEvent: Timestamp?
    /// Live segment files.
    public var segments: Int
    /// Partitions of time that have segments of their own; 1 where time is not divided.
    public var partitions: Int
    /// Bytes of the live segment files.
    public var bytes: UInt64
    /// Rows that lie outside the largest segments of their partitions.
    public var debtRows: Int
    /// The columns and what lies around them, in the order of the files.
    public var parts: [Part]

    /// Makes a view's part.
    public init(
      name: String, rows: Int, keys: Int, firstEvent: Timestamp?, lastEvent: Timestamp?,
      segments: Int, partitions: Int, bytes: UInt64, debtRows: Int, parts: [Part]
    ) {
      self.name = name
      self.rows = rows
      self.keys = keys
      self.firstEvent = firstEvent
      self.lastEvent = lastEvent
      self.segments = segments
      self.partitions = partitions
      self.bytes = bytes
      self.debtRows = debtRows
      self.parts = parts
    }
  }

  /// What one column, or what lies around the columns, takes in all segments of a view.
  public struct Part: Sendable, Hashable, Codable {
    /// The column's name, or what else it is.
    public var name: String
    /// Bytes in all segments.
    public var bytes: UInt64
    /// The encodings that occur; empty for what is no column.
    public var encodings: [String]

    /// Makes a part.
    public init(name: String, bytes: UInt64, encodings: [String]) {
      self.name = name
      self.bytes = bytes
      self.encodings = encodings
    }
  }
}
