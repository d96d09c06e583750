import LarderColumns
import LarderContract
import LarderFiles

/// What a copy of online tables took.
package struct OnlineCopy: Sendable {
  /// How each file came to be there, and its bytes.
  package var files: [(how: CopiedBy, bytes: UInt64)] = []
}

extension MappedOnlineStore {
  /// Copies tables beside their writers.
  ///
  /// Log files that are full get a second name, the one that is being written is copied as far as
  /// batches are in it. The index is derived and left behind; one without keys takes its place, which
  /// says how far the log goes, so that a copy that loses a part of it is found to have.
  ///
  /// - Parameters:
  ///   - views: the ids whose tables are wanted; those without a table are passed over.
  ///   - target: the directory of the copy's tables.
  /// - Throws: `corrupt`, `noSpace`, `io`.
  package func copyTables(
    of views: [UInt64], to target: String
  ) throws(LarderError) -> OnlineCopy {
    var copy = OnlineCopy()
    guard try host.files.status(of: directory) != nil else { return copy }
    for view in views {
      guard let id = UInt32(exactly: view),
        try TableFiles.exists("\(directory)/v\(id)", host.files)
      else { continue }
      try table(id).copy(to: "\(target)/v\(id)", &copy)
    }
    return copy
  }
}

extension OnlineTable {
  /// Copies the table as of some batch to a new folder.
  func copy(to target: String, _ copy: inout OnlineCopy) throws(LarderError) {
    let files = host.files
    try files.makeDirectory(target)
    // Compaction may take a log file away, or a new one begin, while the others are copied.
    for attempt in 0..<100 {
      // Before the rows: those of an erasure that is taken in later are copied, and stay hidden.
      let mark = try ErasureMark.newest(in: directory, files)
      if let made = try copyOnce(to: target) {
        copy.files += made
        if mark > 0 { try ErasureMark.set(mark, in: target, files) }
        try files.syncDirectory(target)
        return
      }
      for name in try files.names(in: target) { try files.remove("\(target)/\(name)") }
      if attempt > 10 { LarderFiles.sleep(.milliseconds(2)) }
    }
    throw LarderError(
      .locked, "The online table changed again and again while it was copied. Try again.",
      file: directory)
  }

  /// - Returns: nil if the table's files changed meanwhile.
  private func copyOnce(
    to target: String
  ) throws(LarderError) -> [(how: CopiedBy, bytes: UInt64)]? {
    let snapshot = try snapshot()
    let applied = LogPosition(bits: snapshot.lookup.index.loadAcquiring(IndexFormat.applied))
    // A state beyond the batch may have let one go that the batch still names.
    let logFiles = snapshot.lookup.logFiles.logFiles.filter { $0.sequence <= applied.sequence }
      .sorted { $0.sequence < $1.sequence }
    guard logFiles.last?.sequence == applied.sequence else { return nil }
    var made: [(how: CopiedBy, bytes: UInt64)] = []
    for logFile in logFiles {
      let path = "\(target)/\(LogFormat.fileName(logFile.sequence))"
      do throws(LarderError) {
        if logFile.sequence != applied.sequence {
          made.append(
            (try host.files.linkOrCopy(logFile.path, to: path), UInt64(logFile.bytes)))
          continue
        }
        let bytes = UInt64(applied.unit * LogFormat.unit)
        try host.files.copy(
          try host.files.open(logFile.path, .read), bytes: bytes, to: path,
          extendedTo: UInt64(logFile.bytes))
        made.append((.copy, bytes))
      } catch {
        guard error.code == .notFound else { throw error }
        return nil
      }
    }
    guard let first = logFiles.first else { return nil }
    // From the copy: the original may be gone by now.
    let copied = try host.files.open("\(target)/\(LogFormat.fileName(first.sequence))", .read)
    let identity = try LogFileHeader.read(copied).identity
    try IndexFile.makeProof(
      "\(target)/\(IndexFormat.fileName(1))", identity, logFiles, durable: applied, host.files)
    return made
  }
}
