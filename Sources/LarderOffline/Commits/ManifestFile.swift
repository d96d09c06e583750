import LarderColumns
import LarderContract
import LarderEncodings
import LarderFiles

/// The frame of manifest files: names, headers, records.
///
/// `FORMAT.md` has the tables.
enum ManifestFile {
  /// Not text, with both line ends, so that a transfer that alters either is noticed.
  static let magic: UInt64 = 0x0A1A_0A0D_4E4D_4C89
  /// What is written.
  ///
  /// Version 1, which lacks a few fields, is read too; a file of it is never continued, so that a
  /// process which knows version 1 alone is refused instead of misled.
  static let major: UInt16 = 2
  static let headerBytes = 64
  /// Bytes of a record around its payload.
  static let recordHead = 32
  static let recordTail = 8
  /// Records end at multiples of this, so that no block of the disk holds bytes of two: a write
  /// that a power cut spoils cannot spoil the record before it.
  static let blockBytes: UInt64 = 4_096
  /// Zeros are written so far ahead of the end.
  static let ahead: UInt64 = 64 << 10

  /// `manifest-` and 20 digits.
  static func name(_ number: UInt64) -> String {
    let digits = String(number)
    return "manifest-" + String(repeating: "0", count: 20 - digits.count) + digits + ".log"
  }

  /// The number in a manifest file's name; nil for other names.
  static func number(of name: String) -> UInt64? {
    guard name.utf8.count == 33, name.hasPrefix("manifest-"), name.hasSuffix(".log") else {
      return nil
    }
    let digits = name.dropFirst(9).dropLast(4)
    guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return UInt64(digits)
  }

  /// What the header of a file says.
  struct Header: Sendable, Hashable {
    var store: FileIdentifier
    var number: UInt64
    /// The commit whose state the checkpoint holds.
    var firstCommit: UInt64
    /// The version of the format.
    var major = ManifestFile.major

    func encoded() -> [UInt8] {
      var writer = RecordWriter()
      writer.write(ManifestFile.magic)
      writer.write(major)
      writer.write(UInt16(0))
      writer.write(UInt32(ManifestFile.headerBytes))
      writer.write(store)
      writer.write(number)
      writer.write(firstCommit)
      writer.write(UInt64(0))
      var bytes = writer.bytes
      let hash = XXH3.hash64(bytes, seed: ManifestFile.magic)
      unsafe withUnsafeBytes(of: hash.littleEndian) { unsafe bytes.append(contentsOf: $0) }
      return bytes
    }

    /// Reads a header; nil if it does not verify.
    ///
    /// - Throws: `unsupportedVersion` if it does and a later version wrote it.
    static func decode(_ bytes: [UInt8], file: String) throws(LarderError) -> Header? {
      guard bytes.count >= ManifestFile.headerBytes else { return nil }
      let body = Array(bytes[..<56])
      var reader = RecordReader(
        Array(bytes[..<ManifestFile.headerBytes]), file: file, origin: 0)
      guard try reader.read(UInt64.self) == ManifestFile.magic else { return nil }
      let major = try reader.read(UInt16.self)
      _ = try reader.read(UInt16.self)
      let length = try reader.read(UInt32.self)
      let store = try reader.readIdentifier()
      let number = try reader.read(UInt64.self)
      let first = try reader.read(UInt64.self)
      _ = try reader.read(UInt64.self)
      let hash = try reader.read(UInt64.self)
      guard hash == XXH3.hash64(body, seed: ManifestFile.magic) else { return nil }
      guard (1...ManifestFile.major).contains(major), length == ManifestFile.headerBytes else {
        throw LarderError(
          .unsupportedVersion,
          "The manifest has the format \(major); this version of Larder knows 1 to "
            + "\(ManifestFile.major).", file: file)
      }
      return Header(store: store, number: number, firstCommit: first, major: major)
    }
  }

  /// The bytes of a record and the chain hash that it ends with.
  ///
  /// - Parameters:
  ///   - offset: where the record goes; it is padded to end a block.
  ///   - limit: bytes of a record at most; lower only in tests.
  static func encode(
    _ body: ManifestRecord.Body, id: UInt64, time: Int64, previous: UInt64,
    store: FileIdentifier, at offset: UInt64, limit: Int = Limits.manifestRecordBytes
  ) throws(LarderError) -> (bytes: [UInt8], chainHash: UInt64) {
    let (type, payload) = ManifestCodec.encode(body)
    let least = offset + UInt64(recordHead + payload.count + recordTail)
    let length = Int((least + blockBytes - 1) / blockBytes * blockBytes - offset)
    let padding = length - recordHead - payload.count - recordTail
    guard length <= limit else {
      throw LarderError(
        .limitExceeded, "The commit's record has \(length) bytes; at most \(limit) fit.")
    }
    var writer = RecordWriter()
    writer.write(UInt32(length))
    writer.write(type | UInt32(padding) << paddingShift)
    writer.write(id)
    writer.write(time)
    writer.write(previous)
    var bytes = writer.bytes
    bytes += payload
    bytes += [UInt8](repeating: 0, count: padding)
    let hash = XXH3.hash64(bytes, seed: seed(store))
    unsafe withUnsafeBytes(of: hash.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    return (bytes, hash)
  }

  /// Binds records to their store.
  static func seed(_ store: FileIdentifier) -> UInt64 { store.high ^ store.low ^ magic }

  /// The type word also says how many bytes of padding follow the payload.
  static let paddingShift: UInt32 = 8
  static let paddingMask: UInt32 = 0x00FF_FF00

  /// A record's frame, verified.
  struct Frame {
    var type: UInt32
    var id: UInt64
    var time: Int64
    var previous: UInt64
    var chainHash: UInt64
    /// Where the record starts and ends in the file.
    var range: Range<UInt64>
    var payload: [UInt8]
  }

  /// The record that starts at an offset of a run of bytes, if its length and hash are right.
  ///
  /// - Parameter origin: where the run starts in the file.
  static func frame(
    in bytes: [UInt8], at offset: Int, origin: UInt64, store: FileIdentifier
  ) -> Frame? {
    func word<T: FixedWidthInteger>(_ at: Int, _ type: T.Type) -> T {
      unsafe bytes.withUnsafeBytes {
        unsafe T(littleEndian: $0.loadUnaligned(fromByteOffset: at, as: T.self))
      }
    }
    guard offset >= 0, bytes.count - offset >= recordHead + recordTail else { return nil }
    let length = Int(word(offset, UInt32.self))
    guard length >= recordHead + recordTail, length & 7 == 0,
      length <= Limits.manifestRecordBytes, length <= bytes.count - offset
    else { return nil }
    let end = offset + length
    let hash = word(end - 8, UInt64.self)
    let actual = unsafe bytes.withUnsafeBytes {
      unsafe XXH3.hash64(UnsafeRawBufferPointer(rebasing: $0[offset..<end - 8]), seed: seed(store))
    }
    guard hash == actual else { return nil }
    let typeWord = word(offset + 4, UInt32.self)
    let padding = Int((typeWord & paddingMask) >> paddingShift)
    guard padding <= length - recordHead - recordTail else { return nil }
    return Frame(
      type: typeWord & ~paddingMask, id: word(offset + 8, UInt64.self),
      time: word(offset + 16, Int64.self), previous: word(offset + 24, UInt64.self),
      chainHash: hash, range: origin + UInt64(offset)..<origin + UInt64(end),
      payload: Array(bytes[offset + recordHead..<end - 8 - padding]))
  }
}
