/// What a copy of a store holds and took.
public struct BackupReport: Sendable, Hashable, Codable {
  /// The copy's directory.
  public var path: String
  /// The commit that was copied.
  public var commit: Commit
  /// Files that share their bytes with the original's.
  public var linkedFiles = 0
  /// Bytes of these.
  public var linkedBytes: UInt64 = 0
  /// Files that were written again.
  public var copiedFiles = 0
  /// Bytes of these.
  public var copiedBytes: UInt64 = 0
  /// Rows of history and of online tables that were verified in the copy.
  public var rows = 0

  /// Makes a report of nothing copied yet.
  public init(path: String, commit: Commit) {
    self.path = path
    self.commit = commit
  }
}
