import LarderColumns
import LarderFiles

/// Sizes and marks of the row log's files; FORMAT.md says what they mean.
enum LogFormat {
  /// Every record starts at a multiple of so many bytes and fills whole units.
  static let unit = 64
  /// Bits of a slot that name the unit; the others name the log file.
  static let unitBits = 20
  /// Units before the first record of a log file.
  static let headerUnits = 64
  static let headerBytes = headerUnits * unit
  /// Units of what a disk writes at once: the end of power may spoil all of it.
  static let sectorUnits = 8
  /// How many log files a table can have at a time.
  static let logFiles = 1 << 12
  /// Bytes of the largest log file: all that 20 bits of unit can name.
  static let largestLogFile = unit << unitBits
  /// "LRDROWS1", least significant byte first.
  static let magic: UInt64 = 0x3153_574F_5244_524C
  static let version: UInt32 = 1
  /// The seed of a header's checksum, so that zeros do not verify.
  static let headerSeed: UInt32 = 0x4C52_4448
  static let suffix = ".rows"
  /// The limit of one row: a row must leave room for others in a log file.
  static let rowBytes = 16 << 20

  /// The name of a log file.
  static func fileName(_ sequence: UInt64) -> String { padded(sequence) + suffix }

  /// The sequence number in a file's name; nil if it is no log file's.
  static func sequence(ofFile name: String, suffix: String = suffix) -> UInt64? {
    guard name.hasSuffix(suffix), name.utf8.count == 20 + suffix.utf8.count else { return nil }
    let digits = name.dropLast(suffix.count)
    guard digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
    return UInt64(digits)
  }

  /// A number in 20 digits.
  static func padded(_ number: UInt64) -> String {
    let digits = String(number)
    return String(repeating: "0", count: 20 - digits.count) + digits
  }
}

/// The kinds of records in a log file.
enum RecordKind {
  static let row: UInt32 = 1
  static let state: UInt32 = 2
  static let commit: UInt32 = 3
}

/// Where a record lies: the log file's number and the unit in it.
struct Slot: Hashable, Sendable {
  var bits: UInt32

  init(bits: UInt32) { self.bits = bits }
  init(number: Int, unit: Int) {
    bits = UInt32(truncatingIfNeeded: number << LogFormat.unitBits | unit)
  }
  var number: Int { Int(bits >> UInt32(LogFormat.unitBits)) }
  var unit: Int { Int(bits & (1 << UInt32(LogFormat.unitBits) - 1)) }
}

/// A place in the whole log: in which of all log files ever made, and at which unit.
struct LogPosition: Comparable, Hashable, Sendable {
  var sequence: UInt64
  var unit: Int

  init(sequence: UInt64, unit: Int) {
    self.sequence = sequence
    self.unit = unit
  }
  /// A position from one word.
  ///
  /// The end of a full log file carries into the sequence's bits, so the
  /// unit has one bit more than in a slot.
  init(bits: UInt64) {
    self.init(sequence: bits >> 21, unit: Int(bits & (1 << 21 - 1)))
  }
  var bits: UInt64 { sequence << 21 | UInt64(unit) }

  static func < (a: Self, b: Self) -> Bool { (a.sequence, a.unit) < (b.sequence, b.unit) }
}

/// What the files of one table have in common, and no others.
struct TableIdentity: Hashable, Sendable {
  var store: FileIdentifier
  var table: FileIdentifier

  var bytes: [UInt8] {
    var bytes = ByteWriter()
    for word in [store.high, store.low, table.high, table.low] { bytes.append(word) }
    return bytes.bytes
  }
}
