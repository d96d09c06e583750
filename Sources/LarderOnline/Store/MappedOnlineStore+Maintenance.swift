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
  /// - Parameter share: the dead share, between 0 and 1, from which a segment is rewritten; 0 for
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
      let segments = snapshot.lookup.segments.segments
      let applied = LogPosition(bits: index.load(IndexFormat.applied))
      var written = 0
      var live = 0
      for segment in segments {
        let end = snapshot.state.segments.first { $0.sequence == segment.sequence }?.end
        let last = applied.sequence == segment.sequence ? applied.unit : LogFormat.headerUnits
        written += (end ?? last) - LogFormat.headerUnits
        live += index.liveUnits(ofNumber: segment.number)
      }
      let keys = index.load(IndexFormat.keys)
      let lastWrite = Int64(bitPattern: index.load(IndexFormat.lastWrite))
      let places = Double(index.load(IndexFormat.buckets)) * Double(IndexFormat.entries)
      return OnlineStatistics(
        keys: Int(keys), segments: segments.count,
        logBytes: segments.reduce(0) { $0 + $1.bytes }, indexBytes: index.bytes,
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
    try withTable(of: view) { (table) throws(LarderError) in try table.verify() }
  }
}

extension OnlineTable {
  /// Reads the whole log and compares what it says with what lookups say.
  func verify() throws(LarderError) -> OnlineVerification {
    var result = OnlineVerification(rows: 0, findings: [])
    let found: TableRecovery.Findings
    do throws(LarderError) {
      var recovery = try TableRecovery(
        directory, store: store, files: host.files, writable: false)
      found = try recovery.rebuilding(IndexFile.makePrivate(), nil)
    } catch {
      guard error.code == .corrupt || error.code == .unsupportedVersion else { throw error }
      result.findings.append(error)
      return result
    }
    let snapshot = try snapshot()
    let shared = snapshot.lookup.index
    // In the boot that made it an index is trusted unread; here all of it is looked at.
    if !IndexFile.holdsWhatWasClosed(shared) {
      result.findings.append(
        LarderError(
          .corrupt, "The key index is not as it was when the table was closed.", file: directory))
    }
    let before = shared.loadAcquiring(IndexFormat.applied)
    for slot in found.index.memory.slots {
      result.rows += 1
      let lane = found.index.lane(of: Slot(bits: slot))
      switch unsafe snapshot.lookup.find(lane.hash, lane.tail, lane.bytes) {
      case .row(_, let other) where other.bits == slot: continue
      case .damaged(let other):
        result.findings.append(
          LarderError(
            .corrupt, "A row does not match its checksum.",
            file: snapshot.lookup.segments.segment(number: other.number)?.path,
            offset: UInt64(other.unit * LogFormat.unit)))
      default:
        // A writer may have replaced the row, or moved it, since the log was read.
        if shared.loadAcquiring(IndexFormat.applied) != before || snapshot.isBehind { continue }
        // A batch whose writer ended, or failed, before its rows were published: it was not
        // acknowledged, and the next writer publishes it.
        let place = Slot(bits: slot)
        let sequence = snapshot.lookup.segments.sequence(ofNumber: place.number) ?? .max
        if LogPosition(sequence: sequence, unit: place.unit) >= LogPosition(bits: before) {
          continue
        }
        result.findings.append(
          LarderError(
            .corrupt,
            "The key index does not lead to the newest row of a key; reopen the table "
              + "for writing after removing the index.", file: directory))
      }
    }
    return result
  }
}
