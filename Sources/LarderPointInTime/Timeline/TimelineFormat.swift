import LarderColumns
import LarderEncodings
import LarderFiles

/// The header and the directory of a timeline file, version 1; `FORMAT.md` is their prose.
struct TimelineFormat: Sendable {
  /// A segment that the timeline covers.
  struct Covered: Sendable, Hashable {
    var uuid: FileIdentifier
    var rows: Int
  }

  /// `LTIM\r\n^Z\n`: a transfer in text mode, or one that stops at ^Z, damages it.
  static let magic: [UInt8] = [0x4C, 0x54, 0x49, 0x4D, 0x0D, 0x0A, 0x1A, 0x0A]
  static let majorVersion: UInt16 = 1
  static let headerBytes = 128
  /// Bytes under one checksum.
  static let blockBytes = 65_536
  /// Files are called `<uuid>.timeline`.
  static let suffix = ".timeline"

  /// The file's own identifier, which seeds its checksums.
  var uuid: FileIdentifier
  /// The view whose entities it tells of.
  var viewID: UInt64
  /// The covered segments, in the order of their ordinals.
  var segments: [Covered]
  /// How many heads there are.
  var ids: Int
  /// How many entries there are.
  var entries: Int
  /// The checksum of each block.
  var sums: [UInt64] = []

  /// Bytes of heads and entries.
  var bodyBytes: Int {
    ids * MemoryLayout<TimelineHead>.stride + entries * MemoryLayout<TimelineEntry>.stride
  }
  /// How many blocks they are.
  var blocks: Int { (bodyBytes + Self.blockBytes - 1) / Self.blockBytes }
  /// Where they begin: at a cache line.
  var bodyStart: Int { (Self.headerBytes + directoryBytes + 63) / 64 * 64 }
  /// Bytes of the directory.
  var directoryBytes: Int { segments.count * 24 + blocks * 8 }

  /// What a part of the file begins its checksum with, so that parts of other files, or of other
  /// places, do not verify.
  func seed(_ kind: UInt64, _ index: Int = 0) -> UInt64 {
    var writer = RecordWriter()
    for word in [uuid.high, uuid.low, kind, UInt64(index)] { writer.write(word) }
    return XXH3.hash64(writer.bytes)
  }

  /// The seed of a block.
  func blockSeed(_ block: Int) -> UInt64 { seed(3, block) }

  /// Header and directory, padded to where the body begins.
  var encoded: [UInt8] {
    var directory = RecordWriter()
    for segment in segments {
      directory.write(segment.uuid.high)
      directory.write(segment.uuid.low)
      directory.write(UInt64(segment.rows))
    }
    for sum in sums { directory.write(sum) }
    var writer = RecordWriter()
    writer.write(bytes: Self.magic)
    writer.write(Self.majorVersion)
    writer.write(0 as UInt16)
    writer.write(0 as UInt32)
    for word in [
      uuid.high, uuid.low, viewID, UInt64(ids), UInt64(entries), UInt64(segments.count),
      XXH3.hash64(directory.bytes, seed: seed(2)),
    ] { writer.write(word) }
    writer.write(bytes: [UInt8](repeating: 0, count: Self.headerBytes - 8 - writer.bytes.count))
    writer.write(XXH3.hash64(writer.bytes, seed: seed(1)))
    writer.write(bytes: directory.bytes)
    writer.write(bytes: [UInt8](repeating: 0, count: bodyStart - writer.bytes.count))
    return writer.bytes
  }

  /// Reads and checks the header and the directory of a file.
  ///
  /// - Throws: `corrupt`; `unsupportedVersion`.
  init(_ file: any File) throws(LarderError) {
    let path = file.path
    let length = try file.status().bytes
    func corrupt(_ message: String) -> LarderError {
      LarderError(.corrupt, message + " Remove the file: it is derived.", file: path)
    }
    guard length >= UInt64(Self.headerBytes) else {
      throw corrupt("\(length) bytes are not a timeline.")
    }
    let bytes = try file.readExactly(Self.headerBytes, at: 0)
    var reader = RecordReader(bytes, file: path, origin: 0)
    guard try reader.readBytes(8) == Self.magic else {
      throw corrupt("The file does not start as a timeline does.")
    }
    let major = try reader.read(UInt16.self)
    _ = try reader.read(UInt16.self)
    let flags = try reader.read(UInt32.self)
    uuid = FileIdentifier(high: try reader.read(UInt64.self), low: try reader.read(UInt64.self))
    viewID = try reader.read(UInt64.self)
    segments = []
    ids = try reader.read("ids", in: 0...Int(UInt32.max))
    entries = try reader.read("entries", in: 0...Int(UInt32.max))
    let covered = try reader.read("segments", in: 0...TimelineEntry.segments)
    let directorySum = try reader.read(UInt64.self)
    var last = RecordReader(Array(bytes[120...]), file: path, origin: 120)
    guard try last.read(UInt64.self) == XXH3.hash64(Array(bytes[..<120]), seed: seed(1)) else {
      throw corrupt("The timeline's header does not match its checksum.")
    }
    guard major == Self.majorVersion, flags == 0 else {
      throw LarderError(
        .unsupportedVersion,
        "The timeline has version \(major) and flags \(flags); this release reads version "
          + "\(Self.majorVersion) without flags.", file: path)
    }
    let count = covered * 24 + blocks * 8
    let start = (Self.headerBytes + count + 63) / 64 * 64
    guard length == UInt64(start + bodyBytes) else {
      throw corrupt("The timeline has \(length) bytes, which its header contradicts.")
    }
    let directory = try file.readExactly(count, at: UInt64(Self.headerBytes))
    guard XXH3.hash64(directory, seed: seed(2)) == directorySum else {
      throw corrupt("The timeline's directory does not match its checksum.")
    }
    var names = RecordReader(directory, file: path, origin: UInt64(Self.headerBytes))
    for _ in 0..<covered {
      let uuid = FileIdentifier(
        high: try names.read(UInt64.self), low: try names.read(UInt64.self))
      segments.append(
        Covered(uuid: uuid, rows: try names.read("rows", in: 1...Limits.segmentRows)))
    }
    for _ in 0..<blocks { sums.append(try names.read(UInt64.self)) }
  }

  init(uuid: FileIdentifier, viewID: UInt64, segments: [Covered], ids: Int, entries: Int) {
    self.uuid = uuid
    self.viewID = viewID
    self.segments = segments
    self.ids = ids
    self.entries = entries
  }
}
