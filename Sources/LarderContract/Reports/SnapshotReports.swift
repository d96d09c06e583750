import LarderColumns

/// A commit that can still be looked at.
public struct SnapshotInfo: Sendable, Hashable {
  /// Its id, time and receipt.
  public var commit: Commit
  /// The tags that keep it, in order.
  public var tags: [String]
  /// Whether it is the newest.
  public var isHead: Bool
  /// Whether a reader holds it now.
  public var isPinned: Bool

  /// Makes a line of the list.
  public init(commit: Commit, tags: [String], isHead: Bool, isPinned: Bool) {
    self.commit = commit
    self.tags = tags
    self.isHead = isHead
    self.isPinned = isPinned
  }
}

/// What a rollback changed, or would change.
public struct RollbackReport: Sendable, Hashable, Codable {
  /// The newest commit before.
  public var from: Commit
  /// The commit whose state is the newest again.
  public var to: Commit
  /// The commit of the rollback itself; nil for a dry run, or if nothing changed.
  public var commit: Commit?
  /// The views that differ.
  public var views: [View]
  /// The views whose online tables are behind now: `materialize` recomputes their values.
  public var tablesBehind: [String]
  /// Whether nothing was changed.
  public var isDryRun: Bool

  private enum CodingKeys: String, CodingKey {
    case from, to, commit, views, tablesBehind
    case isDryRun = "dryRun"
  }

  /// Makes a report.
  public init(
    from: Commit, to: Commit, commit: Commit?, views: [View], tablesBehind: [String] = [],
    isDryRun: Bool = false
  ) {
    self.isDryRun = isDryRun
    self.from = from
    self.to = to
    self.commit = commit
    self.views = views
    self.tablesBehind = tablesBehind
  }

  /// What changes for a view.
  public struct View: Sendable, Hashable, Codable {
    /// Its name before, or after where it was not there.
    public var name: String
    /// Its rows before; nil if it was not there.
    public var rowsBefore: Int?
    /// Its rows after; nil if it is not there.
    public var rowsAfter: Int?

    /// Makes a line.
    public init(name: String, rowsBefore: Int?, rowsAfter: Int?) {
      self.name = name
      self.rowsBefore = rowsBefore
      self.rowsAfter = rowsAfter
    }
  }
}

/// What became of the space of earlier snapshots.
public struct SpaceReport: Sendable, Hashable, Codable {
  /// Files removed, or that would be.
  public var filesRemoved: Int
  /// Bytes of them.
  public var bytesReturned: UInt64
  /// Bytes of files that stay because readers or tags hold an earlier snapshot, or because it is
  /// young enough to be kept.
  public var bytesWaiting: UInt64
  /// When the last snapshot that is kept for its age grows too old; nil if nothing waits.
  public var waitingUntil: Timestamp?
  /// The oldest snapshot that can still be looked at, those with tags and readers apart.
  public var oldest: UInt64
  /// Whether nothing was changed.
  public var isDryRun: Bool
  /// What became of erasures that something had kept from being finished; nil if none was pending.
  public var erasure: ErasureReport?

  private enum CodingKeys: String, CodingKey {
    case filesRemoved, bytesReturned, bytesWaiting, waitingUntil, oldest
    case isDryRun = "dryRun"
    case erasure
  }

  /// Makes a report.
  public init(
    filesRemoved: Int, bytesReturned: UInt64, bytesWaiting: UInt64, waitingUntil: Timestamp?,
    oldest: UInt64, isDryRun: Bool, erasure: ErasureReport? = nil
  ) {
    self.filesRemoved = filesRemoved
    self.bytesReturned = bytesReturned
    self.bytesWaiting = bytesWaiting
    self.waitingUntil = waitingUntil
    self.oldest = oldest
    self.isDryRun = isDryRun
    self.erasure = erasure
  }
}

/// What a view's retention took away, or would take.
public struct ExpiryReport: Sendable, Hashable, Codable {
  /// The view.
  public var view: String
  /// The event time from which age was counted: the newest that is not in the future; nil if there
  /// are no rows.
  public var reference: Timestamp?
  /// Rows before this event time expired; nil if there are no rows.
  public var cutoff: Timestamp?
  /// Rows that expired.
  public var rows: Int
  /// Rows that stay.
  public var rowsLeft: Int
  /// Segments that went whole.
  public var segmentsRemoved: Int
  /// Segments that were written again without their expired rows.
  public var segmentsRewritten: Int
  /// The commit; nil if nothing had expired, or for a dry run.
  public var commit: Commit?
  /// What became of the space; nil for a dry run.
  public var space: SpaceReport?
  /// Whether the view's online table is behind now: `materialize` recomputes its values.
  public var isTableBehind: Bool
  /// Whether nothing was changed.
  public var isDryRun: Bool

  private enum CodingKeys: String, CodingKey {
    case view, reference, cutoff, rows, rowsLeft, segmentsRemoved, segmentsRewritten, commit, space
    case isTableBehind
    case isDryRun = "dryRun"
  }

  /// Makes a report.
  public init(
    view: String, reference: Timestamp?, cutoff: Timestamp?, rows: Int, rowsLeft: Int,
    segmentsRemoved: Int, segmentsRewritten: Int, commit: Commit? = nil, space: SpaceReport? = nil,
    isTableBehind: Bool = false, isDryRun: Bool = false
  ) {
    self.isDryRun = isDryRun
    self.isTableBehind = isTableBehind
    self.view = view
    self.reference = reference
    self.cutoff = cutoff
    self.rows = rows
    self.rowsLeft = rowsLeft
    self.segmentsRemoved = segmentsRemoved
    self.segmentsRewritten = segmentsRewritten
    self.commit = commit
    self.space = space
  }
}

extension SnapshotInfo: Codable {
  private enum CodingKeys: String, CodingKey { case tags, isHead, isPinned }

  /// Reads the members of the commit, and beside them tags and what holds it.
  public init(from decoder: any Decoder) throws {
    let members = try decoder.container(keyedBy: CodingKeys.self)
    commit = try Commit(from: decoder)
    tags = try members.decode([String].self, forKey: .tags)
    isHead = try members.decode(Bool.self, forKey: .isHead)
    isPinned = try members.decode(Bool.self, forKey: .isPinned)
  }

  /// Writes the members of the commit, and beside them tags and what holds it.
  public func encode(to encoder: any Encoder) throws {
    try commit.encode(to: encoder)
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(tags, forKey: .tags)
    try members.encode(isHead, forKey: .isHead)
    try members.encode(isPinned, forKey: .isPinned)
  }
}
