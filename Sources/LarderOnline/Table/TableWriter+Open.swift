import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// Opening and closing.
extension TableWriter {
  /// Opens a table for writing; the caller holds the table's writer lock.
  ///
  /// - Throws: `notFound` if there is no table; `corrupt` for damage that would lose rows.
  static func open(
    host: Host, directory: String, store: FileIdentifier, options: OnlineOptions,
    show: @escaping (TableSnapshot) -> Void
  ) throws(LarderError) -> TableWriter {
    var recovery = try TableRecovery(
      directory, store: store, files: host.files, writable: true)
    let findings: TableRecovery.Findings
    if let trusted = try recovery.trusting() {
      findings = trusted
    } else {
      findings = try rebuild(&recovery, directory, host)
    }
    guard let last = recovery.logFiles.last, let indexFile = findings.indexFile else {
      throw TableRecovery.missing(directory)
    }
    let file = try host.files.open(last.path, .update)
    // What the last writer left without a sync.
    let durable = max(findings.durable, recovery.durable)
    var unsynced: [any File] = []
    for logFile in recovery.logFiles.dropLast() where logFile.sequence >= durable.sequence {
      unsynced.append(try host.files.open(logFile.path, .update))
    }
    let writer = try TableWriter(
      host: host, directory: directory, identity: recovery.identity, options: options,
      opened: OpenedLog(
        state: findings.state, logFiles: recovery.logFiles, current: last, file: file,
        end: findings.end, batch: findings.batch, durable: durable, unsynced: unsynced,
        index: findings.index, indexFile: indexFile),
      show: show)
    try writer.cleanTail(isRebuilt: findings.isRebuilt)
    if recovery.poisoned != 0 {
      writer.memory.store(recovery.poisoned, IndexFormat.poisoned)
    }
    try writer.finishOpening(isRebuilt: findings.isRebuilt)
    try writer.rewrite(from: recovery.poisoned)
    return writer
  }

  /// Makes a new index from the log, and takes the old ones out of use.
  private static func rebuild(
    _ recovery: inout TableRecovery, _ directory: String, _ host: Host
  ) throws(LarderError) -> TableRecovery.Findings {
    let old = try TableFiles.numbers(directory, IndexFormat.suffix, host.files)
    let path = "\(directory)/\(IndexFormat.fileName((old.last ?? 0) + 1))"
    let (memory, file) = try IndexFile.make(path, host.files)
    do throws(LarderError) {
      let findings = try recovery.rebuilding(memory, file)
      for number in old {
        let path = "\(directory)/\(IndexFormat.fileName(number))"
        try IndexFile.retire(path, host.files)
        try host.files.remove(path)
      }
      return findings
    } catch {
      try host.files.remove(path)
      throw error
    }
  }

  /// Overwrites what a batch that was cut off left behind the log's end.
  private func cleanTail(isRebuilt: Bool) throws(LarderError) {
    var dirty = end
    if isRebuilt {
      // Nobody knows how far it went: the last byte that is not zero tells.
      var unit = current.units
      while unit > end, current.isZero(unit - 1..<unit) { unit -= 1 }
      dirty = unit
    } else {
      let written = LogPosition(bits: memory.load(IndexFormat.written))
      if written.sequence == current.sequence { dirty = min(written.unit, current.units) }
    }
    if dirty > end {
      try file.zero(end..<dirty)
      try file.syncData()
    }
  }

