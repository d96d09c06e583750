/// When a write is safe.
public enum OnlineDurability: String, Sendable, Hashable, CaseIterable {
  /// When the call returns it survives the end of the process; the end of power only after
  /// `sync()`.
  case process
  /// When the call returns it survives the end of power.
  case batch
}
