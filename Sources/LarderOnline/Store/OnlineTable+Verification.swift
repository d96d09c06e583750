import Glibc
import LarderColumns
import LarderFiles
import LarderKeys

extension OnlineTable {
  /// Reads the log up to the last batch that was published, and compares what it says with what
  /// lookups say.
  ///
  /// A writer may go on meanwhile. The log before that batch does not change any more, so damage
  /// there is damage; what the index says changes under the eyes, so what it seems to lack is looked
  /// for again, and told only if the next look finds the same.
  ///
  /// - Parameter hidden: keys that are being erased: rows of theirs may be without an entry.
  func verify(hidden: [KeySelection]) throws(LarderError) -> OnlineVerification {
    var before: [LarderError]?
    var result = OnlineVerification(rows: 0, findings: [])
    for attempt in 0..<4 {
      if attempt > 0 { usleep(5_000) }
      guard let look = try TableCheck(self, hidden: hidden)?.run() else { continue }
      result = look
      if result.findings.isEmpty || result.findings == before { return result }
      before = result.findings
    }
    return result
  }
}

/// One look at a table: what its log says up to some batch, and what its index says.
private struct TableCheck {
  private let snapshot: TableSnapshot
  private let directory: String
  private let applied: LogPosition
  private let logFiles: [LogFile]
  private let hidden: [KeyMatcher]

  /// - Returns: nil if the writer began another log file meanwhile.
  init?(_ table: OnlineTable, hidden: [KeySelection]) throws(LarderError) {
    snapshot = try table.snapshot()
    directory = table.directory
    applied = LogPosition(bits: snapshot.lookup.index.loadAcquiring(IndexFormat.applied))
    // A log file that was begun after that batch has nothing that was published.
    logFiles = snapshot.published(through: applied)
    guard logFiles.last?.sequence == applied.sequence else { return nil }
    self.hidden = try snapshot.state.matchers(of: hidden)
  }

  func run() throws(LarderError) -> OnlineVerification {
    var result = OnlineVerification(rows: 0, findings: [])
    let index: IndexWriter
    do throws(LarderError) { index = try readLog() } catch {
      guard error.code == .corrupt || error.code == .unsupportedVersion else { throw error }
      result.findings.append(error)
      return result
    }
    // In the boot that made it an index is trusted unread; here all of it is looked at.
    if !IndexFile.holdsWhatWasClosed(snapshot.lookup.index) {
      result.findings.append(
        LarderError(
          .corrupt, "The key index is not as it was when the table was closed.", file: directory))
    }
    for slot in index.memory.slots {
      result.rows += 1
      if let finding = try check(Slot(bits: slot), index) { result.findings.append(finding) }
    }
    return result
  }

  /// The newest row of each key, as the log has it.
  private func readLog() throws(LarderError) -> IndexWriter {
    let memory = IndexFile.makePrivate()
    let box = GrowingIndex(memory)
    let index = IndexWriter(
      memory, logFiles: LogFileTable(logFiles),
      stride: try KeySchema(snapshot.state.keys).stride
    ) { (lines) throws(LarderError) in
      box.memory = IndexFile.extended(private: box.memory, to: lines)
      return box.memory
    }
    for logFile in logFiles {
      memory.setLogFile(
        number: logFile.number, sequence: logFile.sequence, inode: logFile.inode)
    }
    var scan = LogScan(lastBatch: 0)
    // All of it was published: nothing of it may be missing.
    scan.proven = applied
    for logFile in logFiles {
      let end =
        logFile.sequence == applied.sequence
        ? applied.unit : snapshot.state.logFiles.first { $0.sequence == logFile.sequence }?.end
      _ = try scan.read(logFile, from: LogFormat.headerUnits, through: end) {
        (slots) throws(LarderError) in try index.apply(slots)
      }
    }
    return index
  }

  /// Looks a key up whose newest row the log has in a place.
  ///
  /// - Returns: what does not hold.
  private func check(_ place: Slot, _ log: IndexWriter) throws(LarderError) -> LarderError? {
    let lane = log.lane(of: place)
    switch unsafe snapshot.lookup.find(lane.hash, lane.tail, lane.bytes) {
    case .row(_, let other):
      if other == place || position(of: other) >= applied { return nil }
    case .damaged(let other):
      if isChanged { return nil }
      return LarderError(
        .corrupt, "A row does not match its checksum.",
        file: snapshot.lookup.logFiles.logFile(number: other.number)?.path,
        offset: UInt64(other.unit * LogFormat.unit))
    case .absent, .stale:
      guard let record = snapshot.lookup.logFiles.row(place) else { break }
      // Deletions are dropped without a trace, and rows that are being erased.
      if record.isDeletion { return nil }
      if try unsafe hidden.hold(record.tail) { return nil }
    }
    // A writer may have replaced the row, or moved it, since the log was read.
    if isChanged { return nil }
    return LarderError(
      .corrupt,
      "The key index does not lead to the newest row of a key; reopen the table "
        + "for writing after removing the index.", file: directory)
  }

  private func position(of slot: Slot) -> LogPosition {
    LogPosition(
      sequence: snapshot.lookup.logFiles.sequence(ofNumber: slot.number) ?? .max, unit: slot.unit)
  }

  /// Whether the table went on since it was looked at.
  private var isChanged: Bool {
    snapshot.lookup.index.loadAcquiring(IndexFormat.applied) != applied.bits || snapshot.isBehind
  }
}

extension TableSnapshot {
  /// The log files that the table names up to a position, in order.
  ///
  /// A reader may have mapped one that compaction had just emptied: its number may be another's now.
  func published(through applied: LogPosition) -> [LogFile] {
    let named = Set(state.logFiles.map(\.sequence))
    return lookup.logFiles.logFiles
      .filter { $0.sequence <= applied.sequence && named.contains($0.sequence) }
      .sorted { $0.sequence < $1.sequence }
  }
}

/// The newest memory of an index that grows.
private final class GrowingIndex {
  var memory: IndexMemory
  init(_ memory: IndexMemory) { self.memory = memory }
}
