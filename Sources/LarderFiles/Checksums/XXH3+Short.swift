/// Inputs of up to 240 bytes.
extension XXH3 {
  /// The hash of at most 240 bytes, by the specification's five ranges of length.
  @inline(__always)
  static func shortHash(_ bytes: UnsafeRawBufferPointer, _ seed: UInt64) -> UInt64 {
    switch bytes.count {
    case 0:
      return unsafe roundOff(seed ^ xxh3Secret.word64(56) ^ xxh3Secret.word64(64))
    case 1...3: return unsafe hash1to3(bytes, seed)
    case 4...8: return unsafe hash4to8(bytes, seed)
    case 9...16: return unsafe hash9to16(bytes, seed)
    case 17...128: return unsafe hash17to128(bytes, seed)
    default: return unsafe hash129to240(bytes, seed)
    }
  }

  /// The last step of the shortest forms.
  @inline(__always)
  private static func roundOff(_ value: UInt64) -> UInt64 {
    var hash = value
    hash ^= hash &>> 33
    hash = hash &* XXH3Prime.wide2
    hash ^= hash &>> 29
    hash = hash &* XXH3Prime.wide3
    return hash ^ hash &>> 32
  }

  @inline(__always)
  private static func rotated(_ value: UInt64, by bits: UInt64) -> UInt64 {
    value &<< bits | value &>> (64 &- bits)
  }

  private static func hash1to3(_ bytes: UnsafeRawBufferPointer, _ seed: UInt64) -> UInt64 {
    let count = bytes.count
    let first = unsafe UInt64(bytes[0])
    let middle = unsafe UInt64(bytes[count / 2])
    let last = unsafe UInt64(bytes[count - 1])
    let joined = first &<< 16 | middle &<< 24 | last | UInt64(count) &<< 8
    let key = unsafe (xxh3Secret.word32(0) ^ xxh3Secret.word32(4)) &+ seed
    return roundOff(joined ^ key)
  }

  private static func hash4to8(_ bytes: UnsafeRawBufferPointer, _ seed: UInt64) -> UInt64 {
    let count = bytes.count
    let spread = seed ^ UInt64(UInt32(truncatingIfNeeded: seed).byteSwapped) &<< 32
    let key = unsafe (xxh3Secret.word64(8) ^ xxh3Secret.word64(16)) &- spread
    var hash = unsafe (bytes.word32(count - 4) &+ bytes.word32(0) &<< 32) ^ key
    hash ^= rotated(hash, by: 49) ^ rotated(hash, by: 24)
    hash = hash &* XXH3Prime.mix2
    hash ^= (hash &>> 35) &+ UInt64(count)
    hash = hash &* XXH3Prime.mix2
    return hash ^ hash &>> 28
  }

  private static func hash9to16(_ bytes: UnsafeRawBufferPointer, _ seed: UInt64) -> UInt64 {
    let count = bytes.count
    let lowKey = unsafe (xxh3Secret.word64(24) ^ xxh3Secret.word64(32)) &+ seed
    let highKey = unsafe (xxh3Secret.word64(40) ^ xxh3Secret.word64(48)) &- seed
    let low = unsafe bytes.word64(0) ^ lowKey
    let high = unsafe bytes.word64(count - 8) ^ highKey
    return xxh3Avalanche(UInt64(count) &+ low.byteSwapped &+ high &+ xxh3Fold(low, high))
  }

  private static func hash17to128(_ bytes: UnsafeRawBufferPointer, _ seed: UInt64) -> UInt64 {
    let count = bytes.count
    let secret = unsafe xxh3Secret
    var sum = UInt64(count) &* XXH3Prime.wide1
    // Pairs of 16 bytes from both ends towards the middle.
    for pair in 0...(count - 1) / 32 {
      unsafe sum &+= xxh3Mix16(bytes, 16 * pair, secret, 32 * pair, seed)
      unsafe sum &+= xxh3Mix16(bytes, count - 16 * (pair + 1), secret, 32 * pair + 16, seed)
    }
    return xxh3Avalanche(sum)
  }

  private static func hash129to240(_ bytes: UnsafeRawBufferPointer, _ seed: UInt64) -> UInt64 {
    let count = bytes.count
    let secret = unsafe xxh3Secret
    var sum = UInt64(count) &* XXH3Prime.wide1
    for round in 0..<8 {
      unsafe sum &+= xxh3Mix16(bytes, 16 * round, secret, 16 * round, seed)
    }
    sum = xxh3Avalanche(sum)
    for round in 8..<count / 16 {
      unsafe sum &+= xxh3Mix16(bytes, 16 * round, secret, 16 * (round - 8) + 3, seed)
    }
    unsafe sum &+= xxh3Mix16(bytes, count - 16, secret, 136 - 17, seed)
    return xxh3Avalanche(sum)
  }
}