  /// Makes what was replayed durable, publishes where the log ends, and removes leftovers.
  private func finishOpening(isRebuilt: Bool) throws(LarderError) {
    let found = LogPosition(sequence: current.sequence, unit: end)
    if isRebuilt || memory.load(IndexFormat.applied) != found.bits {
      // What readers are shown must not be taken back by the end of power.
      try syncLog()
      memory.prove(
        applied: LogPosition(sequence: current.sequence, unit: end), batch: batch)
    }
    // A batch that its writer did not get into the index to the end is there now.
    if memory.load(IndexFormat.publishing) != 0 { memory.store(0, IndexFormat.publishing) }
    memory.store(
      LogPosition(sequence: current.sequence, unit: end).bits, IndexFormat.written)
    if isRebuilt {
      try IndexFile.identify(indexFile, identity, host.files)
      try host.files.syncDirectory(directory)
      // Who made the table may have died before its folder's name was on disk.
      try host.files.syncDirectory(
        directory.split(separator: "/", omittingEmptySubsequences: false).dropLast()
          .joined(separator: "/"))
    }
    publishSnapshot()
    for number in try TableFiles.numbers(directory, SpareLogFile.suffix, host.files) {
      try host.files.remove("\(directory)/\(LogFormat.padded(number))\(SpareLogFile.suffix)")
    }
    let living = Set(logFiles.map(\.sequence))
    let dead = try TableFiles.numbers(directory, LogFormat.suffix, host.files)
      .filter { !living.contains($0) }
    for sequence in dead {
      try host.files.remove("\(directory)/\(LogFormat.fileName(sequence))")
    }
    // What came after a cut must not come back when the log has gone on from there.
    if !dead.isEmpty { try host.files.syncDirectory(directory) }
  }

  /// Writes the rows of log files again whose sync once failed: a file that such a failure met is
  /// never trusted to be on disk.
  private func rewrite(from poisoned: UInt64) throws(LarderError) {
    if poisoned == 0 { return }
    batch += 1
    try startLogFile(for: 1)
    var report = OnlineCompactionReport()
    for logFile in logFiles
    where logFile.sequence >= poisoned && logFile.sequence != current.sequence {
      var move = LogFileMove(logFile: logFile, end: writtenUnits(logFile))
      while try !self.move(&move, expiry: .never, limit: .max >> 1, &report) {}
      try remove(logFile, &report)
    }
    memory.store(0, IndexFormat.poisoned)
  }

  /// Makes everything durable and the index trusted after a reboot.
  func close() throws(LarderError) {
    fill?.stop()
    try dropSpare()
    if poison != nil { return }
    if LogPosition(sequence: current.sequence, unit: end) > durable { try syncLog() }
    try sealLog()
    do throws(LarderError) { try IndexFile.mark(memory, indexFile) } catch {
      // What memory shows of a file whose sync failed may give way to what is on the disk.
      try withdrawIndex()
      throw error
    }
  }

  /// Takes the index out of use; whoever opens the table next builds one from the log.
  private func withdrawIndex() throws(LarderError) {
    memory.store(1, IndexFormat.retired)
    try host.files.remove(indexFile.path)
  }

  /// Ends the log with an empty batch that says that the one before is on disk.
  ///
  /// Without it damage of the last batch could not be told from a batch that was cut off.
  private func sealLog() throws(LarderError) {
    if isSealed { return }
    if end + 1 > current.units { return }
    batch += 1
    do throws(LarderError) { try appendCommit(flags: CommitRecord.isInterlude) } catch {
      abandonBatch()
      throw error
    }
    try syncLog()
    memory.prove(
      applied: LogPosition(sequence: current.sequence, unit: end), batch: batch)
  }

  /// Whether the log ends with empty batches that say that what is before them is on disk.
  private var isSealed: Bool {
    var unit = end - 1
    while let record = current.record(at: unit), record.kind == RecordKind.commit {
      let commit = CommitRecord(record)
      guard commit.isInterlude, commit.units == 0 else { return false }
      if commit.durable >= LogPosition(sequence: current.sequence, unit: unit) { return true }
      unit -= 1
    }
    return false
  }

  /// Makes every batch written so far durable, and says so in the log.
  func sync() throws(LarderError) {
    try checkUsable()
    let position = LogPosition(sequence: current.sequence, unit: end)
    if position > durable { try syncLog() }
  }
}
