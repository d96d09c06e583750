import LarderFiles

/// Makes the checksums of a changed timeline hold again.
enum TimelineSeal {
  static func seal(_ bytes: inout [UInt8]) {
    guard bytes.count >= 128, let high: UInt64 = bytes.load(16), let low: UInt64 = bytes.load(24),
      let ids: UInt64 = bytes.load(40), let entries: UInt64 = bytes.load(48),
      let segments: UInt64 = bytes.load(56)
    else { return }
    func seed(_ kind: UInt64, _ index: Int = 0) -> UInt64 {
      var words: [UInt8] = []
      for word in [high, low, kind, UInt64(index)] {
        for index in 0..<8 { words.append(UInt8(truncatingIfNeeded: word >> (8 * index))) }
      }
      return XXH3.hash64(words)
    }
    let limit = UInt64(bytes.count)
    if ids < limit, entries < limit, segments < limit {
      let body = Int(ids) * 8 + Int(entries) * 24
      let blocks = (body + 65_535) / 65_536
      let directory = 24 * Int(segments) + 8 * blocks
      let start = (128 + directory + 63) / 64 * 64
      for block in 0..<blocks {
        let first = start + block * 65_536
        let end = min(start + body, first + 65_536)
        guard end <= bytes.count else { break }
        bytes.store(
          XXH3.hash64(Array(bytes[first..<end]), seed: seed(3, block)),
          at: 128 + 24 * Int(segments) + 8 * block)
      }
      if let words = bytes.slice(128, UInt64(directory)) {
        bytes.store(XXH3.hash64(words, seed: seed(2)), at: 64)
      }
    }
    bytes.store(XXH3.hash64(Array(bytes[..<120]), seed: seed(1)), at: 120)
  }
}
