import LarderColumns

/// What a point-in-time query cost and found.
public struct RetrievalReport: Sendable, Hashable, Codable {
  /// What one view, under one name, contributed.
  public struct View: Sendable, Hashable, Codable {
    /// The name of the view or projection.
    public var name: String
    /// Spine rows that found a row.
    public var matchedRows: Int
    /// Segments that were looked into.
    public var segments: Int

    /// Makes a view's part.
    public init(name: String, matchedRows: Int, segments: Int) {
      self.name = name
      self.matchedRows = matchedRows
      self.segments = segments
    }
  }

  /// Rows of the spine, which are the rows of the result.
  public var rows: Int
  /// The views, in the order of their first reference.
  public var views: [View]
  /// Threads used.
  public var threads: Int
  /// Seconds by the clock, by step: `keys`, `search`, `gather`, `total`.
  public var seconds: [String: Double]
  /// Bytes of segment files that were touched, at the grain of what was verified.
  public var bytesTouched: UInt64

  /// Makes a report.
  public init(
    rows: Int, views: [View], threads: Int, seconds: [String: Double], bytesTouched: UInt64
  ) {
    self.rows = rows
    self.views = views
    self.threads = threads
    self.seconds = seconds
    self.bytesTouched = bytesTouched
  }
}
