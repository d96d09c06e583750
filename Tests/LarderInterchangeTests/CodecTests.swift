import LarderColumns
import Testing

@testable import LarderInterchange

/// Decompression of bytes that nobody vouches for: whole, or refused.
@Suite struct CodecTests {
  /// A gzip member of stored blocks, without compression.
  static func member(_ text: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF, 1]
    let count = UInt16(text.count)
    for word in [count, ~count] { bytes += [UInt8(word & 0xFF), UInt8(word >> 8)] }
    bytes += text
    let checksum = text.withUnsafeBytes { CRC32.checksum($0) }
    for word in [checksum, UInt32(text.count)] {
      bytes += (0..<4).map { UInt8(word >> ($0 * 8) & 0xFF) }
    }
    return bytes
  }

  /// The same as zlib frames it.
  private func zlib(_ text: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = [0x78, 0x01, 1]
    let count = UInt16(text.count)
    for word in [count, ~count] { bytes += [UInt8(word & 0xFF), UInt8(word >> 8)] }
    bytes += text
    var (a, b): (UInt32, UInt32) = (1, 0)
    for byte in text {
      a = (a + UInt32(byte)) % 65_521
      b = (b + a) % 65_521
    }
    let sum = b << 16 | a
    return bytes + (0..<4).map { UInt8(sum >> (24 - $0 * 8) & 0xFF) }
  }

  private func inflate(_ packed: [UInt8], _ count: Int) throws -> [UInt8] {
    let output = Buffer(uninitializedBytes: count)
    try packed.withUnsafeBytes { bytes in
      try DeflateDecompressor().decompress(bytes, into: output.mutableBytes)
    }
    return Array(output.bytes)
  }

  @Test func gzipHasSeveralMembersOrZlibsFraming() throws {
    let (a, b) = (Array("hello, ".utf8), Array("world".utf8))
    #expect(try inflate(Self.member(a) + Self.member(b), 12) == a + b)
    #expect(try inflate(zlib(a + b), 12) == a + b)
    #expect(try inflate(Self.member([]), 0) == [])
    let packed = Self.member(a)
    // The header's size counts: neither less nor more.
    for count in [0, 6, 8, 1 << 20] {
      #expect(throws: LarderError.self) { try inflate(packed, count) }
    }
    for cut in 0..<packed.count {
      #expect(throws: LarderError.self) { try inflate(Array(packed.prefix(cut)), 7) }
    }
    // Behind the header and the padding of the block's first byte.
    for place in packed.indices.dropFirst(11) {
      var harmed = packed
      harmed[place] ^= 0x10
      #expect(throws: LarderError.self) { try inflate(harmed, 7) }
    }
  }

  @Test func compressedTextIsReadWhole() throws {
    let text = "k,t\n" + (0..<4_000).map { "\($0),x\n" }.joined()
    let lines = Array(text.utf8)
    let half = lines.count / 2
    let packed = Self.member(Array(lines[..<half])) + Self.member(Array(lines[half...])) + [0, 0]
    let source = ByteSource(name: "t.csv.gz", bytes: packed)
    #expect(try source.detectFormat() == .text)
    #expect(try CSVTable(source).readAll().count == 4_000)
    let cut = ByteSource(name: "t.csv.gz", bytes: Array(packed.prefix(packed.count - 9)))
    #expect(throws: LarderError.self) { try cut.detectFormat() }
  }

  @Test func zstdTextIsReadWhole() throws {
    let lines = Array(("k,t\n" + (0..<9_000).map { "\($0),x\n" }.joined()).utf8)
    var packed: [UInt8] = []
    let compressor = try ZstdCompressor(level: 1)
    for part in [lines[..<100], lines[100...]] {
      try Array(part).withUnsafeBytes { try compressor.append($0, to: &packed) }
    }
    let source = ByteSource(name: "t.csv.zst", bytes: packed)
    #expect(try source.detectFormat() == .text)
    #expect(try CSVTable(source).readAll().count == 9_000)
    let cut = ByteSource(name: "t.csv.zst", bytes: Array(packed.dropLast(5)))
    #expect(throws: LarderError.self) { try cut.detectFormat() }
  }

  /// An LZ4 block of literals alone.
  private func block(_ text: [UInt8]) -> [UInt8] {
    precondition(text.count < 15)
    return [UInt8(text.count) << 4] + text
  }

  private func word(_ value: Int) -> [UInt8] {
    (0..<4).map { UInt8(value >> (24 - $0 * 8) & 0xFF) }
  }

  private func unframe(_ packed: [UInt8], _ count: Int) throws -> [UInt8] {
    let output = Buffer(uninitializedBytes: count)
    try packed.withUnsafeBytes { try decompressHadoopLZ4($0, into: output.mutableBytes) }
    return Array(output.bytes)
  }

  @Test func hadoopsLZ4IsFramedOrBare() throws {
    let (a, b) = (Array("hello, ".utf8), Array("world".utf8))
    let framed =
      word(7) + word(block(a).count) + block(a) + word(5) + word(block(b).count) + block(b)
    #expect(try unframe(framed, 12) == a + b)
    #expect(try unframe(block(a), 7) == a)
    for count in [0, 7, 11, 13] { #expect(throws: LarderError.self) { try unframe(framed, count) } }
    for cut in 1..<framed.count {
      #expect(throws: LarderError.self) { try unframe(Array(framed.prefix(cut)), 12) }
    }
  }

  @Test func nullsTakeNoMemory() throws {
    let column = Column.nulls(.string, count: 50_000_000)
    #expect(column.nullCount == column.count && column[49_999_999] == .null)
    #expect(!column.isValid(0))
  }
}
