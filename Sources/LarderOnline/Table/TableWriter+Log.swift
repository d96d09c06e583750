import Glibc
import LarderColumns
import LarderContract
import LarderFiles

/// Appending to the log.
extension TableWriter {
  /// Room for a record, zeroed, and the slot it will have.
  ///
  /// - Throws: `noSpace`, `limitExceeded` when a new log file is needed and cannot be had.
  func room(units: Int) throws(LarderError) -> (UnsafeMutableRawPointer, Slot) {
    // One unit more for the commit record that must follow.
    if end + units + 1 > current.units { try roll(for: units) }
    let bytes = units * LogFormat.unit
    if staged + bytes + LogFormat.unit > staging.count {
      try flush()
      if bytes + LogFormat.unit > staging.count {
        staging = Buffer(uninitializedBytes: bytes + LogFormat.unit)
      }
    }
    let target = unsafe staging.base + staged
    unsafe memset(target, 0, bytes)
    let slot = Slot(number: current.number, unit: end)
    staged += bytes
    end += units
    return unsafe (target, slot)
  }

  /// Finishes a record whose content is in place: its checksum, and the batch's.
  @inline(__always) func seal(
    _ base: UnsafeMutableRawPointer, kind: UInt32, units: Int, slot: Slot
  ) {
    unsafe base.storeBytes(
      of: kind << 24 | UInt32(truncatingIfNeeded: units), toByteOffset: 4, as: UInt32.self)
    let checksum = unsafe Record(base: base).computedChecksum(seed: current.seed, slot: slot)
    unsafe base.storeBytes(of: checksum, as: UInt32.self)
    chunkRecords &+= 1
    chunkChecksum = mixed(chunkChecksum, checksum)
  }

  /// Appends the state as a record of the batch; returns where it lies.
  func appendState(_ state: TableState) throws(LarderError) -> LogPosition {
    let content = state.encoded
    let units = (LogScan.stateHeaderBytes + content.count + LogFormat.unit - 1) / LogFormat.unit
    guard units * LogFormat.unit <= LogFormat.rowBytes else {
      throw LarderError(
        .limitExceeded, "The online table's definitions take more than 16 MiB.", file: directory)
    }
    let (base, slot) = unsafe try room(units: units)
    unsafe base.storeBytes(of: UInt32(content.count), toByteOffset: 8, as: UInt32.self)
    unsafe content.withUnsafeBytes { bytes in
      if let start = bytes.baseAddress {
        unsafe memcpy(base + LogScan.stateHeaderBytes, start, bytes.count)
      }
    }
    unsafe seal(base, kind: RecordKind.state, units: units, slot: slot)
    return LogPosition(sequence: current.sequence, unit: slot.unit)
  }

  /// Closes the batch, or its part in this log file, and writes it.
  func appendCommit(flags: UInt32 = 0) throws(LarderError) {
    let commit = CommitRecord(
      batch: batch, durable: durable, writtenAt: host.now(), units: end - chunkStart,
      records: chunkRecords, recordsChecksum: chunkChecksum, flags: flags)
    unsafe commit.encode(
      into: staging.base + staged, at: Slot(number: current.number, unit: end), seed: current.seed)
    staged += LogFormat.unit
    end += 1
    try flush()
    chunkStart = end
    chunkRecords = 0
    chunkChecksum = 0
  }

  /// Writes what is staged.
  func flush() throws(LarderError) {
    if staged == 0 { return }
    memory.store(
      LogPosition(sequence: current.sequence, unit: end).bits, IndexFormat.written)
    let bytes = unsafe UnsafeRawBufferPointer(start: staging.base, count: staged)
    try zeroAhead(of: stagedUnit * LogFormat.unit + staged)
    unsafe try file.write(bytes, at: UInt64(stagedUnit * LogFormat.unit))
    stagedUnit = end
    staged = 0
    if options.durability == .process, options.preparesAhead, end - syncStarted >= 1 << 15 {
      let range = UInt64(syncStarted * LogFormat.unit)..<UInt64(end * LogFormat.unit)
      if backgroundSync.begin(file, range) { syncStarted = end }
    }
  }

  /// Fills the log file with zeros, ahead of where rows are written, in pieces that the kernel
  /// keeps as large pages; a file that was made ready has them already.
  private func zeroAhead(of end: Int) throws(LarderError) {
    if let fill { fill.pass(to: end) }
    if end <= zeroed { return }
    let piece = SpareLogFile.piece
    let next = min(current.bytes, (end + piece - 1) / piece * piece)
    try file.zeroFill(zeroed..<next)
    zeroed = next
  }

