import CLarderKernels
import LarderKeys
import TestSupport
import Testing

@Suite struct KeyKernelTests {
  @Test func hashesAgreeWithTheirTwin() {
    var random = SeededRandom(seed: 31)
    for length in Array(0...70) + [127, 128, 129, 1_000] {
      // Other bytes after the tail must not matter: the kernel loads whole words.
      for _ in 0..<8 {
        let bytes = (0..<length + 8).map { _ in UInt8.random(in: 0...255, using: &random) }
        var hash: UInt64 = 0
        bytes.withUnsafeBufferPointer { buffer in
          var tails = larder_key_tails(
            tails: buffer.baseAddress, offsets: nil, stride: length)
          larder_keys_hash(&tails, 0, 1, .max, &hash)
        }
        let twin = bytes[..<length].withUnsafeBytes { KeyHash.hash($0) }
        #expect(hash == twin, "length \(length)")
      }
    }
  }

  @Test func hashesAreWhatTheFormatSays() {
    // Pinned: changing them needs a new hash version.
    #expect(KeyHash.version == 1)
    #expect(KeyHash.hash(1001) == 0x196DE59E76BED2D7)
    #expect("alice".utf8.map { $0 }.withUnsafeBytes { KeyHash.hash($0) } == 0x4FE740E0C9E4C04F)
    let long = Array(0..<100 as Range<UInt8>)
    #expect(long.withUnsafeBytes { KeyHash.hash($0) } == 0xC11A9295955BEDF5)
  }

  /// Keys as people have them, in a table at the load that the engine uses.
  @Test(arguments: [
    "sequence", "tens", "thousands", "by 64", "powers of two", "high bits", "hours", "random",
    "negative",
  ])
  func hashesSpreadCommonKeys(_ pattern: String) {
    var random = SeededRandom(seed: 32)
    let count = 100_000
    let lines = UInt64(count * 2 / 5 + 1)
    var held = [Int](repeating: 0, count: Int(lines))
    for number in 0..<count {
      let n = Int64(number)
      let key: Int64 =
        switch pattern {
        case "sequence": n
        case "tens": n * 10
        case "thousands": n * 1_000_000
        case "by 64": n << 6
        case "powers of two": n << 20
        case "high bits": n << 47
        case "hours": 1_700_000_000 + n * 3_600
        case "random": Int64(bitPattern: random.next())
        default: -n
        }
      held[Int(KeyHash.line(of: KeyHash.hash(UInt64(bitPattern: key)), count: lines))] += 1
    }
    // A random hash leaves 2.5 % of the keys without room in their first line.
    let beyond = held.reduce(0) { $0 + max(0, $1 - 5) }
    #expect(beyond < count * 3 / 100, "\(beyond) of \(count)")
    #expect(held.max() ?? 0 < 20)
  }

  @Test func searchesAgreeOnEveryProcessor() {
    var random = SeededRandom(seed: 33)
    for tagsAreHashes in [0, 1] as [UInt32] {
      let lines = 200
      let none = UInt32.max
      var memory = [larder_key_line](
        repeating: larder_key_line(
          tags: (0, 0, 0, 0, 0), ids: (none, none, none, none, none, none)), count: lines)
      let tags = (0..<800).map { _ in random.next() >> UInt64(random.int(0...63)) }
      let ids = (0..<800).map { UInt32($0) }
      memory.withUnsafeMutableBufferPointer { buffer in
        var table = larder_key_table(
          lines: buffer.baseAddress, homes: UInt64(lines), count: UInt64(lines),
          hash_mask: .max, verified: nil, tags_are_hashes: tagsAreHashes, spare: 0)
        larder_keys_insert(&table, tags, ids, 800)
        let asked = tags + (0..<800).map { _ in random.next() } + [0, 1, .max]
        var fast = [UInt32](repeating: 1, count: asked.count)
        var portable = [UInt32](repeating: 2, count: asked.count)
        var blocked: UInt64 = 0
        let done = larder_keys_find(&table, asked, asked.count, &fast, &blocked)
        let also = larder_keys_find_portable(&table, asked, asked.count, &portable, &blocked)
        #expect(done == asked.count && also == asked.count)
        #expect(fast == portable)
        #expect(fast.prefix(800).allSatisfy { $0 != .max })
      }
    }
  }
}
