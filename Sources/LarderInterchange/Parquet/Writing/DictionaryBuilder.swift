import Glibc
import LarderColumns

/// The distinct values of a column chunk, in order of first appearance, and each value's index.
struct DictionaryBuilder {
  /// The index of the first value equal to each distinct one.
  private(set) var firsts: [Int] = []
  /// The dictionary index of each value.
  private(set) var indexes: [UInt32] = []

  /// More distinct values than this are not worth a dictionary.
  static let entryLimit = 1 << 16

  /// Finds the distinct values.
  ///
  /// - Parameter width: bytes of a value; 0 for byte arrays.
  /// - Returns: nil if there are too many of them to be worth it.
  init?(_ values: ChunkValues, width: Int) {
    guard values.present > 0 else { return nil }
    indexes.reserveCapacity(values.present)
    var slots = [Int32](repeating: -1, count: 1 << 18)
    let mask = slots.count - 1
    for index in 0..<values.present {
      var slot = Int(truncatingIfNeeded: Self.hash(values, index, width) >> 40) & mask
      while true {
        let entry = slots[slot]
        if entry < 0 {
          // Mostly distinct so far: storing the values costs less than an index each.
          if firsts.count >= Self.entryLimit || index > 20_000 && firsts.count > index / 2 {
            return nil
          }
          slots[slot] = Int32(firsts.count)
          indexes.append(UInt32(firsts.count))
          firsts.append(index)
          break
        }
        if Self.isEqual(values, firsts[Int(entry)], index, width) {
          indexes.append(UInt32(entry))
          break
        }
        slot = (slot + 1) & mask
      }
    }
    if firsts.count > 100, firsts.count > values.present * 3 / 4 { return nil }
  }

  private static func hash(_ values: ChunkValues, _ index: Int, _ width: Int) -> UInt64 {
    var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
    func mix(_ word: UInt64) {
      hash = (hash ^ word) &* 0xFF51_AFD7_ED55_8CCD
      hash ^= hash >> 32
    }
    switch width {
    case 4:
      mix(unsafe UInt64(values.fixed.base.load(fromByteOffset: index &* 4, as: UInt32.self)))
    case 8: mix(unsafe values.fixed.base.load(fromByteOffset: index &* 8, as: UInt64.self))
    default:
      let bytes = unsafe values.value(index)
      mix(UInt64(bytes.count))
      var at = 0
      while at &+ 8 <= bytes.count {
        mix(unsafe bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
        at &+= 8
      }
      var rest: UInt64 = 0
      while at < bytes.count {
        rest = unsafe rest &<< 8 | UInt64(bytes[at])
        at &+= 1
      }
      mix(rest)
    }
    return hash &* 0xC4CE_B9FE_1A85_EC53
  }

  private static func isEqual(_ values: ChunkValues, _ a: Int, _ b: Int, _ width: Int) -> Bool {
    guard width == 0 else {
      return unsafe memcmp(values.fixed.base + a &* width, values.fixed.base + b &* width, width)
        == 0
    }
    let x = unsafe values.value(a)
    let y = unsafe values.value(b)
    guard x.count == y.count else { return false }
    guard let p = x.baseAddress, let q = y.baseAddress else { return true }
    return unsafe memcmp(p, q, x.count) == 0
  }
}
