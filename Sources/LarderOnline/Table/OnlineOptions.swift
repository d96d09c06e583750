import LarderColumns
import LarderContract

/// How online tables are kept.
public struct OnlineOptions: Sendable, Hashable {
  /// When a write is safe.
  public var durability: OnlineDurability
  /// The dead share of the row log at which writes compact it, between 0 and 1; nil for never.
  public var compactAt: Double?
  /// How long an opening writer waits for another to go.
  public var lockTimeout: Duration
  /// Bytes of a table's first log file; each is twice as large as the one before.
  package var firstLogFileBytes = 1 << 20
  /// Bytes of the largest log files.
  package var largestLogFileBytes = LogFormat.largestLogFile
  /// How many log files a table may have at a time.
  package var logFileLimit = LogFormat.logFiles

  /// Whether the next log file is made ready in the background.
  package var preparesAhead = true

  /// Options with every choice at its default: durable batches, compaction at half dead.
  public init(
    durability: OnlineDurability = .batch, compactAt: Double? = 0.5,
    lockTimeout: Duration = .seconds(10)
  ) {
    self.durability = durability
    self.compactAt = compactAt
    self.lockTimeout = lockTimeout
  }
}
