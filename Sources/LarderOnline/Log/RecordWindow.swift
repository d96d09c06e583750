import CLarderKernels
import LarderColumns

/// Whole records that follow one another in a log file, checked several at a time.
@safe struct RecordWindow {
  private static let capacity = 64

  private let buffer = Buffer(uninitializedBytes: capacity * 24)
  private let rows: UnsafeMutablePointer<UnsafeRawPointer?>
  private let units: UnsafeMutablePointer<Int>
  private let states: UnsafeMutablePointer<UInt32>
  private let checksums: UnsafeMutablePointer<UInt32>
  private var count = 0
  private var next = 0

  init() {
    let base = unsafe buffer.base
    unsafe rows = base.assumingMemoryBound(to: UnsafeRawPointer?.self)
    unsafe units = (base + RecordWindow.capacity * 8).assumingMemoryBound(to: Int.self)
    unsafe states = (base + RecordWindow.capacity * 16).assumingMemoryBound(to: UInt32.self)
    unsafe checksums = (base + RecordWindow.capacity * 20).assumingMemoryBound(to: UInt32.self)
  }

  /// The record at a unit, if it is whole; what `LogFile.record(at:)` gives.
  ///
  /// - Parameters:
  ///   - unit: where the record before ended, or a new place after `restart`.
  ///   - limit: where reading ends.
  @inline(__always) mutating func record(
    at unit: Int, in logFile: LogFile, before limit: Int
  ) -> Record? {
    if next == count {
      guard KeyLookup.hasKernel else { return logFile.record(at: unit) }
      fill(logFile, unit, limit)
      if count == 0 { return nil }
    }
    guard unsafe units[next] == unit, let base = unsafe rows[next] else { return nil }
    next &+= 1
    return unsafe Record(base: base)
  }

  /// Forgets what was looked at ahead.
  mutating func restart() {
    count = 0
    next = 0
  }

  /// Goes from record to record by their lengths, then checks all of them.
  ///
  /// A length that is wrong leads astray, but its own record does not match its checksum, and what
  /// follows such a one does not count.
  private mutating func fill(_ logFile: LogFile, _ start: Int, _ limit: Int) {
    restart()
    let limit = min(limit, logFile.units)
    var unit = start
    var some = 0
    while some < RecordWindow.capacity, unit < limit, unit >= LogFormat.headerUnits {
      let record = unsafe Record(base: logFile.base + unit &* LogFormat.unit)
      let length = record.units
      guard length >= 1, length <= logFile.units &- unit, record.kind >= 1, record.kind <= 3 else {
        break
      }
      unsafe rows[some] = record.base
      unsafe units[some] = unit
      unsafe states[some] = logFile.seed ^ Slot(number: logFile.number, unit: unit).bits
      some &+= 1
      unit &+= length
    }
    unsafe larder_online_checksums(rows, states, some, checksums)
    while count < some, let base = unsafe rows[count],
      unsafe Record(base: base).checksum == checksums[count]
    {
      count &+= 1
    }
  }
}
