import LarderColumns

/// Reads a log from a place on, batch by batch: only batches that are whole count.
///
/// A batch that is cut off, or does not match its checksums, ends the log, unless something after
/// it shows that it was on disk once; then it is damage, and an error.
struct LogScan {
  /// The records of a batch whose end was not met yet.
  private var pending: [UInt32] = []
  private var pendingBatch: UInt64?
  private var records: [UInt32] = []
  /// The last batch that was met, whole or not.
  private(set) var lastBatch: UInt64 = 0
  /// The newest state record.
  private(set) var state: (state: TableState, position: LogPosition)?
  /// What was on disk when the last batch was written.
  private(set) var durable = LogPosition(sequence: 0, unit: 0)
  /// Everything before this was on disk, as others say: an index, or the newest log file.
  var proven = LogPosition(sequence: 0, unit: 0)
  /// Behind this nothing was ever written, as an index says that is trusted; nil if none is.
  var written: LogPosition?
  /// Whether a log file ended before the next one says it does, and nothing shows that it was whole.
  ///
  /// The machine went down before it was on disk; what comes after it is void.
  private(set) var isCut = false
  /// When the last batch was written.
  private(set) var lastWrite: Int64 = 0
  private var window = RecordWindow()

  init(lastBatch: UInt64) { self.lastBatch = lastBatch }

  /// Reads one log file.
  ///
  /// - Parameters:
  ///   - start: the first unit to read.
  ///   - end: where the log file is known to end; nil for the one that was written last.
  ///   - apply: called with the slots of the rows of each whole batch, in the order of the log.
  /// - Returns: the unit after the last whole batch.
  /// - Throws: `corrupt` with the offset for damage; what `apply` throws.
  mutating func read(
    _ logFile: LogFile, from start: Int, through end: Int?,
    apply: ([UInt32]) throws(LarderError) -> Void
  ) throws(LarderError) -> Int {
    var unit = start
    var batchStart = start
    var checksum: UInt32 = 0
    var newState: (state: TableState, position: LogPosition)?
    var count: UInt32 = 0
    records.removeAll(keepingCapacity: true)
    let limit = end ?? logFile.units
    window.restart()
    while unit < limit {
      guard let record = window.record(at: unit, in: logFile, before: limit) else { break }
      switch record.kind {
      case RecordKind.row:
        guard record.isBounded else { return try stop(logFile, batchStart, end, unit) }
        records.append(Slot(number: logFile.number, unit: unit).bits)
        checksum = mixed(checksum, record.checksum)
        count += 1
      case RecordKind.state:
        let bytes = LogScan.content(of: record)
        newState = (
          try TableState(bytes, file: logFile.path),
          LogPosition(sequence: logFile.sequence, unit: unit)
        )
        checksum = mixed(checksum, record.checksum)
        count += 1
      default:
        let commit = CommitRecord(record)
        guard commit.units == unit - batchStart, commit.records == count,
          commit.recordsChecksum == checksum, commit.batch >= lastBatch
        else { return try stop(logFile, batchStart, end, unit) }
        lastBatch = commit.batch
        durable = max(durable, commit.durable)
        lastWrite = commit.writtenAt
        if let newState { state = newState }
        newState = nil
        try take(commit, apply)
        batchStart = unit + 1
        checksum = 0
        count = 0
        records.removeAll(keepingCapacity: true)
      }
      unit += record.units
    }
    if unit < limit || batchStart < limit { return try stop(logFile, batchStart, end, unit) }
    return batchStart
  }

  /// Applies a batch that has ended, or keeps its part for the end in a later log file.
  private mutating func take(
    _ commit: CommitRecord, _ apply: ([UInt32]) throws(LarderError) -> Void
  ) throws(LarderError) {
    if commit.isInterlude {
      if !records.isEmpty { try apply(records) }
      return
    }
    if pendingBatch != commit.batch { pending.removeAll() }
    if commit.isContinued {
      pending += records
      pendingBatch = commit.batch
      return
    }
    pendingBatch = nil
    if pending.isEmpty {
      if !records.isEmpty { try apply(records) }
    } else {
      try apply(pending + records)
      pending.removeAll()
    }
  }

  /// Judges what ended the reading at a unit: an error if it was on disk once.
  private mutating func stop(
    _ logFile: LogFile, _ batchStart: Int, _ end: Int?, _ unit: Int
  ) throws(LarderError) -> Int {
    let damage = LarderError(
      .corrupt,
      "A record of the online table does not match its checksum, and it was on disk once. Restore "
        + "the store, or drop the table and materialize the view again.",
      file: logFile.path, offset: UInt64(unit * LogFormat.unit))
    // Of the last log file one unit may be missing: it can only be an empty batch.
    let least = end == nil ? batchStart + 1 : batchStart
    if proven > LogPosition(sequence: logFile.sequence, unit: least) { throw damage }
    // A later batch that was written when this one was on disk shows that it was whole.
    var last = logFile.units
    if let written, written.sequence == logFile.sequence { last = min(last, written.unit) }
    for later in unit..<max(unit, last) where logFile.word(at: later) == RecordKind.commit << 24 | 1
    {
      guard let record = logFile.record(at: later) else { continue }
      let durable = CommitRecord(record).durable
      if durable > LogPosition(sequence: logFile.sequence, unit: batchStart) { throw damage }
    }
    isCut = end != nil
    return batchStart
  }

  /// The bytes of a state record.
  private static func content(of record: Record) -> [UInt8] {
    let count = min(Int(record.load(8, as: UInt32.self)), record.bytes - stateHeaderBytes)
    return unsafe Array(
      UnsafeRawBufferPointer(start: record.base + stateHeaderBytes, count: count))
  }

  /// Bytes before a state record's content: checksum, kind and units, length, zero.
  static let stateHeaderBytes = 16

  /// Reads the state record at a unit.
  ///
  /// - Throws: `corrupt`.
  static func state(in logFile: LogFile, at unit: Int) throws(LarderError) -> TableState {
    guard let record = logFile.record(at: unit), record.kind == RecordKind.state else {
      throw LarderError(
        .corrupt, "The online table's state record is damaged.", file: logFile.path,
        offset: UInt64(unit * LogFormat.unit))
    }
    return try TableState(content(of: record), file: logFile.path)
  }
}
