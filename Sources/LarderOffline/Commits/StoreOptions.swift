import LarderColumns

/// What an open store may do.
package enum StoreAccess: Sendable, Hashable {
  /// Read and write; the store is made if there is none.
  case create
  /// Read and write; the store must be there.
  case readWrite
  /// Read; makes nothing and needs read permission only.
  case readOnly
}

/// When small segments are merged.
package enum FoldPolicy: Sendable, Hashable {
  /// After each append that made a merge due, once it is acknowledged.
  case afterAppend
  /// Only when `fold` is called.
  case off
}

/// How a store behaves.
package struct StoreOptions: Sendable {
  /// How long to wait for a lock before giving up.
  package var lockTimeout: Duration = .seconds(10)
  /// How long a snapshot stays readable after a newer one took its place.
  package var keepSnapshots: Duration = .seconds(3600)
  /// When small segments are merged.
  package var fold: FoldPolicy = .afterAppend
  /// Whether a directory that group or others may write is accepted.
  package var allowsSharedDirectory = false
  /// Bytes of buffered rows above which an appender writes them out as a sorted run.
  package var appendBufferBytes = 1 << 30
  /// Threads for sorting and writing; nil for all cores.
  package var threads: Int?
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

  package init() {}
}
