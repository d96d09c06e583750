import LarderColumns

/// Order-preserving images: of two values, the lesser has the lesser image, or an equal one.
enum ZoneImage {
  /// The image of an integer.
  @inline(__always) static func of(_ value: Int64) -> UInt64 {
    UInt64(bitPattern: value) ^ (1 << 63)
  }

  /// The image of a binary64's bits in IEEE 754's total order: NaNs lie at the ends.
  @inline(__always) static func ofDouble(_ bits: UInt64) -> UInt64 {
    bits >> 63 == 1 ? ~bits : bits | 1 << 63
  }

  /// The image of a binary32's bits.
  @inline(__always) static func ofFloat(_ bits: UInt32) -> UInt64 {
    UInt64(bits >> 31 == 1 ? ~bits : bits | 1 << 31) << 32
  }

  /// The image of bytes: the first eight, the first one highest.
  static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var image: UInt64 = 0
    for index in 0..<8 {
      image = image << 8 | UInt64(index < bytes.count ? unsafe bytes[index] : 0)
    }
    return image
  }
}
