import LarderFiles

/// Makes the checksums of a changed row log segment hold again.
enum RowLogSeal {
  private static let headerSeed: UInt32 = 0x4C52_4448
  private static let commit: UInt32 = 3

  static func seal(_ bytes: inout [UInt8]) {
    guard bytes.count >= 4_096 else { return }
    bytes.store(CRC32C.checksum(Array(bytes[..<4_092]), continuing: headerSeed), at: 4_092)
    let seed = CRC32C.checksum(Array(bytes[16..<56]), continuing: headerSeed)
    let number: UInt32 = bytes.load(12) ?? 0
    var unit = 64
    var mixed: UInt32 = 0
    while let word: UInt32 = bytes.load(unit * 64 + 4), word != 0 {
      let start = unit * 64
      let units = Int(word & 0xFF_FFFF)
      guard units > 0, start + units * 64 <= bytes.count else { return }
      if word >> 24 == commit { bytes.store(mixed, at: start + 40) }
      let body = Array(bytes[start + 4..<start + units * 64])
      let slot = number << 20 | UInt32(truncatingIfNeeded: unit)
      let sum = CRC32C.checksum(body, continuing: seed ^ slot)
      bytes.store(sum, at: start)
      mixed =
        word >> 24 == commit
        ? 0 : (mixed ^ sum) &* 0x9E37_79B1 &+ (mixed << 13 | mixed >> 19)
      unit += units
    }
  }
}

/// Makes the checksums of a changed key index hold again, as of one that was closed clean.
enum IndexSeal {
  /// - Parameter boot: the boot it is made to be of; nil to leave what is there.
  static func seal(_ bytes: inout [UInt8]) {
    guard bytes.count >= 135_168 else { return }
    bytes.store(CRC32C.checksum(Array(bytes[..<80]), continuing: 0x4C52_4449), at: 80)
    let head = XXH3.hash64(Array(bytes[..<384]))
    let rest = XXH3.hash64(Array(bytes[448...]), seed: head)
    bytes.store(rest | 1, at: 384)
  }
}
