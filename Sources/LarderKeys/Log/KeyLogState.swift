import LarderColumns
import LarderFiles

/// What a manifest record says of a key log: everything in the file beyond it is void.
package struct KeyLogState: Sendable, Hashable {
  /// Counts the files: an erasure rewrites the log into the next one.
  package var generation: UInt64
  /// Bytes of the file that hold header and chunks.
  package var length: UInt64
  /// How many ids were given out: the ids are 0..<count, erased slots included.
  package var count: UInt32
  /// The checksum of the last header within the length; 0 in what version 1 of the manifest says.
  ///
  /// It binds every key before it: two logs of one length and count, but of other keys, differ here.
  package var checksum: UInt64

  package init(generation: UInt64, length: UInt64, count: UInt32, checksum: UInt64) {
    self.generation = generation
    self.length = length
    self.count = count
    self.checksum = checksum
  }
}

/// Which log of which store a file belongs to.
package struct KeyLogIdentity: Sendable, Hashable {
  /// The store.
  package let store: FileIdentifier
  /// The join-key set's number, as in `keys/k3`.
  package let set: UInt64

  package init(store: FileIdentifier, set: UInt64) {
    self.store = store
    self.set = set
  }
}

/// Names, sizes and checksums of key log files; `FORMAT.md` has the tables.
enum KeyLogFormat {
  static let version: UInt32 = 1
  /// Not text, with both line ends, so that a transfer that alters either is noticed.
  static let magic: [UInt8] = [0x89, 0x4C, 0x4B, 0x45, 0x0D, 0x0A, 0x1A, 0x0A]
  static let chunkMagic: UInt32 = 0x4B43_4C4C
  static let chunkHeaderBytes = 64
  /// Keys of one chunk.
  static let chunkKeys = 65_536
  /// Bytes of the tails of one chunk of varying tails; above every single tail.
  static let chunkTailBytes = 1 << 20
  /// The file is filled with zeros ahead to a multiple of this: overwriting syncs faster than
  /// extending, and a full disk can still commit.
  static let fillBytes: UInt64 = 64 << 10
  /// Every append ends at a multiple of this, so that no block of the disk holds bytes of two: a
  /// write that a power cut spoils cannot spoil keys that were committed before it.
  static let blockBytes: UInt64 = 4_096
  /// The stride field of tails that vary.
  static let varying = UInt32.max

  /// The name of a generation's file in the folder of its join-key set.
  static func fileName(generation: UInt64) -> String {
    let digits = String(generation)
    return "keys-" + String(repeating: "0", count: max(0, 20 - digits.count)) + digits + ".log"
  }

  /// Binds a checksum to the log, the generation and the place it is for.
  static func seed(_ identity: KeyLogIdentity, generation: UInt64, offset: UInt64) -> UInt64 {
    var seed = identity.store.high ^ (identity.store.low &* 0x9E37_79B9_7F4A_7C15)
    for word in [identity.set, generation, offset] {
      seed = (seed ^ word) &* 0xD6E8_FEB8_6659_FD93
      seed ^= seed >> 32
    }
    return seed
  }

  /// The whole header, which identity, generation and schema determine.
  static func header(
    _ identity: KeyLogIdentity, generation: UInt64, schema: KeySchema
  ) -> [UInt8] {
    let names = schema.prefix
    let schemaBytes = names.count + 4 * schema.columns.count
    let total = roundUp(56 + schemaBytes + 8, to: 64)
    var bytes = magic
    bytes.reserveCapacity(total)
    bytes.appendLittleEndian(version)
    bytes.appendLittleEndian(UInt32(total))
    bytes.appendLittleEndian(identity.store.high)
    bytes.appendLittleEndian(identity.store.low)
    bytes.appendLittleEndian(identity.set)
    bytes.appendLittleEndian(generation)
    bytes.appendLittleEndian(schema.stride.map { UInt32($0) } ?? varying)
    bytes.appendLittleEndian(UInt32(schemaBytes))
    bytes.append(contentsOf: names)
    for column in schema.columns { bytes.appendLittleEndian(column.type.rawValue) }
    bytes.append(contentsOf: repeatElement(0, count: total - 8 - bytes.count))
    bytes.appendLittleEndian(XXH3.hash64(bytes, seed: 0))
    return bytes
  }

