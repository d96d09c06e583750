import LarderColumns
import LarderContract

/// What an online table holds and takes.
public struct OnlineStatistics: Sendable, Hashable {
  /// Keys, deleted ones included until their deletions are dropped.
  public var keys: Int
  /// Log files of the row log.
  public var logFiles: Int
  /// Bytes of the row log's files.
  public var logBytes: Int
  /// Bytes of the key index.
  public var indexBytes: Int
  /// The share of the written log that no key needs, between 0 and 1.
  public var deadShare: Double
  /// Keys per place in the index's buckets, between 0 and 1.
  public var load: Double
  /// When the last batch was written; nil if none was.
  public var lastWrite: Timestamp?
  /// How far history was materialized.
  public var watermark: OnlineWatermark?
  /// Whether this reader had to build an index of its own, because there was none to trust.
  public var usesPrivateIndex: Bool
  /// Why the last compaction in the background of this process failed; nil if it did not.
  public var compactionFailure: LarderError?
}

/// What checking an online table found.
public struct OnlineVerification: Sendable, Hashable {
  /// Rows of the log that were checked.
  public var rows: Int
  /// What is wrong; empty if nothing is.
  public var findings: [LarderError]
}
