import CLarderKernels

/// XXH3-64, the hash behind every page, header and record.
///
/// The algorithm is Yann Collet's, by its public specification. The hash of nothing, or of zeros, is not zero, and the seed binds a hash to the place of its
/// bytes: a page moved to another place does not verify there.
///
/// Inputs of up to 240 bytes take a few multiplications; longer ones go to a C kernel,
/// `larder_xxh3_long`, which has a twin in Swift.
package enum XXH3 {
  /// The hash of bytes.
  ///
  /// - Parameters:
  ///   - bytes: any number of bytes.
  ///   - seed: 64 bits that take part in the hash.
  /// - Complexity: O(bytes).
  package static func hash64(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
    guard bytes.count > shortLimit else { return unsafe shortHash(bytes, seed) }
    return unsafe larder_xxh3_long(bytes.baseAddress, bytes.count, seed)
  }

  /// The hash of an array of bytes.
  package static func hash64(_ bytes: [UInt8], seed: UInt64 = 0) -> UInt64 {
    unsafe bytes.withUnsafeBytes { unsafe hash64($0, seed: seed) }
  }

  /// The same hash without the C kernel: its twin in the test of agreement.
  package static func portableHash64(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
    guard bytes.count > shortLimit else { return unsafe shortHash(bytes, seed) }
    return unsafe longHash(bytes, seed)
  }

  /// The longest input of the short forms.
  private static let shortLimit = 240
}