  static func roundUp(_ value: Int, to unit: Int) -> Int { (value + unit - 1) / unit * unit }
}

/// The 64 bytes before a chunk's body.
struct KeyChunkHeader {
  var hasErased: Bool
  var first: UInt32
  var count: UInt32
  var tailBytes: UInt64
  /// Zeros at the end of the body, to end a block of the disk.
  var padding: UInt64 = 0
  /// The checksum in the header before this one, the file's header included.
  var previous: UInt64
  var bodyChecksum: UInt64

  /// Where `previous` lies in the header.
  static let previousOffset = 32

  /// Bytes of the body, which the other fields determine.
  func bodyBytes(varying: Bool) -> Int {
    let erased = hasErased ? (Int(count) + 63) / 64 * 8 : 0
    let offsets = varying ? (Int(count) + 1) * 4 : 0
    // 8 readable bytes follow the last tail, so that kernels may load whole words.
    return KeyLogFormat.roundUp(erased + offsets + Int(tailBytes) + 8, to: 64) + Int(padding)
  }

  /// The header's bytes.
  func encoded(varying: Bool, seed: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(KeyLogFormat.chunkHeaderBytes)
    bytes.appendLittleEndian(KeyLogFormat.chunkMagic)
    bytes.appendLittleEndian(UInt32(hasErased ? 1 : 0))
    bytes.appendLittleEndian(first)
    bytes.appendLittleEndian(count)
    bytes.appendLittleEndian(UInt64(bodyBytes(varying: varying)))
    bytes.appendLittleEndian(tailBytes)
    bytes.appendLittleEndian(previous)
    bytes.appendLittleEndian(bodyChecksum)
    bytes.appendLittleEndian(padding)
    bytes.appendLittleEndian(XXH3.hash64(bytes, seed: seed))
    return bytes
  }

  /// Reads a header.
  ///
  /// - Parameter bytes: 64 bytes.
  /// - Returns: the header and its checksum, or what is wrong with it.
  static func decode(
    _ bytes: UnsafeRawBufferPointer, stride: Int?, seed: UInt64
  ) -> Result<(header: KeyChunkHeader, checksum: UInt64), Fault> {
    func word(_ offset: Int) -> UInt64 {
      unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    func half(_ offset: Int) -> UInt32 {
      unsafe UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
    let checksum = word(56)
    guard half(0) == KeyLogFormat.chunkMagic,
      unsafe checksum == XXH3.hash64(UnsafeRawBufferPointer(rebasing: bytes[..<56]), seed: seed)
    else { return .failure(Fault("the chunk header's checksum does not hold")) }
    let header = KeyChunkHeader(
      hasErased: half(4) == 1, first: half(8), count: half(12), tailBytes: word(24),
      padding: word(48), previous: word(32), bodyChecksum: word(40))
    guard half(4) <= 1, header.padding < KeyLogFormat.blockBytes, header.padding % 64 == 0 else {
      return .failure(Fault("the chunk has flags that this version does not know"))
    }
    guard header.count >= 1, header.count <= KeyLogFormat.chunkKeys else {
      return .failure(Fault("the chunk says it holds \(header.count) keys"))
    }
    let expected = stride.map { UInt64($0) * UInt64(header.count) }
    let fits =
      expected.map { header.tailBytes == $0 }
      ?? (header.tailBytes <= KeyLogFormat.chunkTailBytes)
    guard fits, word(16) == header.bodyBytes(varying: stride == nil) else {
      return .failure(Fault("the chunk's sizes contradict each other"))
    }
    return .success((header, checksum))
  }

  /// What is wrong with a header, in words.
  struct Fault: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
  }
}
