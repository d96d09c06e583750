import LarderColumns
import LarderContract
import LarderFiles

extension OnlineTable {
  /// Units of a segment that are looked at while other writers of this process wait.
  private static let pieceUnits = 1 << 15

  /// Empties the segments of which enough is dead; readers go on meanwhile.
  ///
  /// Live rows are written again at the log's end and the files removed. Values past the time to
  /// live go, and so do deletions that are. The answers stay.
  ///
  /// - Parameters:
  ///   - view: the view, for its time to live.
  ///   - share: the dead share from which a segment is emptied; 0 for all.
  /// - Throws: `corrupt` for a damaged row; what writing throws. Nothing is lost then.
  func compact(_ view: FeatureView, share: Double) throws(LarderError) -> OnlineCompactionReport {
    var report = OnlineCompactionReport()
    let victims = try withWriter { (writer) throws(LarderError) in
      try writer.victims(share: share)
    }
    for sequence in victims {
      var move: SegmentMove?
      var isDone = false
      while !isDone {
        isDone = try withWriter { (writer) throws(LarderError) in
          guard let segment = writer.segment(sequence) else { return true }
          var next =
            move ?? SegmentMove(segment: segment, end: writer.writtenUnits(segment))
          let isDone = try writer.move(
            &next, expiry: writer.housekeepingExpiry(view), limit: OnlineTable.pieceUnits, &report)
          if isDone { try writer.remove(segment, &report) }
          move = next
          return isDone
        }
      }
    }
    return report
  }

  /// Compacts if the dead share asks for it.
  func compactIfDue(_ view: FeatureView) throws(LarderError) {
    guard let share = compactAt else { return }
    let isDue = try withWriter { (writer) throws(LarderError) in
      let (units, dead) = writer.deadShare
      // Small tables are not worth it.
      return units > writer.options.firstSegmentBytes / LogFormat.unit
        && Double(dead) >= share * Double(units)
    }
    if isDue { _ = try compact(view, share: share) }
  }
}

extension TableWriter {
  /// What is past the time to live for housekeeping: judged now, or at the watermark if that is
  /// earlier, so that reads at the watermark stay what they were.
  func housekeepingExpiry(_ view: FeatureView) -> Expiry {
    let now = Timestamp(microseconds: host.now())
    return Expiry(view, at: state.watermark.map { min($0.through, now) } ?? now)
  }
}
