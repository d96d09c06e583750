import LarderFiles
import TestSupport
import Testing

@Suite struct ChecksumTests {
  @Test func xxh3AgreesWithTheReferenceAtChosenLengths() {
    let bytes = XXH3Vectors.bytes(100_000)
    for (count, expected) in XXH3Vectors.hashes {
      for (seed, hash) in zip(XXH3Vectors.seeds, expected) {
        bytes.withUnsafeBytes { all in
          let part = UnsafeRawBufferPointer(rebasing: all[..<count])
          #expect(XXH3.hash64(part, seed: seed) == hash, "length \(count), seed \(seed)")
          #expect(XXH3.portableHash64(part, seed: seed) == hash, "length \(count), seed \(seed)")
        }
      }
    }
  }

  @Test func xxh3AgreesWithTheReferenceAtEveryLength() {
    let bytes = XXH3Vectors.bytes(4100)
    for (seed, expected) in zip(XXH3Vectors.seeds, XXH3Vectors.folds) {
      var fold: UInt64 = 0
      for count in 0...4100 {
        let hash = bytes.withUnsafeBytes { all in
          XXH3.hash64(UnsafeRawBufferPointer(rebasing: all[..<count]), seed: seed)
        }
        fold = (fold << 1 | fold >> 63) ^ hash
      }
      #expect(fold == expected, "seed \(seed)")
    }
  }

  @Test(arguments: 0..<40 as Range<UInt64>)
  func xxh3KernelAgreesWithItsTwinAtAnyAddress(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let bytes = (0..<6000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    for _ in 0..<10 {
      let start = random.int(0...200)
      let end = random.int(start...bytes.count)
      let key = random.next()
      bytes.withUnsafeBytes { all in
        let part = UnsafeRawBufferPointer(rebasing: all[start..<end])
        #expect(
          XXH3.hash64(part, seed: key) == XXH3.portableHash64(part, seed: key),
          "seed \(seed), bytes \(start)..<\(end)")
      }
    }
  }

  @Test func crc32cGivesTheStandardVectors() {
    let vectors: [([UInt8], UInt32)] = [
      ([], 0), (Array("123456789".utf8), 0xE306_9283),
      ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
      ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43), (Array(0..<32), 0x46DD_794E),
      (Array((0..<32).reversed()), 0x113F_DB5C),
    ]
    for (bytes, expected) in vectors {
      #expect(CRC32C.checksum(bytes) == expected)
      #expect(bytes.withUnsafeBytes { CRC32C.portableChecksum($0) } == expected)
    }
  }

  @Test(arguments: 0..<40 as Range<UInt64>)
  func crc32cAgreesWithItsTwinAndContinues(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let bytes = (0..<300).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    let start = random.int(0...40)
    let end = random.int(start...bytes.count)
    let middle = random.int(start...end)
    let first = UInt32(truncatingIfNeeded: random.next())
    bytes.withUnsafeBytes { all in
      let whole = UnsafeRawBufferPointer(rebasing: all[start..<end])
      let sum = CRC32C.checksum(whole, continuing: first)
      #expect(sum == CRC32C.portableChecksum(whole, continuing: first), "seed \(seed)")
      let head = CRC32C.checksum(
        UnsafeRawBufferPointer(rebasing: all[start..<middle]), continuing: first)
      let tail = UnsafeRawBufferPointer(rebasing: all[middle..<end])
      #expect(CRC32C.checksum(tail, continuing: head) == sum, "seed \(seed)")
    }
  }

  @Test func everyFlippedBitChangesBothChecksums() {
    var bytes = XXH3Vectors.bytes(300)
    let hash = XXH3.hash64(bytes, seed: 7)
    let sum = CRC32C.checksum(bytes, continuing: 7)
    for bit in 0..<bytes.count * 8 {
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(XXH3.hash64(bytes, seed: 7) != hash)
      #expect(CRC32C.checksum(bytes, continuing: 7) != sum)
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    }
  }
}
