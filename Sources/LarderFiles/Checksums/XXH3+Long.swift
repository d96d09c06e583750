/// Inputs of more than 240 bytes: eight accumulators over stripes of 64 bytes. The twin of the C
/// kernel, for the test of agreement.
extension XXH3 {
  private static let secretBytes = 192
  private static let stripeBytes = 64
  private static let stripesPerBlock = (secretBytes - stripeBytes) / 8

  /// The hash of more than 240 bytes.
  static func longHash(_ bytes: UnsafeRawBufferPointer, _ seed: UInt64) -> UInt64 {
    if seed == 0 { return unsafe longHash(bytes, secret: xxh3Secret) }
    return unsafe withUnsafeTemporaryAllocation(byteCount: secretBytes, alignment: 64) { secret in
      // Each pair of words of the secret takes the seed with both signs.
      for pair in 0..<secretBytes / 16 {
        let low = unsafe xxh3Secret.word64(16 * pair) &+ seed
        let high = unsafe xxh3Secret.word64(16 * pair + 8) &- seed
        unsafe secret.storeBytes(of: low.littleEndian, toByteOffset: 16 * pair, as: UInt64.self)
        unsafe secret.storeBytes(
          of: high.littleEndian, toByteOffset: 16 * pair + 8, as: UInt64.self)
      }
      return unsafe longHash(bytes, secret: UnsafeRawBufferPointer(secret))
    }
  }

  private static func longHash(
    _ bytes: UnsafeRawBufferPointer, secret: UnsafeRawBufferPointer
  ) -> UInt64 {
    var sums = SIMD8<UInt64>(
      XXH3Prime.short3, XXH3Prime.wide1, XXH3Prime.wide2, XXH3Prime.wide3, XXH3Prime.wide4,
      XXH3Prime.short2, XXH3Prime.wide5, XXH3Prime.short1)
    unsafe accumulate(&sums, bytes, secret)
    var hash = UInt64(bytes.count) &* XXH3Prime.wide1
    for pair in 0..<4 {
      let key = 11 + 16 * pair
      unsafe hash &+= xxh3Fold(
        sums[2 * pair] ^ secret.word64(key), sums[2 * pair + 1] ^ secret.word64(key + 8))
    }
    return xxh3Avalanche(hash)
  }

  /// Consumes the whole blocks, the whole stripes after them, and the last 64 bytes.
  private static func accumulate(
    _ sums: inout SIMD8<UInt64>, _ bytes: UnsafeRawBufferPointer,
    _ secret: UnsafeRawBufferPointer
  ) {
    // The last byte is left to the last stripe, which reaches back into what was consumed.
    let stripes = (bytes.count - 1) / stripeBytes
    for stripe in 0..<stripes {
      let inBlock = stripe % stripesPerBlock
      unsafe add(&sums, bytes, stripe * stripeBytes, secret, 8 * inBlock)
      if inBlock == stripesPerBlock - 1 {
        for lane in 0..<8 {
          let sum = sums[lane]
          let key = unsafe secret.word64(secretBytes - stripeBytes + 8 * lane)
          sums[lane] = (sum ^ sum &>> 47 ^ key) &* XXH3Prime.short1
        }
      }
    }
    unsafe add(&sums, bytes, bytes.count - stripeBytes, secret, secretBytes - stripeBytes - 7)
  }

  @inline(__always)
  private static func add(
    _ sums: inout SIMD8<UInt64>, _ bytes: UnsafeRawBufferPointer, _ offset: Int,
    _ secret: UnsafeRawBufferPointer, _ key: Int
  ) {
    for lane in 0..<8 {
      let data = unsafe bytes.word64(offset + 8 * lane)
      let keyed = unsafe data ^ secret.word64(key + 8 * lane)
      // Each lane's data goes to its neighbour, so that a key of zero loses nothing.
      sums[lane ^ 1] &+= data
      sums[lane] &+= (keyed & 0xFFFF_FFFF) &* (keyed &>> 32)
    }
  }
}
