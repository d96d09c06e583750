import LarderFiles

/// Makes the checksums of a changed key log hold again.
enum KeyLogSeal {
  /// - Parameter original: the file before, whose identity seeds the checksums.
  static func seal(_ bytes: inout [UInt8], original: [UInt8]) {
    guard let header: UInt32 = bytes.load(12), header >= 64, Int(header) <= bytes.count else {
      return
    }
    var chain = XXH3.hash64(Array(bytes[..<(Int(header) - 8)]))
    bytes.store(chain, at: Int(header) - 8)
    var at = Int(header)
    while at <= bytes.count - 64, bytes.load(at, as: UInt32.self) == 0x4B43_4C4C {
      guard let length: UInt64 = bytes.load(at + 16),
        let body = bytes.slice(UInt64(at + 64), length)
      else { return }
      let seed = seed(original, at)
      bytes.store(chain, at: at + 32)
      bytes.store(XXH3.hash64(body, seed: seed), at: at + 40)
      chain = XXH3.hash64(Array(bytes[at..<at + 56]), seed: seed)
      bytes.store(chain, at: at + 56)
      at += 64 + Int(length)
    }
  }

  private static func seed(_ header: [UInt8], _ offset: Int) -> UInt64 {
    let low: UInt64 = header.load(24) ?? 0
    var seed = (header.load(16) ?? 0) ^ (low &* 0x9E37_79B9_7F4A_7C15)
    for word in [header.load(32) ?? 0, header.load(40) ?? 0, UInt64(offset)] as [UInt64] {
      seed = (seed ^ word) &* 0xD6E8_FEB8_6659_FD93
      seed ^= seed >> 32
    }
    return seed
  }
}

/// Makes the checksums of a changed key map hold again.
enum KeyMapSeal {
  static func seal(_ bytes: inout [UInt8]) {
    guard bytes.count > 4_096, let lines: UInt64 = bytes.load(80),
      let high: UInt64 = bytes.load(48), let low: UInt64 = bytes.load(56)
    else { return }
    func seed(_ place: UInt64) -> UInt64 {
      (high &+ place &* 0x9E37_79B9_7F4A_7C15) ^ (low << 1 | low >> 63)
    }
    let (length, overflow) = lines.multipliedReportingOverflow(by: 64)
    if !overflow, length <= UInt64(bytes.count - 4_096) {
      let end = 4_096 + Int(length)
      for (block, start) in stride(from: 4_096, to: end, by: 65_536).enumerated() {
        let body = Array(bytes[start..<min(end, start + 65_536)])
        bytes.store(XXH3.hash64(body, seed: seed(UInt64(block))), at: end + block * 8)
      }
      let sums = Array(bytes[end...])
      bytes.store(XXH3.hash64(sums, seed: seed(.max)), at: 88)
    }
    bytes.store(XXH3.hash64(Array(bytes[..<4_088])), at: 4_088)
  }
}
