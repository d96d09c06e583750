import LarderColumns
import LarderFiles

/// Where things lie in a key index; see FORMAT.md.
enum IndexFormat {
  static let suffix = ".index"
  /// "LRDRONIX", least significant byte first.
  static let magic: UInt64 = 0x5849_4E4F_5244_524C
  static let version: UInt32 = 1
  static let seed: UInt32 = 0x4C52_4449

  // Identity: written once, under a checksum.
  static let identityBytes = 80
  static let identityChecksum = 80

  // Words that readers look at with each query, in a line of their own.
  static let buckets = 128
  static let relinks = 136
  static let generation = 144
  static let retired = 152
  static let lines = 160
  static let state = 168
  static let publishing = 176

  // Words of the writer's.
  static let applied = 256
  static let appliedBatch = 264
  static let written = 272
  static let keys = 280
  static let overflowUsed = 288
  static let firstFree = 296
  static let poisoned = 304
  static let lastWrite = 312
  // What was on disk and what was acknowledged, for who finds the log shorter; see IndexProof.
  static let durable = 328
  static let durableCheck = 336
  static let appliedCheck = 344

  // The mark of a clean close: zero, or a checksum of everything but this line.
  static let clean = 384
  static let cleanLine = 384..<448

  /// The log files: sequence, inode, live units, and a spare word each.
  static let table = 4096
  static let tableEntry = 32
  static let linesOffset = table + LogFormat.logFiles * tableEntry
  static let line = 64
  static let entries = 12
  /// Where in a line the number of the next overflow line lies, plus one.
  static let next = 12
  static let slots = 16
  /// Buckets that share one overflow line's room.
  static let group = 8

  static func fileName(_ generation: UInt64) -> String { LogFormat.padded(generation) + suffix }

  /// The line of a bucket: after every line for overflow come eight of buckets.
  @inline(__always) static func line(ofBucket bucket: UInt64) -> UInt64 {
    bucket &+ bucket >> 3 &+ 1
  }
  /// The line of an overflow number.
  @inline(__always) static func line(ofOverflow number: UInt64) -> UInt64 { number &* 9 }

  /// The bucket of a hash among so many: linear hashing.
  @inline(__always) static func bucket(of hash: UInt64, count: UInt64) -> UInt64 {
    let low = UInt64(1) << UInt64(truncatingIfNeeded: 63 &- count.leadingZeroBitCount)
    let wide = hash & (low &<< 1 &- 1)
    return wide < count ? wide : hash & (low &- 1)
  }

  /// The tag of a hash: never zero.
  @inline(__always) static func tag(of hash: UInt64) -> UInt8 {
    let tag = UInt8(truncatingIfNeeded: hash &>> 56)
    return tag == 0 ? 1 : tag
  }
}

/// Who an index was made for, and on what.
struct IndexIdentity: Hashable, Sendable {
  var table: TableIdentity
  var boot: FileIdentifier
  var device: UInt64
  var inode: UInt64

  var encoded: [UInt8] {
    var out = ByteWriter()
    out.append(IndexFormat.magic)
    out.append(IndexFormat.version)
    out.append(UInt32(1))
    out.bytes += table.bytes
    out.append(boot)
    out.append(device)
    out.append(inode)
    let sum = CRC32C.checksum(out.bytes, continuing: IndexFormat.seed)
    out.append(sum)
    out.append(UInt32(0))
    return out.bytes
  }

  /// Reads an identity; nil if the page does not hold one that this version knows.
  init?(_ page: [UInt8]) {
    var reader = ByteReader(Array(page.prefix(IndexFormat.identityBytes + 8)), file: "")
    do throws(LarderError) {
      guard try reader.read(UInt64.self) == IndexFormat.magic,
        try reader.read(UInt32.self) == IndexFormat.version, try reader.read(UInt32.self) == 1
      else { return nil }
      table = TableIdentity(store: try reader.identifier(), table: try reader.identifier())
      boot = try reader.identifier()
      device = try reader.read(UInt64.self)
      inode = try reader.read(UInt64.self)
      let sum = try reader.read(UInt32.self)
      let covered = Array(page.prefix(IndexFormat.identityBytes))
      guard sum == CRC32C.checksum(covered, continuing: IndexFormat.seed) else { return nil }
    } catch { return nil }
  }

  init(table: TableIdentity, boot: FileIdentifier, device: UInt64, inode: UInt64) {
    self.table = table
    self.boot = boot
    self.device = device
    self.inode = inode
  }
}
