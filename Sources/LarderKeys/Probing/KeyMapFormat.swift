import CLarderKernels
import LarderColumns
import LarderFiles

/// Sizes, header and checksums of key map files; `FORMAT.md` has the tables.
struct KeyMapHeader: Sendable, Hashable {
  static let version: UInt32 = 2
  static let magic: [UInt8] = [0x89, 0x4C, 0x4B, 0x4D, 0x0D, 0x0A, 0x1A, 0x0A]
  /// One page, so that lines and blocks lie on page boundaries.
  static let bytes = 4_096
  static let blockLines = Int(LARDER_KEY_BLOCK_LINES)
  static let lineBytes = MemoryLayout<larder_key_line>.stride
  static let blockBytes = blockLines * lineBytes

  var identity: KeyLogIdentity
  var generation: UInt64
  /// The file's own identifier, which its name repeats.
  var file: FileIdentifier
  /// The ids below this are in the map, but for erased and retired ones.
  var count: UInt32
  var hashVersion: UInt32
  /// The stride of the tails that tags stand for; `UInt32.max` if tags are hashes.
  var stride: UInt32
  var homes: UInt64
  var lines: UInt64
  /// What binds the keys below `count` in the log that the map was built from.
  var logChecksum: UInt64
  /// The checksum of the blocks' checksums.
  var blockSum: UInt64 = 0

  /// How many blocks the lines fill, the last perhaps in part.
  var blocks: Int { (Int(lines) + Self.blockLines - 1) / Self.blockLines }

  /// Bytes of the whole file; nil if the numbers are absurd.
  var fileBytes: Int? {
    guard homes > 0, homes <= lines, lines <= UInt64(Limits.entities) * 2 else { return nil }
    return Self.bytes + Int(lines) * Self.lineBytes + blocks * 8
  }

  /// Binds a checksum to the file and the place.
  func seed(_ place: UInt64) -> UInt64 {
    (file.high &+ place &* 0x9E37_79B9_7F4A_7C15) ^ (file.low << 1 | file.low >> 63)
  }

  static func fileName(_ file: FileIdentifier) -> String { "keys-\(file).map" }

  /// The header's bytes, the last 8 of them their checksum.
  var encoded: [UInt8] {
    var bytes = Self.magic
    bytes.reserveCapacity(Self.bytes)
    bytes.appendLittleEndian(Self.version)
    bytes.appendLittleEndian(hashVersion)
    for word in [
      identity.store.high, identity.store.low, identity.set, generation, file.high, file.low,
    ] {
      bytes.appendLittleEndian(word)
    }
    bytes.appendLittleEndian(count)
    bytes.appendLittleEndian(stride)
    for word in [homes, lines, blockSum, logChecksum] { bytes.appendLittleEndian(word) }
    bytes.append(contentsOf: repeatElement(0, count: Self.bytes - 8 - bytes.count))
    bytes.appendLittleEndian(XXH3.hash64(bytes, seed: 0))
    return bytes
  }

  /// Reads a header's bytes; nil if they are none of this version.
  init?(_ bytes: [UInt8]) {
    guard bytes.count == Self.bytes, bytes[..<8] == Self.magic[...],
      UInt32(littleEndian: bytes[8..<12]) == Self.version,
      XXH3.hash64(Array(bytes.dropLast(8)), seed: 0) == UInt64(littleEndian: bytes.suffix(8))
    else { return nil }
    func word(_ at: Int) -> UInt64 { UInt64(littleEndian: bytes[at..<at + 8]) }
    func half(_ at: Int) -> UInt32 { UInt32(littleEndian: bytes[at..<at + 4]) }
    identity = KeyLogIdentity(
      store: FileIdentifier(high: word(16), low: word(24)), set: word(32))
    generation = word(40)
    file = FileIdentifier(high: word(48), low: word(56))
    count = half(64)
    hashVersion = half(12)
    stride = half(68)
    homes = word(72)
    lines = word(80)
    blockSum = word(88)
    logChecksum = word(96)
  }

  init(
    for log: KeyLog, tags: KeyTags, file: FileIdentifier, homes: UInt64
  ) {
    identity = log.identity
    generation = log.state.generation
    self.file = file
    count = log.count
    hashVersion = tags.version
    stride = tags.areHashes ? .max : UInt32(tags.stride ?? 0)
    self.homes = homes
    lines = homes
    logChecksum = log.lastChecksum
  }
}
