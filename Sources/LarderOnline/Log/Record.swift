import LarderColumns
import LarderFiles

/// A record of a log file, in place.
@safe struct Record {
  let base: UnsafeRawPointer

  init(base: UnsafeRawPointer) { unsafe self.base = base }

  @inline(__always) func load<T: BitwiseCopyable>(_ offset: Int, as type: T.Type) -> T {
    unsafe base.loadUnaligned(fromByteOffset: offset, as: type)
  }

  var checksum: UInt32 { load(0, as: UInt32.self) }
  var kind: UInt32 { load(4, as: UInt32.self) >> 24 }
  var units: Int { Int(load(4, as: UInt32.self) & 0xFF_FFFF) }
  var bytes: Int { units * LogFormat.unit }

  /// What the checksum should be.
  @inline(__always) func computedChecksum(seed: UInt32, slot: Slot) -> UInt32 {
    unsafe CRC32C.checksum(
      UnsafeRawBufferPointer(start: base + 4, count: bytes &- 4), continuing: seed ^ slot.bits)
  }
}

extension Record {
  // A row: see FORMAT.md.
  static let rowHeaderBytes = 32
  static let isDeletion: UInt16 = 1
  /// The values are gone, because the row was past the time to live.
  static let isStub: UInt16 = 2
  static let hasCreated: UInt16 = 4
  /// The row is history's answer; others were written directly.
  static let isFromHistory: UInt16 = 8
  /// History's answer is less than this direct write; its times follow the features' fixed part.
  static let isOverHistory: UInt16 = 16
  /// That answer has a created time.
  static let hasHistoryCreated: UInt16 = 32
  /// A bit for each feature follows, set for those that were written directly.
  static let hasOrigins: UInt16 = 64

  var event: Int64 { load(8, as: Int64.self) }
  var createdTicks: Int64 { load(16, as: Int64.self) }
  var schema: Int { Int(load(24, as: UInt16.self)) }
  var flags: UInt16 { load(26, as: UInt16.self) }
  var keyBytes: Int { Int(load(28, as: UInt32.self)) }
  var isDeletion: Bool { flags & Record.isDeletion != 0 }
  var isStub: Bool { flags & Record.isStub != 0 }
  var isFromHistory: Bool { flags & Record.isFromHistory != 0 }
  var isOverHistory: Bool { flags & Record.isOverHistory != 0 }
  var hasOrigins: Bool { flags & Record.hasOrigins != 0 }
  /// Whether the key has neither an answer of history nor a direct write any more.
  var isAbsence: Bool {
    let both = Record.isDeletion | Record.isFromHistory
    return flags & both == both
  }
  var created: Int64? { flags & Record.hasCreated != 0 ? createdTicks : nil }
  /// Where the features begin.
  var featuresOffset: Int { Record.featuresOffset(keyBytes: keyBytes) }

  static func featuresOffset(keyBytes: Int) -> Int { rowHeaderBytes &+ (keyBytes &+ 7) & ~7 }

  /// The key's tail.
  ///
  /// - Precondition: the row's bounds were checked.
  var tail: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: base + Record.rowHeaderBytes, count: keyBytes)
  }

  /// Whether the key lies within the record.
  var isBounded: Bool { Record.featuresOffset(keyBytes: keyBytes) <= bytes }

  /// Whether this row stays when another comes later: of equals, the later wins.
  @inline(__always) func wins(overEvent event: Int64, created: Int64?) -> Bool {
    let own = self.event
    if own != event { return own > event }
    guard let mine = self.created else { return false }
    guard let created else { return true }
    return mine > created
  }
}

/// The record that closes a batch, or its part in one log file.
struct CommitRecord: Hashable, Sendable {
  /// Grows from batch to batch.
  var batch: UInt64
  /// Everything before this was on disk when the batch was written.
  var durable: LogPosition
  /// Microseconds since 1970.
  var writtenAt: Int64
  /// Units of the records before it that belong to it.
  var units: Int
  /// How many records these are.
  var records: UInt32
  /// A checksum of their checksums.
  var recordsChecksum: UInt32
  var flags: UInt32

  /// The batch goes on in the next log file.
  static let isContinued: UInt32 = 1
  /// The batch stands between the parts of another.
  static let isInterlude: UInt32 = 2

  var isContinued: Bool { flags & CommitRecord.isContinued != 0 }
  var isInterlude: Bool { flags & CommitRecord.isInterlude != 0 }

  init(
    batch: UInt64, durable: LogPosition, writtenAt: Int64, units: Int, records: UInt32,
    recordsChecksum: UInt32, flags: UInt32
  ) {
    self.batch = batch
    self.durable = durable
    self.writtenAt = writtenAt
    self.units = units
    self.records = records
    self.recordsChecksum = recordsChecksum
    self.flags = flags
  }

  init(_ record: Record) {
    batch = record.load(8, as: UInt64.self)
    durable = LogPosition(bits: record.load(16, as: UInt64.self))
    writtenAt = record.load(24, as: Int64.self)
    units = Int(record.load(32, as: UInt32.self))
    records = record.load(36, as: UInt32.self)
    recordsChecksum = record.load(40, as: UInt32.self)
    flags = record.load(44, as: UInt32.self)
  }

  /// Writes the record but for its checksum.
  func encode(into base: UnsafeMutableRawPointer) {
    unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: LogFormat.unit)
    unsafe base.storeBytes(
      of: RecordKind.commit << 24 | 1, toByteOffset: 4, as: UInt32.self)
    unsafe base.storeBytes(of: batch, toByteOffset: 8, as: UInt64.self)
    unsafe base.storeBytes(of: durable.bits, toByteOffset: 16, as: UInt64.self)
    unsafe base.storeBytes(of: writtenAt, toByteOffset: 24, as: Int64.self)
    unsafe base.storeBytes(
      of: UInt32(truncatingIfNeeded: units), toByteOffset: 32, as: UInt32.self)
    unsafe base.storeBytes(of: records, toByteOffset: 36, as: UInt32.self)
    unsafe base.storeBytes(of: recordsChecksum, toByteOffset: 40, as: UInt32.self)
    unsafe base.storeBytes(of: flags, toByteOffset: 44, as: UInt32.self)
  }
}

extension CommitRecord {
  /// How many empty batches fill a sector whose first free unit is given.
  static func empties(at unit: Int) -> Int { -unit & (LogFormat.sectorUnits - 1) }

  /// Writes the record with its checksum.
  func encode(into base: UnsafeMutableRawPointer, at slot: Slot, seed: UInt32) {
    unsafe encode(into: base)
    let sum = unsafe Record(base: base).computedChecksum(seed: seed, slot: slot)
    unsafe base.storeBytes(of: sum, as: UInt32.self)
  }
}

/// Continues the checksum of a batch's records by that of one more.
@inline(__always) func mixed(_ checksum: UInt32, _ next: UInt32) -> UInt32 {
  (checksum ^ next) &* 0x9E37_79B1 &+ (checksum << 13 | checksum >> 19)
}
