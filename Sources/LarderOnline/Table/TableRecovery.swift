import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// Finds out what a table's files hold: which log files, which state, which index.
struct TableRecovery {
  let directory: String
  let store: FileIdentifier
  let files: any FileSystem
  /// Whether what crashes left behind may be cleared away.
  let writable: Bool

  private(set) var identity: TableIdentity
  /// The log files of the directory, in order; the last is the one being written.
  private(set) var logFiles: [LogFile]
  /// The first log file whose sync failed in this boot; 0 for none.
  ///
  /// What memory shows of it may not be on disk, whatever a later sync says.
  private(set) var poisoned: UInt64 = 0
  /// The index that holds a part of a batch whose writer is dead; nil if there is none.
  private(set) var unfinished: IndexMemory?
  /// What indexes said of the log before it was looked at.
  let proofs: [IndexProof]
  /// Why a log file between others could not be opened.
  private var broken: [UInt64: LarderError] = [:]

  /// Looks at a table's directory.
  ///
  /// - Throws: `notFound` if there is no table; `corrupt`.
  ///
  /// - Parameter known: log files that are mapped already.
  init(
    _ directory: String, store: FileIdentifier, files: any FileSystem, writable: Bool,
    known: [LogFile] = []
  ) throws(LarderError) {
    self.directory = directory
    self.store = store
    self.files = files
    self.writable = writable
    proofs = try IndexProof.all(in: directory, files)
    var sequences = try TableFiles.numbers(directory, LogFormat.suffix, files)
    guard let first = sequences.first else { throw TableRecovery.missing(directory) }
    let isKnown = sequences.count > 1 && known.contains { $0.sequence == sequences.last }
    if let last = sequences.last, !isKnown,
      try TableRecovery.isRemnant(directory, last, proofs, files)
    {
      sequences.removeLast()
      if sequences.isEmpty { throw TableRecovery.missing(directory) }
      if writable { try files.remove("\(directory)/\(LogFormat.fileName(last))") }
    }
    let probe = try files.open("\(directory)/\(LogFormat.fileName(first))", .read)
    identity = try LogFileHeader.read(probe).identity
    guard identity.store == store else {
      throw LarderError(
        .corrupt, "The online table belongs to another store.", file: directory)
    }
    logFiles = []
    for sequence in sequences {
      let seed = LogFileHeader(identity: identity, sequence: sequence, number: 0, bytes: 0).seed
      if let logFile = known.first(where: { $0.sequence == sequence && $0.seed == seed }) {
        logFiles.append(logFile)
        continue
      }
      do throws(LarderError) {
        logFiles.append(
          try LogFile.open(directory, sequence: sequence, identity: identity, files: files))
      } catch {
        // Between others that are whole it may never have come to the disk.
        guard error.code == .corrupt, sequence != first else { throw error }
        broken[sequence] = error
      }
    }
  }

  /// Up to where the indexes say that the log was on disk.
  var durable: LogPosition {
    proofs.filter { $0.table == identity }.map(\.durable).max() ?? IndexProof.nowhere
  }

  static func missing(_ directory: String) -> LarderError {
    LarderError(.notFound, "There is no online table here.", file: directory)
  }

  /// Whether the newest log file is what a crash left of its making.
  private static func isRemnant(
    _ directory: String, _ sequence: UInt64, _ proofs: [IndexProof], _ files: any FileSystem
  ) throws(LarderError) -> Bool {
    let file = try files.open("\(directory)/\(LogFormat.fileName(sequence))", .read)
    do throws(LarderError) {
      let logFile = try LogFile.map(file, header: try LogFileHeader.read(file))
      if logFile.hasFirstBatch { return false }
    } catch {
      // A remnant or damage: told apart by what else the file holds.
      guard error.code == .corrupt else { throw error }
    }
    try TableFiles.checkUnproven(file, sequence, proofs, files)
    return true
  }

  // MARK: What the files say

  /// What a trusted index says, or the whole log.
  struct Findings {
    var state: TableState
    var index: IndexWriter
    var indexFile: (any File)?
    /// Where the reading of the log ended: the last log file's next free unit.
    var end: Int
    var batch: UInt64
    var durable: LogPosition
    var isRebuilt: Bool
  }

