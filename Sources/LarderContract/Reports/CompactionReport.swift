import LarderColumns

/// What a compaction did, or would do.
public struct CompactionReport: Sendable, Hashable, Codable {
  /// The views that were looked at, in the order they were made.
  public var views: [View]
  /// Whether nothing was changed, only told.
  public var isDryRun: Bool
  /// Bytes of files that were removed afterwards, because no snapshot names them any longer.
  public var bytesReturned: UInt64
  /// Bytes of files that are only kept because some snapshot may still be looked at.
  public var bytesWaiting: UInt64
  /// When the last snapshot that keeps `bytesWaiting` grows too old; nil if nothing waits.
  ///
  /// A reader or a tag may hold it longer. The next append or maintenance command after that
  /// removes the files.
  public var waitingUntil: Timestamp?
  /// What became of erasures that something had kept from being finished; nil if none was pending.
  public var erasure: ErasureReport?

  private enum CodingKeys: String, CodingKey {
    case views
    case isDryRun = "dryRun"
    case bytesReturned, bytesWaiting, waitingUntil, erasure
  }

  /// Makes a report.
  public init(
    views: [View], isDryRun: Bool, bytesReturned: UInt64 = 0, bytesWaiting: UInt64 = 0,
    waitingUntil: Timestamp? = nil, erasure: ErasureReport? = nil
  ) {
    self.views = views
    self.isDryRun = isDryRun
    self.bytesReturned = bytesReturned
    self.bytesWaiting = bytesWaiting
    self.waitingUntil = waitingUntil
    self.erasure = erasure
  }

  /// What a view's live segments amount to.
  public struct Extent: Sendable, Hashable, Codable {
    /// Live segment files.
    public var segments: Int
    /// Rows in them.
    public var rows: Int
    /// Bytes of the files.
    public var bytes: UInt64
    /// Rows that lie outside the largest segments of their partitions.
    public var debtRows: Int

    /// Makes an extent.
    public init(segments: Int, rows: Int, bytes: UInt64, debtRows: Int) {
      self.segments = segments
      self.rows = rows
      self.bytes = bytes
      self.debtRows = debtRows
    }
  }

  /// A range of event time that was, or would be, brought together.
  public struct Partition: Sendable, Hashable, Codable {
    /// Its name, such as `2026-03`, or `2026-03..2026-05` for several small ones.
    public var name: String
    /// Segments that had rows of it.
    public var segments: Int
    /// Rows of it, estimated where segments reach beyond it.
    public var rows: Int
    /// Of these, rows outside the largest segments, estimated likewise.
    public var debtRows: Int

    /// Makes a partition.
    public init(name: String, segments: Int, rows: Int, debtRows: Int) {
      self.name = name
      self.segments = segments
      self.rows = rows
      self.debtRows = debtRows
    }
  }

  /// What became of one view.
  public struct View: Sendable, Hashable, Codable {
    /// The view's name.
    public var name: String
    /// Before.
    public var before: Extent
    /// After; as before if there was nothing to do, or for a dry run.
    public var after: Extent
    /// The partitions that were, or would be, brought together; empty if there was nothing to do.
    public var partitions: [Partition]
    /// Rows written again, those of neighbouring partitions included; for a dry run, that would be.
    public var rowsWritten: Int
    /// Bytes of segments written.
    public var bytesWritten: UInt64
    /// Rows that later ones repeat and that were left behind.
    public var rowsRepeated: Int
    /// The commit; nil if there was none.
    public var commit: Commit?
    /// Seconds it took.
    public var seconds: Double
    /// What was left alone, and why; empty if nothing was.
    public var note: String

    /// Makes a view's part.
    public init(
      name: String, before: Extent, after: Extent, partitions: [Partition] = [],
      rowsWritten: Int = 0, bytesWritten: UInt64 = 0, rowsRepeated: Int = 0,
      commit: Commit? = nil, seconds: Double = 0, note: String = ""
    ) {
      self.name = name
      self.before = before
      self.after = after
      self.partitions = partitions
      self.rowsWritten = rowsWritten
      self.bytesWritten = bytesWritten
      self.rowsRepeated = rowsRepeated
      self.commit = commit
      self.seconds = seconds
      self.note = note
    }
  }
}

/// How a compaction chooses and what it does beside merging.
public struct CompactionOptions: Sendable, Hashable {
  /// The partitions to bring together, by name (`2026`, `2026-03`, `2026-03-05`, `2026-03-05T14`),
  /// or `all`; empty to choose what pays.
  public var partitions: [String]
  /// Whether to pack smaller, at the price of slower reads.
  public var isCold: Bool
  /// Whether to leave out rows whose key, event and created time a later row repeats.
  public var dropsRepeated: Bool
  /// Seconds after which no further partition is begun, 0 to `mostSeconds`; nil for no limit.
  ///
  /// With a limit each partition is a commit of its own.
  public var maxSeconds: Double?
  /// The greatest `maxSeconds`: some thirty years.
  public static let mostSeconds = 1e9
  /// Whether only to say what would be done.
  public var isDryRun: Bool

  /// Makes options; all defaults choose what pays.
  public init(
    partitions: [String] = [], isCold: Bool = false, dropsRepeated: Bool = false,
    maxSeconds: Double? = nil, isDryRun: Bool = false
  ) {
    self.partitions = partitions
    self.isCold = isCold
    self.dropsRepeated = dropsRepeated
    self.maxSeconds = maxSeconds
    self.isDryRun = isDryRun
  }
}
