import LarderColumns
import LarderContract

/// What an open store may do.
public enum StoreAccess: Sendable, Hashable {
  /// Read and write; the store is made if there is none.
  case create
  /// Read and write; the store must be there.
  case readWrite
  /// Read; makes nothing and needs read permission only.
  case readOnly
}

/// When small segments are merged.
public enum FoldPolicy: Sendable, Hashable {
  /// After each append that made a merge due, once it is acknowledged.
  case afterAppend
  /// Only when `fold` is called.
  case off
}

/// How an open store behaves.
public struct StoreOptions: Sendable {
  /// How long to wait for another process's lock before giving up with `locked`.
  public var lockTimeout: Duration
  /// How long a snapshot stays readable after a newer one took its place.
  public var keepSnapshots: Duration
  /// When small segments are merged.
  public var fold: FoldPolicy
  /// Whether a directory that group or others may write is accepted.
  public var allowsSharedDirectory: Bool
  /// Bytes of buffered rows above which an append writes them out as a sorted run.
  public var appendBufferBytes: Int
  /// Threads for sorting and writing; nil for all cores.
  public var threads: Int?
  /// When an online write is safe.
  public var onlineDurability: OnlineDurability

  /// A new manifest file is begun after so many bytes.
  package var manifestBytes: UInt64 = 4 << 20
  /// A new manifest file is begun after so many records.
  package var manifestRecords = 1_000
  /// Pieces of a partition with at least so many rows get a segment of their own.
  package var pieceRows = 8_192
  /// Rows of a segment at most; lower only in tests.
  package var segmentRows = Limits.segmentRows
  /// Rules of the commit protocol that a test leaves out.
  package var omitted: OmittedRules = []

  /// Options with every choice at its default.
  public init(
    lockTimeout: Duration = .seconds(10), keepSnapshots: Duration = .seconds(3600),
    fold: FoldPolicy = .afterAppend, allowsSharedDirectory: Bool = false,
    appendBufferBytes: Int = 1 << 30, threads: Int? = nil,
    onlineDurability: OnlineDurability = .batch
  ) {
    self.lockTimeout = lockTimeout
    self.keepSnapshots = keepSnapshots
    self.fold = fold
    self.allowsSharedDirectory = allowsSharedDirectory
    self.appendBufferBytes = appendBufferBytes
    self.threads = threads
    self.onlineDurability = onlineDurability
  }
}
