import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys
import Synchronization

extension MappedOnlineStore {
  /// Rewrites the live rows of a view's table and removes what is dead; readers go on meanwhile.
  ///
  /// Values past the time to live go, leaving the event time; so do deletions that are past it.
  /// Other answers stay as they are.
  ///
  /// - Parameter share: the dead share, between 0 and 1, from which a log file is rewritten; 0 for
  ///   all.
  /// - Throws: `notFound`, `locked`, `corrupt`, `noSpace`; nothing is lost then.
  @discardableResult
  public func compact(
    _ view: FeatureView, share: Double = 0
  ) throws(LarderError) -> OnlineCompactionReport {
    try writableTable(of: view).compact(view, share: share)
  }

  /// What a view's table holds and takes.
  ///
  /// - Throws: `notFound` if the view has no table.
  public func statistics(of view: FeatureView) throws(LarderError) -> OnlineStatistics {
    try withTable(of: view) { (table) throws(LarderError) in
      let snapshot = try table.snapshot()
      let index = snapshot.lookup.index
      let logFiles = snapshot.lookup.logFiles.logFiles
      let applied = LogPosition(bits: index.load(IndexFormat.applied))
      var written = 0
      var live = 0
      for logFile in logFiles {
        let end = snapshot.state.logFiles.first { $0.sequence == logFile.sequence }?.end
        let last = applied.sequence == logFile.sequence ? applied.unit : LogFormat.headerUnits
        written += (end ?? last) - LogFormat.headerUnits
        live += index.liveUnits(ofNumber: logFile.number)
      }
      let keys = index.load(IndexFormat.keys)
      let lastWrite = Int64(bitPattern: index.load(IndexFormat.lastWrite))
      let places = Double(index.load(IndexFormat.buckets)) * Double(IndexFormat.entries)
      return OnlineStatistics(
        keys: Int(keys), logFiles: logFiles.count,
        logBytes: logFiles.reduce(0) { $0 + $1.bytes }, indexBytes: index.bytes,
        deadShare: written > 0 ? max(0, Double(written - live) / Double(written)) : 0,
        load: Double(keys) / max(1, places),
        lastWrite: lastWrite == 0 ? nil : Timestamp(microseconds: lastWrite),
        watermark: snapshot.state.watermark, usesPrivateIndex: table.usesPrivateIndex,
        compactionFailure: table.background.withLock { $0.failure })
    }
  }

  /// Checks every row of a view's table against its checksum, and the index against the log.
  ///
  /// What a writer does meanwhile is not taken for damage.
  ///
  /// - Complexity: O(rows); takes memory for an index of its own.
  public func verify(_ view: FeatureView) throws(LarderError) -> OnlineVerification {
    try withTable(of: view) { (table) throws(LarderError) in
      try table.verify(hidden: try hiddenKeys(of: try resolve(view)) ?? [])
    }
  }
}
