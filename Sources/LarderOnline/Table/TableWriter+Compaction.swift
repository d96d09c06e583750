import Glibc
import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// What compaction did.
public struct OnlineCompactionReport: Sendable, Hashable {
  /// Log files that were emptied and removed.
  public var logFiles = 0
  /// Bytes of the files that were removed.
  public var bytesRemoved = 0
  /// Rows that were moved on.
  public var rowsMoved = 0
  /// Rows past the time to live whose values were dropped.
  public var rowsExpired = 0
  /// Deletions that nothing is left to be deleted by.
  public var deletionsDropped = 0

  /// A report of nothing.
  public init() {}
}

/// The emptying of one log file: its live rows are written again at the end of the log.
struct LogFileMove {
  let logFile: LogFile
  /// Units that the log file was written to.
  let end: Int
  var unit = LogFormat.headerUnits
}

extension TableWriter {
  /// Units of the log that were written, and those of them that no key needs.
  var deadShare: (units: Int, dead: Int) {
    var units = 0
    var live = 0
    for logFile in logFiles {
      units += max(0, writtenUnits(logFile) - LogFormat.headerUnits)
      live += memory.liveUnits(ofNumber: logFile.number)
    }
    return (units, max(0, units - live))
  }

  /// Up to where a log file was written.
  func writtenUnits(_ logFile: LogFile) -> Int {
    if logFile.sequence == current.sequence { return end }
    return state.logFiles.first { $0.sequence == logFile.sequence }?.end ?? LogFormat.headerUnits
  }

  /// The log files to be emptied, oldest first.
  ///
  /// - Parameter share: the dead share from which a log file is; 0 for all but the current one.
  func victims(share: Double) throws(LarderError) -> [UInt64] {
    try checkUsable()
    let chosen = logFiles.filter { logFile in
      let units = writtenUnits(logFile) - LogFormat.headerUnits
      let dead = units - memory.liveUnits(ofNumber: logFile.number)
      return share == 0 || Double(dead) >= share * Double(max(1, units))
    }.map(\.sequence).sorted()
    if chosen.contains(current.sequence) {
      batch += 1
      isMoving = true
      defer { isMoving = false }
      try startLogFile(for: 1)
    }
    return chosen
  }

  /// Moves the live rows of a piece of a log file.
  ///
  /// Each piece is a batch of its own. It need not be on disk when it is published: the rows' old
  /// places stay until `remove` has made all of it durable.
  ///
  /// - Parameters:
  ///   - horizon: rows past the time to live at this event time lose their values.
  ///   - limit: units to look at.
  /// - Returns: whether the log file is done.
  func move(
    _ move: inout LogFileMove, expiry: Expiry, limit: Int, _ report: inout OnlineCompactionReport
  ) throws(LarderError) -> Bool {
    try checkUsable()
    batch += 1
    isMoving = true
    defer { isMoving = false }
    pending.removeAll(keepingCapacity: true)
    let isOldest = logFiles.allSatisfy { $0.sequence >= move.logFile.sequence }
    var dropped: [(UInt64, UInt32)] = []
    let stop = min(move.end, move.unit + limit)
    var seen = move.unit
    do throws(LarderError) {
      while move.unit < stop {
        if move.unit >= seen { seen = prefetchEntries(move.logFile, move.unit..<stop) }
        guard let record = move.logFile.record(at: move.unit) else {
          throw damagedRow(Slot(number: move.logFile.number, unit: move.unit))
        }
        if record.kind == RecordKind.row, record.isBounded {
          let slot = Slot(number: move.logFile.number, unit: move.unit)
          try consider(record, slot, expiry, isOldest, &dropped, &report)
        }
        move.unit += record.units
      }
      if !pending.isEmpty { try commitMove() }
    } catch {
      if poison == nil { abandonBatch() }
      throw error
    }
    for (hash, slot) in dropped where try index.remove(hash, slot: slot) {
      report.deletionsDropped += 1
    }
    return move.unit >= move.end
  }

