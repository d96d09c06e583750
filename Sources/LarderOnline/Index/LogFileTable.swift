import CLarderKernels
import LarderColumns

/// The log files that a reader or the writer has mapped, by number; immutable.
@safe final class LogFileTable: @unchecked Sendable {
  /// What a lookup needs of a log file.
  typealias Reference = larder_online_logFile

  let logFiles: [LogFile]
  let references: UnsafeMutablePointer<Reference>
  let count: Int

  init(_ logFiles: [LogFile]) {
    self.logFiles = logFiles
    count = (logFiles.map(\.number).max() ?? -1) + 1
    unsafe references = .allocate(capacity: max(1, count))
    unsafe references.initialize(
      repeating: Reference(sequence: 0, base: nil, units: 0, seed: 0), count: max(1, count))
    for logFile in logFiles {
      unsafe references[logFile.number] = Reference(
        sequence: logFile.sequence, base: logFile.base, units: UInt32(logFile.units),
        seed: logFile.seed)
    }
  }

  deinit { unsafe references.deallocate() }

  /// Whether somebody cut one of the files short and zeros were read in place of rows.
  var isTruncated: Bool { logFiles.contains { $0.isTruncated } }

  /// The log file of a number; nil if it is not mapped.
  func logFile(number: Int) -> LogFile? { logFiles.first { $0.number == number } }

  /// The sequence number of the log file mapped under a number; nil for none.
  func sequence(ofNumber number: Int) -> UInt64? {
    number < count ? unsafe references[number].sequence : nil
  }

  /// The record at a slot that was found in these log files and checked before.
  @inline(__always) func record(_ slot: Slot) -> Record {
    precondition(slot.number < count)
    let reference = unsafe references[slot.number]
    guard let base = unsafe reference.base, unsafe slot.unit < Int(reference.units) else {
      preconditionFailure("no such log file")
    }
    return unsafe Record(base: base + slot.unit &* LogFormat.unit)
  }

  /// The row at a slot that this table's own index names, checked like any other.
  @inline(__always) func row(_ slot: Slot) -> Record? {
    guard slot.number < count else { return nil }
    let reference = unsafe references[slot.number]
    guard let base = unsafe reference.base else { return nil }
    let unit = slot.unit
    guard unit >= LogFormat.headerUnits, unsafe unit < Int(reference.units) else { return nil }
    let record = unsafe Record(base: base + unit &* LogFormat.unit)
    let units = record.units
    guard units >= 1, unsafe units <= Int(reference.units) &- unit, record.kind == RecordKind.row,
      unsafe record.computedChecksum(seed: reference.seed, slot: slot) == record.checksum,
      record.isBounded
    else { return nil }
    return record
  }
}