  /// Trusts the newest index and reads what the log has beyond it.
  ///
  /// - Parameter hasWriter: asked by a reader who finds a batch on its way into the index.
  /// - Returns: nil if no index may be trusted.
  mutating func trusting(
    _ hasWriter: WriterCheck = { true }
  ) throws(LarderError) -> Findings? {
    guard let newest = try TableFiles.numbers(directory, IndexFormat.suffix, files).last else {
      return nil
    }
    let path = "\(directory)/\(IndexFormat.fileName(newest))"
    let opened = try IndexFile.openTrusted(path, identity, files, writable: writable)
    guard let (memory, file) = opened else { return nil }
    poisoned = memory.load(IndexFormat.poisoned)
    if poisoned != 0, writable { return nil }
    guard try fits(memory) else { return nil }
    let position = LogPosition(bits: memory.load(IndexFormat.state))
    let applied = LogPosition(bits: memory.load(IndexFormat.applied))
    guard let holder = logFiles.first(where: { $0.sequence == position.sequence }),
      let start = logFiles.first(where: { $0.sequence == applied.sequence }),
      applied.unit > LogFormat.headerUnits, applied.unit <= start.units,
      let last = start.record(at: applied.unit - 1), last.kind == RecordKind.commit,
      CommitRecord(last).batch == memory.load(IndexFormat.appliedBatch)
    else { return nil }
    var state = try LogScan.state(in: holder, at: position.unit)
    // A log file that was made just before the end is not in the index yet.
    if let last = logFiles.last, last.sequence > position.sequence {
      state = try LogScan.state(in: last, at: LogFormat.headerUnits)
    }
    if !writable {
      // A writer of this boot does the rest. Without one, an index that was closed clean is behind
      // a log that went on, if the disk has the log's end and not the index's.
      let isOfThisBoot = try IndexFile.isOfThisBoot(memory, files)
      if !isOfThisBoot, let last = logFiles.last,
        last.sequence != applied.sequence
          || (applied.unit < last.units && last.word(at: applied.unit) != 0)
      {
        return nil
      }
      if memory.loadAcquiring(IndexFormat.publishing) != 0, try !hasWriter(),
        memory.loadAcquiring(IndexFormat.publishing) != 0
      {
        unfinished = memory
        return nil
      }
      let index = try makeWriter(memory, nil, state)
      return Findings(
        state: state, index: index, indexFile: file, end: applied.unit, batch: 0,
        durable: applied, isRebuilt: false)
    }
    try IndexFile.unmark(memory, file, identity, files)
    // The file may have been made longer before it was needed.
    memory.store(memory.lines, IndexFormat.lines)
    try keep(state)
    for number in 0..<LogFormat.logFiles where memory.sequence(ofNumber: number) != 0 {
      if !logFiles.contains(where: { $0.number == number }) { memory.clearLogFile(number: number) }
    }
    for logFile in logFiles where memory.sequence(ofNumber: logFile.number) != logFile.sequence {
      memory.setLogFile(
        number: logFile.number, sequence: logFile.sequence, inode: logFile.inode)
    }
    let index = try makeWriter(memory, file, state)
    try index.finishSplit()
    var scan = LogScan(lastBatch: memory.load(IndexFormat.appliedBatch))
    scan.written = LogPosition(bits: memory.load(IndexFormat.written))
    for proof in proofs where proof.table == identity {
      scan.proven = max(scan.proven, proof.reached)
    }
    let end = try read(from: applied, state: &state, &scan, index)
    if scan.isCut { return nil }
    try requireProven(end)
    return Findings(
      state: state, index: index, indexFile: file, end: end, batch: scan.lastBatch,
      durable: scan.durable, isRebuilt: false)
  }

  /// Whether an index was made for these very log files.
  private func fits(_ memory: IndexMemory) throws(LarderError) -> Bool {
    var known = 0
    for number in 0..<LogFormat.logFiles {
      let sequence = memory.sequence(ofNumber: number)
      if sequence == 0 { continue }
      guard let logFile = logFiles.first(where: { $0.sequence == sequence }),
        logFile.number == number, logFile.inode == memory.inode(ofNumber: number)
      else { return false }
      known += 1
    }
    return known > 0
  }

  /// Reads the whole log into a new index.
  ///
  /// - Parameter file: the new index's file; nil for one in memory.
  mutating func rebuilding(
    _ memory: IndexMemory, _ file: (any File)?
  ) throws(LarderError) -> Findings {
    var scan = LogScan(lastBatch: 0)
    var state = try aliveState(&scan)
    let index = try makeWriter(memory, file, state)
    for logFile in logFiles {
      memory.setLogFile(
        number: logFile.number, sequence: logFile.sequence, inode: logFile.inode)
    }
    guard let first = logFiles.first else { throw TableRecovery.missing(directory) }
    let start = LogPosition(sequence: first.sequence, unit: LogFormat.headerUnits)
    let end = try read(from: start, state: &state, &scan, index)
    if scan.isCut, let last = state.logFiles.last {
      // What came after the cut goes, as what a crash left of a batch does.
      for void in logFiles where void.sequence > last.sequence {
        memory.clearLogFile(number: void.number)
      }
      logFiles.removeAll { $0.sequence > last.sequence }
      index.logFiles = LogFileTable(logFiles)
    }
    try requireProven(end)
    return Findings(
      state: state, index: index, indexFile: file, end: end, batch: scan.lastBatch,
      durable: scan.durable, isRebuilt: true)
  }

