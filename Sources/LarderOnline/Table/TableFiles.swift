import LarderColumns
import LarderContract
import LarderFiles

/// Making and finding a table's files.
enum TableFiles {
  /// Makes a log file with its header, not yet synced.
  static func makeLogFile(
    _ header: LogFileHeader, _ path: String, _ files: any FileSystem
  ) throws(LarderError) -> (LogFile, any File) {
    // What an unfinished creation left behind is in the way.
    try files.remove(path)
    let file = try files.open(path, .create)
    do throws(LarderError) {
      try file.reserve(bytes: UInt64(header.bytes))
      try file.write(header.encoded, at: 0)
      return (try LogFile.map(file, header: header), file)
    } catch {
      try files.remove(path)
      throw error
    }
  }

  /// The numbers in the names of a directory's files of a kind, in order.
  static func numbers(
    _ directory: String, _ suffix: String, _ files: any FileSystem
  ) throws(LarderError) -> [UInt64] {
    guard try files.status(of: directory) != nil else { return [] }
    return try files.names(in: directory)
      .compactMap { LogFormat.sequence(ofFile: $0, suffix: suffix) }.sorted()
  }

  /// Makes a table's directory and first log file; does nothing to a table that is there.
  ///
  /// - Returns: whether a table was made.
  static func create(
    _ directory: String, view: ResolvedView, store: FileIdentifier, host: Host,
    options: OnlineOptions
  ) throws(LarderError) -> Bool {
    if try exists(directory, host.files) { return false }
    try host.files.makeDirectory(directory)
    let header = LogFileHeader(
      identity: TableIdentity(store: store, table: host.makeIdentifier()), sequence: 1, number: 0,
      bytes: min(max(options.firstLogFileBytes, 1 << 16), LogFormat.largestLogFile))
    let path = "\(directory)/\(LogFormat.fileName(1))"
    var state = try TableState(view)
    state.logFiles = [TableState.LogFile(sequence: 1, number: 0, end: nil)]
    let (logFile, file) = try makeLogFile(header, path, host.files)
    do throws(LarderError) {
      try write(state, to: file, logFile, host)
      try file.syncData()
      try host.files.syncDirectory(directory)
    } catch {
      // A file whose sync failed is never trusted to be on disk, and nothing in it would say so.
      try host.files.remove(path)
      throw error
    }
    return true
  }

  /// Writes the first batch of a table: its state alone.
  private static func write(
    _ state: TableState, to file: any File, _ logFile: LogFile, _ host: Host
  ) throws(LarderError) {
    let content = state.encoded
    let units = (LogScan.stateHeaderBytes + content.count + LogFormat.unit - 1) / LogFormat.unit
    guard (LogFormat.headerUnits + units + 1) <= logFile.units else {
      throw LarderError(
        .limitExceeded, "The view's definition does not fit into the first log file.",
        file: file.path)
    }
    let empties = CommitRecord.empties(at: LogFormat.headerUnits + units + 1)
    let buffer = Buffer(zeroedBytes: (units + 1 + empties) * LogFormat.unit)
    let base = unsafe buffer.base
    unsafe base.storeBytes(
      of: RecordKind.state << 24 | UInt32(units), toByteOffset: 4, as: UInt32.self)
    unsafe base.storeBytes(of: UInt32(content.count), toByteOffset: 8, as: UInt32.self)
    for (offset, byte) in content.enumerated() {
      unsafe base.storeBytes(
        of: byte, toByteOffset: LogScan.stateHeaderBytes + offset, as: UInt8.self)
    }
    let first = Slot(number: logFile.number, unit: LogFormat.headerUnits)
    let sum = unsafe Record(base: base).computedChecksum(seed: logFile.seed, slot: first)
    unsafe base.storeBytes(of: sum, as: UInt32.self)
    var commit = CommitRecord(
      batch: 1, durable: LogPosition(sequence: 1, unit: LogFormat.headerUnits),
      writtenAt: host.now(), units: units, records: 1, recordsChecksum: mixed(0, sum), flags: 0)
    // Behind it to the end of the sector empty ones: later writes must not spoil what was synced.
    for place in units...units + empties {
      unsafe commit.encode(
        into: base + place * LogFormat.unit,
        at: Slot(number: logFile.number, unit: LogFormat.headerUnits + place), seed: logFile.seed)
      (commit.units, commit.records, commit.recordsChecksum) = (0, 0, 0)
      commit.flags = CommitRecord.isInterlude
    }
    unsafe try file.write(
      UnsafeRawBufferPointer(start: base, count: buffer.count),
      at: UInt64(LogFormat.headerBytes))
  }

  /// Whether a directory holds a table whose making was finished.
  ///
  /// - Throws: `notAStore` for a directory with files that are none of a table's.
  static func exists(_ directory: String, _ files: any FileSystem) throws(LarderError) -> Bool {
    guard let status = try files.status(of: directory) else { return false }
    guard status.kind == .directory else { throw foreign(directory) }
    let sequences = try numbers(directory, LogFormat.suffix, files)
    if sequences.count > 1 { return true }
    guard let only = sequences.first else {
      try checkIndexless(directory, files)
      return false
    }
    return try isFinished("\(directory)/\(LogFormat.fileName(only))", only, files)
  }

  /// Whether a directory holds a table, damaged or not: opening a damaged one says what is wrong.
  ///
  /// - Throws: `notAStore` for a file; `io`.
  static func mayExist(_ directory: String, _ files: any FileSystem) throws(LarderError) -> Bool {
    do throws(LarderError) { return try exists(directory, files) } catch {
      guard error.code == .corrupt else { throw error }
      return true
    }
  }