  /// Brings the index lines of the next rows closer; returns the unit after these.
  private func prefetchEntries(_ logFile: LogFile, _ units: Range<Int>) -> Int {
    var unit = units.lowerBound
    for _ in 0..<64 {
      guard unit < units.upperBound else { break }
      let record = unsafe Record(base: logFile.base + unit * LogFormat.unit)
      let length = record.units
      guard length >= 1, length <= logFile.units - unit else { break }
      if record.kind == RecordKind.row, record.isBounded {
        let tail = unsafe record.tail
        if let start = tail.baseAddress {
          unsafe index.prefetch(
            keyHash(start.assumingMemoryBound(to: UInt8.self), tail.count, keys.stride ?? 0))
        }
      }
      unit += length
    }
    // What ends the looking ahead is judged by who looks at the record itself.
    return max(unit, units.lowerBound + 1)
  }

  /// Writes one row again, if it is still the newest of its key.
  private func consider(
    _ record: Record, _ slot: Slot, _ expiry: Expiry, _ isOldest: Bool,
    _ dropped: inout [(UInt64, UInt32)], _ report: inout OnlineCompactionReport
  ) throws(LarderError) {
    let tail = unsafe (record.base + Record.rowHeaderBytes).assumingMemoryBound(to: UInt8.self)
    let hash = unsafe keyHash(tail, record.keyBytes, keys.stride ?? 0)
    guard try index.holds(hash, slot: slot.bits) else { return }
    let isExpired = record.isAbsence || expiry.isExpired(record.event)
    if isExpired, record.isDeletion, isOldest {
      // Older rows of the key lie before it in the log, so none is left.
      dropped.append((hash, slot.bits))
      return
    }
    let becomesStub = isExpired && !record.isDeletion && !record.isStub
    // History's times under a direct write stay, whatever goes, and what was written directly.
    let schema = state.schema(UInt16(truncatingIfNeeded: record.schema))
    let standing = Record.standingBytes(record.flags, features: schema?.fields.count ?? 0)
    let standingOffset = record.standingOffset(schema?.fixedBytes ?? 0)
    guard standingOffset + standing <= record.bytes else { throw damagedRow(slot) }
    let bytes =
      becomesStub || record.isStub || record.isDeletion
      ? record.featuresOffset + standing : record.bytes
    let units = (bytes + LogFormat.unit - 1) / LogFormat.unit
    let (base, newSlot) = unsafe try room(units: units)
    unsafe memcpy(base, record.base, min(bytes, record.bytes))
    if becomesStub {
      unsafe memcpy(
        base + record.featuresOffset, record.base + standingOffset, standing)
      unsafe base.storeBytes(
        of: record.flags | Record.isStub, toByteOffset: 26, as: UInt16.self)
      report.rowsExpired += 1
    }
    unsafe seal(base, kind: RecordKind.row, units: units, slot: newSlot)
    pending.append(
      PendingRow(
        hash: hash, new: newSlot.bits, old: slot.bits,
        newUnits: UInt32(truncatingIfNeeded: units),
        oldUnits: UInt32(truncatingIfNeeded: record.units)))
    report.rowsMoved += 1
  }

  /// Takes an emptied log file out of the table and removes its file.
  func remove(_ logFile: LogFile, _ report: inout OnlineCompactionReport) throws(LarderError) {
    try checkUsable()
    batch += 1
    isMoving = true
    defer { isMoving = false }
    do throws(LarderError) { try commit(retiring: logFile) } catch {
      if poison == nil { abandonBatch() }
      throw error
    }
    memory.clearLogFile(number: logFile.number)
    logFiles.removeAll { $0.sequence == logFile.sequence }
    publishSnapshot()
    try host.files.remove(logFile.path)
    // Before a deletion in a later log file is dropped, what it deletes must be gone for good.
    try host.files.syncDirectory(directory)
    report.logFiles += 1
    report.bytesRemoved += logFile.bytes
  }

  /// A log file of the table by its sequence number.
  func logFile(_ sequence: UInt64) -> LogFile? {
    logFiles.first { $0.sequence == sequence }
  }
}
