import LarderColumns
import LarderContract
import LarderOffline

extension FeatureStore {
  /// What the store holds and what it takes: rows, keys, times, segments, bytes by column.
  ///
  /// - Throws: `corrupt`; `io`; `unsupported` if the store is not Larder's own.
  /// - Complexity: O(segments x columns); no data is read.
  public func info() throws(LarderError) -> StoreReport {
    try segments(for: "Inspecting files").snapshot().report()
  }

  /// Checks every checksum, order, count and reference that answers rest on.
  ///
  /// Changes nothing, and may run beside writers: it checks the newest commit at its start.
  ///
  /// - Returns: what was looked at, and every finding with its file and what it affects.
  /// - Throws: `unsupported` if the store is not Larder's own; `io` that is no finding.
  /// - Complexity: O(bytes of the live files).
  public func verify() throws(LarderError) -> VerificationReport {
    try segments(for: "Verifying files").snapshot().verify()
  }
}