  /// Goes on to the end of the sector with empty batches.
  ///
  /// What is on disk then shares no sector with what is written later and may be spoiled in the
  /// writing, if power ends.
  private func fillSector() throws(LarderError) {
    let count = CommitRecord.empties(at: end)
    guard count > 0, chunkRecords == 0 else { return }
    let bytes = count * LogFormat.unit
    if staged + bytes > staging.count { try flush() }
    let empty = CommitRecord(
      batch: batch, durable: durable, writtenAt: host.now(), units: 0, records: 0,
      recordsChecksum: 0, flags: CommitRecord.isInterlude)
    for _ in 0..<count {
      unsafe empty.encode(
        into: staging.base + staged, at: Slot(number: current.number, unit: end),
        seed: current.seed)
      staged += LogFormat.unit
      end += 1
    }
    try flush()
    chunkStart = end
  }

  /// Makes all that was written durable.
  ///
  /// - Throws: `outcomeUnknown`; then the writer is poisoned.
  func syncLog() throws(LarderError) {
    do throws(LarderError) {
      try fillSector()
      try backgroundSync.finish()
      for left in unsynced { try left.syncData() }
      if !unsynced.isEmpty { try host.files.syncDirectory(directory) }
      unsynced.removeAll()
      try file.syncData()
    } catch { throw poison(error) }
    durable = LogPosition(sequence: current.sequence, unit: end)
    // Of a new log file this is said when its name is on disk too: at its beginning that is to come.
    if logFiles.last?.sequence == current.sequence { memory.prove(durable: durable) }
  }

  /// Takes back what an unfinished batch wrote to this log file.
  func abandonBatch() {
    pending.removeAll(keepingCapacity: true)
    let written = LogPosition(bits: memory.load(IndexFormat.written))
    let dirty = written.sequence == current.sequence ? max(written.unit, stagedUnit) : stagedUnit
    staged = 0
    end = chunkStart
    stagedUnit = chunkStart
    chunkRecords = 0
    chunkChecksum = 0
    do throws(LarderError) {
      try file.zero(chunkStart..<max(chunkStart, min(dirty, current.units)))
    } catch {
      // What is left there could be taken for a part of the next batch.
      _ = poison(error)
    }
  }

  // MARK: Log files

  /// Goes on in a new log file, even if this one has room.
  func startLogFile(for units: Int) throws(LarderError) { try roll(for: units) }

  /// Goes on in a new log file.
  private func roll(for units: Int) throws(LarderError) {
    let header = try nextHeader(for: units)
    let path = "\(directory)/\(LogFormat.fileName(header.sequence))"
    let logFile: LogFile
    let ready: SpareLogFile.Ready?
    let newFile: any File
    if let (taken, spare) = try takeSpare(header, path) {
      (logFile, newFile, ready) = (taken, spare.file, spare)
    } else {
      (logFile, newFile) = try TableFiles.makeLogFile(header, path, host.files)
      ready = nil
    }
    // Where no batch is synced this log file is brought to the disk meanwhile: should power end
    // before it is there, the log ends in it.
    let waits = options.durability == .batch
    do throws(LarderError) {
      if chunkRecords > 0 { try appendCommit(flags: CommitRecord.isContinued) } else { try flush() }
      if waits { try syncLog() }
    } catch {
      ready?.fill?.stop()
      try host.files.remove(path)
      throw error
    }
    var newState = state
    newState.logFiles[newState.logFiles.count - 1].end = end
    newState.logFiles.append(
      TableState.LogFile(sequence: logFile.sequence, number: logFile.number, end: nil))
    let left = file
    enter(logFile, newFile, ready)
    state = newState
    do throws(LarderError) {
      let position = try appendState(newState)
      try appendCommit(flags: CommitRecord.isInterlude)
      if waits {
        try syncLog()
        try host.files.syncDirectory(directory)
      } else if options.preparesAhead {
        backgroundSync.leave(left, directory, next: logFile.sequence, host.files)
      } else {
        unsynced.append(left)
      }
      memory.setLogFile(
        number: logFile.number, sequence: logFile.sequence, inode: logFile.inode)
      memory.store(position.bits, IndexFormat.state)
    } catch {
      // Half a log file: the next opening removes it.
      throw poison(error)
    }
    logFiles.append(logFile)
    if waits { memory.prove(durable: durable) }
    publishSnapshot()
  }