  /// Refuses a directory without log files whose index is in use: somebody took the log away.
  private static func checkIndexless(
    _ directory: String, _ files: any FileSystem
  ) throws(LarderError) {
    // Dropping a table removes its indexes first.
    guard let proof = try IndexProof.all(in: directory, files).first,
      try numbers(directory, LogFormat.suffix, files).isEmpty
    else { return }
    throw LarderError(
      .corrupt,
      "The online table's row log is gone; its key index says that it reached log file "
        + "\(proof.reached.sequence). Restore the store, or drop the table and materialize the view "
        + "again.", file: directory)
  }

  /// Whether the only log file of a table has its first batch.
  ///
  /// One that has not is what a crash left of the making: nothing was acknowledged yet.
  private static func isFinished(
    _ path: String, _ sequence: UInt64, _ files: any FileSystem
  ) throws(LarderError) -> Bool {
    let file = try files.open(path, .read)
    do throws(LarderError) {
      let header = try LogFileHeader.read(file)
      let logFile = try LogFile.map(file, header: header)
      if logFile.hasFirstBatch { return true }
    } catch {
      // A crash's leftover or damage: told apart below.
      guard error.code == .corrupt else { throw error }
    }
    let directory = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
    try checkUnproven(file, sequence, try IndexProof.all(in: directory, files), files)
    return false
  }

  /// Refuses a log file without its first batch if something shows that it had it on disk.
  ///
  /// - Parameter proofs: what the table's indexes say.
  static func checkUnproven(
    _ file: any File, _ sequence: UInt64, _ proofs: [IndexProof], _ files: any FileSystem
  ) throws(LarderError) {
    let directory = file.path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
    let start = LogPosition(sequence: sequence, unit: LogFormat.headerUnits)
    if proofs.allSatisfy({ $0.reached <= start }),
      try !IndexFile.names(logFile: sequence, in: directory, files)
    {
      return try checkRemnant(file, start)
    }
    throw LarderError(
      .corrupt,
      "The online table's log file lacks its first batch, which was on disk once: it was truncated or "
        + "overwritten from outside. Restore the store, or drop the table and materialize the view "
        + "again.", file: file.path, offset: try file.status().bytes)
  }

  /// Refuses a log file whose start is damaged, unless it is what a crash left of its making.
  ///
  /// A commit in it that says that the start was on disk shows that it is damaged.
  private static func checkRemnant(
    _ file: any File, _ start: LogPosition
  ) throws(LarderError) {
    var whole: LogFile?
    do throws(LarderError) {
      whole = try LogFile.map(file, header: try LogFileHeader.read(file))
    } catch {
      // Without a header no record can be checked: whatever looks like a commit counts.
      guard error.code == .corrupt else { throw error }
    }
    if let whole { return try checkRemnant(whole, start) }
    let bytes = try file.status().bytes
    var offset: UInt64 = UInt64(LogFormat.headerBytes)
    while offset < bytes {
      let count = Int(min(bytes - offset, 1 << 20))
      let block = try file.readExactly(count, at: offset)
      for unit in stride(from: 0, through: count - LogFormat.unit, by: LogFormat.unit)
      where block[unit + 7] == UInt8(RecordKind.commit) && block[unit + 4] == 1 {
        let durable = unsafe block.withUnsafeBytes {
          unsafe $0.loadUnaligned(fromByteOffset: unit + 16, as: UInt64.self)
        }
        if LogPosition(bits: durable) > start {
          throw damagedStart(file.path, offset + UInt64(unit))
        }
      }
      offset += UInt64(count)
    }
  }

  private static func checkRemnant(
    _ logFile: LogFile, _ start: LogPosition
  ) throws(LarderError) {
    for unit in LogFormat.headerUnits..<logFile.units
    where logFile.word(at: unit) == RecordKind.commit << 24 | 1 {
      guard let record = logFile.record(at: unit) else { continue }
      if CommitRecord(record).durable > start {
        throw damagedStart(logFile.path, UInt64(unit * LogFormat.unit))
      }
    }
  }

  private static func damagedStart(_ path: String, _ offset: UInt64) -> LarderError {
    LarderError(
      .corrupt, "The online table's log file is damaged at its start.", file: path, offset: offset)
  }

  static func foreign(_ directory: String) -> LarderError {
    LarderError(
      .notAStore, "This is no online table of a Larder store; nothing was touched.",
      file: directory)
  }

  /// Removes a table's files and directory; does nothing if there are none.
  ///
  /// Of the log files the oldest go first: what a crash leaves then is seen to lack them, and is no
  /// table of old rows.
  ///
  /// - Throws: `notAStore` if other files are there; then nothing was removed.
  static func remove(_ directory: String, _ files: any FileSystem) throws(LarderError) {
    guard let status = try files.status(of: directory) else { return }
    guard status.kind == .directory else { throw foreign(directory) }
    let names = try files.names(in: directory)
    let own = names.filter { name in
      LogFormat.sequence(ofFile: name) != nil
        || LogFormat.sequence(ofFile: name, suffix: IndexFormat.suffix) != nil
        || LogFormat.sequence(ofFile: name, suffix: SpareLogFile.suffix) != nil
        || LogFormat.sequence(ofFile: name, suffix: ErasureMark.suffix) != nil
    }
    guard own.count == names.count else { throw foreign(directory) }
    let indexes = own.filter { $0.hasSuffix(IndexFormat.suffix) }
    for name in indexes { try IndexFile.retire("\(directory)/\(name)", files) }
    for name in indexes { try files.remove("\(directory)/\(name)") }
    // An index that outlived its log would say that the log was lost.
    try files.syncDirectory(directory)
    for name in own.sorted() where !indexes.contains(name) {
      try files.remove("\(directory)/\(name)")
    }
    try files.syncDirectory(directory)
    try files.removeDirectory(directory)
  }
}
