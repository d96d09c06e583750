import LarderColumns
import LarderContract
import LarderOffline

extension FeatureStore {
  /// The newest commit.
  ///
  /// - Throws: `corrupt`; `io`; `unsupported` if the store is not Larder's own.
  public func head() throws(LarderError) -> Commit {
    try segments(for: "Reading commits").snapshot().commit
  }

  /// The store as of an earlier commit: read-only, and kept as long as the value lives.
  ///
  /// ```swift
  /// let commit = try store.append(batch, to: "driver_stats")
  /// let past = try store.snapshot(at: commit)
  /// ```
  ///
  /// - Throws: `notFound` if it is no longer kept; `invalidArgument` for a commit of another store.
  public func snapshot(at commit: Commit) throws(LarderError) -> FeatureStore {
    let past = try segments(for: "Time travel").at(commit.id)
    guard let found = past.pinned?.commit, found.chainHash == commit.chainHash else {
      throw LarderError(
        .invalidArgument, "Commit \(commit.id) is not one of this store's: its chain hash differs.")
    }
    return FeatureStore(offline: past, online: nil)
  }

  /// The store as of the commit of an id: read-only, and kept as long as the value lives.
  ///
  /// - Throws: `notFound` if there is no such commit or it is no longer kept.
  public func snapshot(at id: UInt64) throws(LarderError) -> FeatureStore {
    FeatureStore(offline: try segments(for: "Time travel").at(id), online: nil)
  }
}