  /// The next log file from the file that was made ready, if there is one of the right size.
  private func takeSpare(
    _ header: LogFileHeader, _ path: String
  ) throws(LarderError) -> (LogFile, SpareLogFile.Ready)? {
    // No batch waits for a file that is not ready; it may be the one after this.
    guard let spare, spare.isDone else { return nil }
    self.spare = nil
    let ready = spare.take()
    guard let ready, spare.bytes == header.bytes else {
      ready?.fill?.stop()
      try host.files.remove(spare.path)
      return nil
    }
    ready.fill?.pass(to: LogFormat.headerBytes)
    do throws(LarderError) {
      try host.files.remove(path)
      try ready.file.write(header.encoded, at: 0)
      try host.files.link(spare.path, as: path)
      try host.files.remove(spare.path)
      return (try LogFile.map(ready.file, header: header), ready)
    } catch {
      // A file system without links, say: the log file is made in the plain way.
      ready.fill?.stop()
      try host.files.remove(spare.path)
      return nil
    }
  }

  /// Has the next log file made ready, once there are some rows in this one: more where its zeros
  /// are synced, which batches that wait for the disk notice.
  ///
  /// A writer that is opened for a few rows makes none: it would be thrown away at the close.
  func prepareAhead() {
    let part = options.durability == .batch ? 4 : 8
    guard options.preparesAhead, spare == nil, end > current.units / part,
      end - begun > current.units / 16
    else { return }
    do throws(LarderError) {
      let header = try nextHeader(for: 1)
      let path = "\(directory)/\(LogFormat.padded(header.sequence))\(SpareLogFile.suffix)"
      spare = SpareLogFile(
        path, bytes: header.bytes, syncs: options.durability == .batch, files: host.files,
        on: filling)
    } catch {
      // Whoever needs the next log file is told why there is none.
    }
  }

  /// Removes the file that was made ready and is not needed.
  func dropSpare() throws(LarderError) {
    guard let spare else { return }
    self.spare = nil
    spare.take()?.fill?.stop()
    try host.files.remove(spare.path)
  }

  private func enter(_ logFile: LogFile, _ newFile: any File, _ ready: SpareLogFile.Ready?) {
    current = logFile
    fill?.stop()
    fill = ready?.fill
    // Of a small one, and where files must see the same operations each time, nothing is gained.
    let isLarge = logFile.bytes >= 2 * SpareLogFile.piece && options.preparesAhead
    zeroed = logFile.bytes
    if ready == nil, isLarge {
      if options.durability == .batch {
        zeroed = LogFormat.headerBytes
      } else {
        fillBehind(newFile, logFile.bytes)
      }
    }
    file = newFile
    end = LogFormat.headerUnits
    begun = end
    chunkStart = end
    stagedUnit = end
    syncStarted = end
    staged = 0
  }

  /// Has a log file filled that has its header already, behind the piece that rows go to first.
  private func fillBehind(_ file: any File, _ bytes: Int) {
    let fill = LogFileFill(file, bytes: bytes, from: SpareLogFile.piece)
    self.fill = fill
    filling.start { fill.run() }
  }

  /// Log files that only compaction may begin: a full table can still be compacted.
  static let logFilesForCompaction = 2

  /// The header of the log file after the current one: four times as large, as far as that is
  /// allowed.
  private func nextHeader(for units: Int) throws(LarderError) -> LogFileHeader {
    let taken = Set(logFiles.map(\.number))
    let limit = options.logFileLimit - (isMoving ? 0 : TableWriter.logFilesForCompaction)
    let free = (0..<LogFormat.logFiles).first { !taken.contains($0) }
    guard let number = free, logFiles.count < limit else {
      throw LarderError(
        .limitExceeded,
        "The online table has \(logFiles.count) log files, which is the most it can; compact it.",
        file: directory)
    }
    // Room for the header, the state and two commits besides the record that is waiting.
    let least =
      (LogFormat.headerUnits + units + 2) * LogFormat.unit + state.encoded.count
      + logFiles.count * 16 + 4096
    let page = LogFormat.headerBytes
    let wished = min(current.bytes * 4, max(options.largestLogFileBytes, least))
    let bytes = (max(wished, least) + page - 1) / page * page
    guard bytes <= LogFormat.largestLogFile else {
      throw LarderError(.limitExceeded, "A row does not fit into a log file.", file: directory)
    }
    return LogFileHeader(
      identity: identity, sequence: current.sequence + 1, number: number, bytes: bytes)
  }
}

extension File {
  /// Overwrites units of a log file with zeros.
  func zero(_ units: Range<Int>) throws(LarderError) {
    var unit = units.lowerBound
    while unit < units.upperBound {
      let count = min(units.upperBound - unit, 1 << 14)
      try write(
        [UInt8](repeating: 0, count: count * LogFormat.unit), at: UInt64(unit * LogFormat.unit))
      unit += count
    }
  }
}