  /// The newest state alone, of a log whose index may not be trusted.
  ///
  /// - Throws: `corrupt` if a log file is missing that was on disk.
  mutating func newestState() throws(LarderError) -> TableState {
    var scan = LogScan(lastBatch: 0)
    return try aliveState(&scan)
  }

  /// Refuses a log whose last log file ends before what an index says was there.
  private func requireProven(_ end: Int) throws(LarderError) {
    guard let last = logFiles.last else { return }
    try IndexProof.require(
      proofs, of: identity, LogPosition(sequence: last.sequence, unit: end), last.path)
  }

  /// The newest state, of which all log files are there; forgets log files that it does not name.
  ///
  /// The newest log file says which others are alive and where they end. Where batches are not synced
  /// one may be there and another before it not: then the log ends before the one that is missing.
  ///
  /// - Parameter scan: is told what was on disk.
  /// - Throws: `corrupt` if a log file is missing that was on disk.
  private mutating func aliveState(_ scan: inout LogScan) throws(LarderError) -> TableState {
    for proof in proofs where proof.table == identity {
      scan.proven = max(scan.proven, proof.reached)
    }
    while let last = logFiles.last {
      var preview = LogScan(lastBatch: 0)
      _ = try preview.read(last, from: LogFormat.headerUnits, through: nil) { _ in }
      scan.proven = max(scan.proven, preview.durable)
      guard let state = preview.state?.state else {
        let start = LogPosition(sequence: last.sequence, unit: LogFormat.headerUnits)
        guard logFiles.count > 1, scan.proven <= start else {
          throw LarderError(
            .corrupt, "The online table's newest log file has no state.", file: last.path)
        }
        logFiles.removeLast()
        continue
      }
      let missing = state.logFiles.first { wanted in
        !logFiles.contains { $0.sequence == wanted.sequence }
      }
      guard let missing else {
        try keep(state)
        return state
      }
      if scan.proven > LogPosition(sequence: missing.sequence, unit: 0) {
        throw broken[missing.sequence] ?? lacks(missing.sequence)
      }
      logFiles.removeAll { $0.sequence >= missing.sequence }
    }
    throw TableRecovery.missing(directory)
  }

  private func lacks(_ sequence: UInt64) -> LarderError {
    LarderError(
      .corrupt,
      "The online table's log file \(sequence) is missing. Restore the store, or drop the table and "
        + "materialize the view again.", file: directory)
  }

  /// Forgets log files that a state no longer names; refuses if one that it names is missing.
  private mutating func keep(_ state: TableState) throws(LarderError) {
    for wanted in state.logFiles where !logFiles.contains(where: { $0.sequence == wanted.sequence })
    {
      throw lacks(wanted.sequence)
    }
    logFiles.removeAll { logFile in
      !state.logFiles.contains { $0.sequence == logFile.sequence }
    }
  }

  private func makeWriter(
    _ memory: IndexMemory, _ file: (any File)?, _ state: TableState
  ) throws(LarderError) -> IndexWriter {
    let schema = try KeySchema(state.keys)
    // What grows is the newest memory, so the closure must find it.
    let box = MemoryBox(memory)
    let room = file.map { IndexRoom($0) }
    return IndexWriter(
      memory, logFiles: LogFileTable(logFiles), stride: schema.stride, room: room
    ) { (lines) throws(LarderError) in
      let grown =
        if let room { try room.extended(to: lines) } else {
          IndexFile.extended(private: box.memory, to: lines)
        }
      box.memory = grown
      return grown
    }
  }

  /// Reads the log from a place to its end into an index.
  private func read(
    from start: LogPosition, state: inout TableState, _ scan: inout LogScan, _ index: IndexWriter
  ) throws(LarderError) -> Int {
    var end = start.unit
    let known = state
    for logFile in logFiles where logFile.sequence >= start.sequence {
      let from = logFile.sequence == start.sequence ? start.unit : LogFormat.headerUnits
      let limit = known.logFiles.first { $0.sequence == logFile.sequence }?.end
      let before = end
      end = try scan.read(logFile, from: from, through: limit) { (slots) throws(LarderError) in
        try index.apply(slots)
      }
      if scan.isCut {
        // Of a log file whose first batch is not there nothing is: the one before is the last.
        if end == LogFormat.headerUnits, logFile.sequence > start.sequence { end = before }
        break
      }
    }
    if let found = scan.state {
      state = found.state
      index.memory.store(found.position.bits, IndexFormat.state)
    }
    return end
  }
}

/// The newest memory of an index that grows.
private final class MemoryBox {
  var memory: IndexMemory
  init(_ memory: IndexMemory) { self.memory = memory }
}
