import CLarderKernels

/// The constants of the specification: primes of 32 and 64 bits, and two multipliers.
enum XXH3Prime {
  static let short1: UInt64 = 0x9E37_79B1
  static let short2: UInt64 = 0x85EB_CA77
  static let short3: UInt64 = 0xC2B2_AE3D
  static let wide1: UInt64 = 0x9E37_79B1_85EB_CA87
  static let wide2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
  static let wide3: UInt64 = 0x1656_67B1_9E37_79F9
  static let wide4: UInt64 = 0x85EB_CA77_C2B2_AE63
  static let wide5: UInt64 = 0x27D4_EB2F_1656_67C5
  static let mix1: UInt64 = 0x1656_6791_9E37_79F9
  static let mix2: UInt64 = 0x9FB2_1C65_1E98_DF25
}

/// The 192 secret bytes of the specification.
@inline(__always)
var xxh3Secret: UnsafeRawBufferPointer {
  unsafe UnsafeRawBufferPointer(start: larder_xxh3_secret(), count: 192)
}

extension UnsafeRawBufferPointer {
  /// The little-endian 64-bit word at a byte that its caller knows to be inside.
  @inline(__always)
  func word64(_ offset: Int) -> UInt64 {
    unsafe UInt64(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// The little-endian 32-bit word at a byte that its caller knows to be inside.
  @inline(__always)
  func word32(_ offset: Int) -> UInt64 {
    unsafe UInt64(UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
  }
}

/// The two halves of a 128-bit product, folded into one.
@inline(__always)
func xxh3Fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
  let product = a.multipliedFullWidth(by: b)
  return product.high ^ product.low
}

/// The usual last step: spreads each bit of the sum over all bits.
@inline(__always)
func xxh3Avalanche(_ sum: UInt64) -> UInt64 {
  var hash = sum ^ sum &>> 37
  hash = hash &* XXH3Prime.mix1
  return hash ^ hash &>> 32
}

/// Mixes 16 bytes with 16 of the secret.
@inline(__always)
func xxh3Mix16(
  _ bytes: UnsafeRawBufferPointer, _ offset: Int, _ secret: UnsafeRawBufferPointer, _ key: Int,
  _ seed: UInt64
) -> UInt64 {
  let low = unsafe bytes.word64(offset) ^ (secret.word64(key) &+ seed)
  let high = unsafe bytes.word64(offset + 8) ^ (secret.word64(key + 8) &- seed)
  return xxh3Fold(low, high)
}
