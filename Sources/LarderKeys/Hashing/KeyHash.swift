/// The hash of keys, version 1: the same in memory and on disk, offline and online.
///
/// A 64 x 64 -> 128 bit multiplication whose halves are folded by exclusive or, after wyhash (Wang
/// Yi), foldhash and rapidhash: one multiplication for tails of 4 or 8 bytes of fixed width, two
/// for the first 16 bytes of others and one for each 16 more. The middle bits of a product depend
/// on all bits of both factors; `line(of:count:)` takes its position from them.
///
/// This is the portable twin of `larder_keys_hash8` and `larder_keys_hash` in C.
package enum KeyHash {
  /// Written into every file that holds hashes.
  package static let version: UInt32 = 1

  // Odd constants with half of their bits set; nothing else matters about them.
  static let k0: UInt64 = 0x9A3C_65E1_4BD2_78D5
  static let k1: UInt64 = 0xC6A4_935B_E167_2D39
  static let k2: UInt64 = 0x5D71_B8E6_3A2C_94CB
  static let k3: UInt64 = 0xE39A_4C2D_965B_71A7

  static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }

  /// The hash of a tail of 8 bytes, or of 4 extended with zeros.
  ///
  /// Both factors depend on the tail: with a constant for one of them, six of 140 patterns of common
  /// keys (shifted, strided) put three times as many keys beyond their first line as a random hash.
  package static func hash(_ tail: UInt64) -> UInt64 {
    fold(tail ^ k0, (tail << 32 | tail >> 32) ^ k1)
  }

  /// The hash of a tail of any other width.
  package static func hash(_ tail: UnsafeRawBufferPointer) -> UInt64 {
    let count = tail.count
    let length = UInt64(count)
    func load(_ offset: Int) -> UInt64 {
      unsafe UInt64(littleEndian: tail.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    guard count >= 8 else {
      let word = unsafe UInt64(littleEndian: Array(tail))
      return finish(fold(word ^ k1, word ^ k2 ^ length), length)
    }
    var seed = length
    var offset = 0
    while count - offset > 16 {
      seed = fold(load(offset) ^ k1 ^ seed, load(offset + 8) ^ k2)
      offset += 16
    }
    // The last 16 bytes, overlapping what went before; both ends where there are fewer.
    return finish(fold(load(max(0, count - 16)) ^ k1, load(count - 8) ^ k2 ^ seed), length)
  }

  private static func finish(_ hash: UInt64, _ length: UInt64) -> UInt64 {
    fold(hash ^ k3, k0 ^ length)
  }

  /// The line of a table at which the search for a hash begins.
  package static func line(of hash: UInt64, count: UInt64) -> UInt64 {
    (hash << 32 | hash >> 32).multipliedFullWidth(by: count).high
  }
}
