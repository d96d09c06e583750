import Glibc
import LarderColumns
import LarderContract
import LarderFiles
import Synchronization

extension OnlineTable {
  /// Units of a log file that are looked at while other writers of this process wait.
  private static let pieceUnits = 1 << 13

  /// Empties the log files of which enough is dead; readers go on meanwhile.
  ///
  /// Live rows are written again at the log's end and the files removed. Values past the time to
  /// live go, and so do deletions that are. The answers stay.
  ///
  /// - Parameters:
  ///   - view: the view, for its time to live.
  ///   - share: the dead share from which a log file is emptied; 0 for all.
  /// - Throws: `corrupt` for a damaged row; what writing throws. Nothing is lost then.
  func compact(_ view: FeatureView, share: Double) throws(LarderError) -> OnlineCompactionReport {
    var report = OnlineCompactionReport()
    let victims = try withWriter { (writer) throws(LarderError) in
      try writer.victims(share: share)
    }
    try empty(victims, { $0.housekeepingExpiry(view) }, &report)
    return report
  }

  /// Moves the live rows of log files to the log's end and removes the files.
  ///
  /// - Parameters:
  ///   - victims: sequence numbers, in order; none of them is the log file that is being written.
  ///   - expiry: what is past the time to live.
  func empty(
    _ victims: [UInt64], _ expiry: (TableWriter) -> Expiry, _ report: inout OnlineCompactionReport
  ) throws(LarderError) {
    for sequence in victims {
      var move: LogFileMove?
      var isDone = false
      while !isDone {
        isDone = try withWriter { (writer) throws(LarderError) in
          guard let logFile = writer.logFile(sequence) else { return true }
          var next =
            move ?? LogFileMove(logFile: logFile, end: writer.writtenUnits(logFile))
          let isDone = try writer.move(
            &next, expiry: expiry(writer), limit: OnlineTable.pieceUnits, &report)
          if isDone { try writer.remove(logFile, &report) }
          move = next
          return isDone
        }
        // Lets writers in that wait.
        if !isDone { usleep(20) }
      }
    }
  }

  /// Compacts in the background if the dead share asks for it and nobody does already.
  ///
  /// A failure is kept for `statistics`; nothing is lost by it, and a later write tries again.
  func compactIfDue(_ view: FeatureView) throws(LarderError) {
    guard let share = compactAt else { return }
    let isDue: Bool
    do throws(LarderError) {
      isDue = try withWriter { (writer) throws(LarderError) in
        let (units, dead) = writer.deadShare
        // Small tables are not worth it.
        return units > writer.options.firstLogFileBytes / LogFormat.unit
          && Double(dead) >= share * Double(units)
      }
    } catch  where error.code == .closed {
      // By another thread, after the write.
      return
    }
    guard isDue, background.withLock({ $0.begin() }) else { return }
    let compaction = { @Sendable [self] in
      var failure: LarderError?
      do throws(LarderError) { _ = try compact(view, share: share) } catch {
        // A table that was closed meanwhile is compacted another time.
        if error.code != .closed { failure = error }
      }
      background.withLock { $0.end(failure) }
    }
    do throws(LarderError) { try WorkThread.start(compaction) } catch {
      background.withLock { $0.end(error) }
    }
  }
}

/// What the background does for a table.
struct BackgroundWork {
  private(set) var isRunning = false
  private(set) var failure: LarderError?

  /// Whether nobody was at work; then the caller is.
  mutating func begin() -> Bool {
    if isRunning { return false }
    isRunning = true
    return true
  }

  mutating func end(_ failure: LarderError?) {
    isRunning = false
    self.failure = failure
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
