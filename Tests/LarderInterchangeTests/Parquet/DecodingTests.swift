import LarderColumns
import TestSupport
import Testing

@testable import LarderInterchange

/// The encodings' examples in the format's own page, and their edges.
@Suite struct DecodingTests {
  @Test func crcOfTheCheckString() {
    let value = Array("123456789".utf8).withUnsafeBytes { CRC32.checksum($0) }
    #expect(value == 0xCBF4_3926)
  }

  @Test func snappyLiteralsAndCopies() throws {
    // 12 bytes: the literal "abc", then 9 bytes from 3 back.
    let input: [UInt8] = [12, 2 << 2, 0x61, 0x62, 0x63, (9 - 4) << 2 | 1, 3]
    #expect(try unpackSnappy(input, 12) == Array("abcabcabcabc".utf8))
    for (bad, count) in [
      ([], 0), ([12], 12), ([12, 2 << 2, 0x61], 12), (input, 13), (input.dropLast(), 12),
      ([4, 1, 1], 4), ([4, 0, 0x61, (4 - 4) << 2 | 1, 2], 4), (input + [0, 1], 12),
    ] as [([UInt8], Int)] {
      #expect(throws: LarderError.self) { try unpackSnappy(Array(bad), count) }
    }
  }

  private func unpackSnappy(_ input: [UInt8], _ count: Int) throws -> [UInt8] {
    let output = Buffer(uninitializedBytes: count)
    let source = Buffer(copying: input)
    defer { withExtendedLifetime((source, output)) {} }
    try decompressSnappy(source.bytes, into: output.mutableBytes)
    return Array(output.bytes)
  }

  @Test func hybridRunsAndPackedGroups() throws {
    // 5 times 4, then the numbers 0 to 7 of 3 bits, as in the format's page.
    let input: [UInt8] = [5 << 1, 4, 1 << 1 | 1, 0b1000_1000, 0b1100_0110, 0b1111_1010]
    let bytes = Buffer(copying: input)
    defer { withExtendedLifetime(bytes) {} }
    var decoder = try HybridDecoder(bytes.bytes, width: 3)
    var values = [UInt32](repeating: 0, count: 13)
    try decoder.decode(into: &values, count: 7, bound: 8)
    try values.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      try decoder.decode(into: base + 7, count: 6, bound: 8)
    }
    #expect(values == [4, 4, 4, 4, 4, 0, 1, 2, 3, 4, 5, 6, 7])
    #expect(throws: LarderError.self) { try decoder.decode(into: &values, count: 1, bound: 8) }
    var strict = try HybridDecoder(bytes.bytes, width: 3)
    #expect(throws: LarderError.self) { try strict.decode(into: &values, count: 13, bound: 7) }
    #expect(throws: LarderError.self) { _ = try HybridDecoder(bytes.bytes, width: 33) }
  }

  @Test func bitsAreCopiedFromAnyPlaceToAnyPlace() {
    var random = SeededRandom(seed: 5)
    for _ in 0..<300 {
      let source = (0..<40).map { _ in UInt8(random.int(0...255)) }
      let old = (0..<40).map { _ in UInt8(random.int(0...255)) }
      let (from, to, count) = (random.int(0...60), random.int(0...60), random.int(0...190))
      let (a, b, before) = (Buffer(copying: source), Buffer(copying: old), Buffer(copying: old))
      defer { withExtendedLifetime((a, b, before)) {} }
      let ones = copyBits(a.base, from: from, to: b.base, at: to, count: count)
      var expected = 0
      for index in 0..<320 {
        let inside = index >= to && index < to + count
        let value = inside ? bit(a.base, from + index - to) : bit(before.base, index)
        #expect(bit(b.base, index) == value)
        expected += inside && value ? 1 : 0
      }
      #expect(ones == expected)
    }
  }

  @Test func decimalsOfAnyWidth() {
    #expect(decimal([0xFB, 0x1E], 2) == "-12.50")
    #expect(decimal([0], 3) == "0.000")
    #expect(decimal([0xFF], 3) == "-0.001")
    #expect(
      decimal([UInt8](repeating: 0x7F, count: 1) + [UInt8](repeating: 0xFF, count: 15), 0)
        == "170141183460469231731687303715884105727")
    #expect(
      decimal([0x80] + [UInt8](repeating: 0, count: 15), 5)
        == "-1701411834604692317316873037158841.05728")
  }

  private func decimal(_ bytes: [UInt8], _ scale: Int) -> String {
    let out = Buffer(uninitializedBytes: decimalTextBytes(bytes.count, scale))
    defer { withExtendedLifetime(out) {} }
    let count = bytes.withUnsafeBytes {
      writeDecimal($0, scale: scale, to: out.base.assumingMemoryBound(to: UInt8.self))
    }
    return String(decoding: out.bytes[..<count], as: UTF8.self)
  }

  @Test func float16WidensExactly() {
    #expect(Float(bitPattern: widenFloat16(0x3C00)) == 1)
    #expect(Float(bitPattern: widenFloat16(0x0001)) == 5.960464477539063e-8)
    #expect(Float(bitPattern: widenFloat16(0x03FF)) == 6.097555160522461e-5)
    #expect(Float(bitPattern: widenFloat16(0xFBFF)) == -65504)
    #expect(Float(bitPattern: widenFloat16(0x7C00)) == .infinity)
    #expect(Float(bitPattern: widenFloat16(0x8000)).bitPattern == 0x8000_0000)
    #expect(Float(bitPattern: widenFloat16(0x7E01)).isNaN)
  }

  @Test func utf8IsChecked() {
    for (bytes, good) in [
      (Array("straße 日本 🦔".utf8), true), ([0xC0, 0x80], false), ([0xED, 0xA0, 0x80], false),
      ([0xF4, 0x90, 0x80, 0x80], false), ([0xE2, 0x82], false), ([0x80], false),
      ([0xEF, 0xBF, 0xBF], true),
    ] as [([UInt8], Bool)] {
      #expect(bytes.withUnsafeBytes { isUTF8($0) } == good)
      #expect((String(validating: bytes, as: UTF8.self) != nil) == good)
    }
  }

  @Test func metadataNestingAndLengthsAreLimited() {
    // Lists of lists of lists: one byte a level.
    let deep = [UInt8](repeating: 0x19, count: 200)
    #expect(throws: LarderError.self) {
      try deep.withUnsafeBytes {
        var reader = CompactReader($0)
        try reader.skip(.list)
      }
    }
    // A list that claims more elements than there are bytes.
    let long: [UInt8] = [0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0]
    #expect(throws: LarderError.self) {
      try long.withUnsafeBytes {
        var reader = CompactReader($0)
        _ = try reader.list()
      }
    }
  }
}
