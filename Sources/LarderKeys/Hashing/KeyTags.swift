import CLarderKernels
import LarderColumns

/// How keys of a schema are told apart in tables: by the tail itself, or by its hash.
///
/// A tail of 8 bytes, or of 4 extended with zeros, is its own tag, and equal tags are equal keys.
/// Others have their hash for a tag, and equal tags must be confirmed by the tails.
package struct KeyTags: Sendable, Hashable {
  let stride: Int?
  /// Taken of every hash; all ones but in tests, which force collisions with fewer.
  let hashMask: UInt64

  /// How many rows are treated at a time: what scratch memory is made for.
  static let chunkRows = 1_024

  init(_ schema: KeySchema, hashMask: UInt64) {
    stride = schema.stride
    self.hashMask = hashMask
  }

  /// Whether equal tags need to be confirmed.
  var areHashes: Bool { stride != 8 && stride != 4 }

  /// The version that files with such tags carry: 0 for those of tests, which nothing trusts.
  var version: UInt32 { hashMask == .max ? KeyHash.version : 0 }

  /// The tags of up to `chunkRows` rows: in place where they are there already, else in scratch.
  func tags(
    of tails: larder_key_tails, rows: Range<Int>, scratch: UnsafeMutablePointer<UInt64>
  ) -> UnsafePointer<UInt64> {
    assert(rows.count <= Self.chunkRows)
    switch stride {
    case 8:
      let start = unsafe UnsafeRawPointer(tails.tails + rows.lowerBound * 8)
      if UInt(bitPattern: start) % 8 == 0 {
        return unsafe start.assumingMemoryBound(to: UInt64.self)
      }
      unsafe UnsafeMutableRawPointer(scratch).copyMemory(from: start, byteCount: rows.count * 8)
    case 4:
      let start = unsafe UnsafeRawPointer(tails.tails + rows.lowerBound * 4)
      for row in 0..<rows.count {
        unsafe scratch[row] = UInt64(
          start.loadUnaligned(fromByteOffset: row &* 4, as: UInt32.self))
      }
    default:
      unsafe withUnsafePointer(to: tails) {
        unsafe larder_keys_hash($0, rows.lowerBound, rows.count, hashMask, scratch)
      }
    }
    return unsafe UnsafePointer(scratch)
  }

  /// The tag of one tail.
  func tag(of tail: UnsafeRawBufferPointer) -> UInt64 {
    areHashes ? unsafe KeyHash.hash(tail) & hashMask : unsafe UInt64(littleEndian: Array(tail))
  }

  /// The hash from which the search for a tag begins.
  func hash(ofTag tag: UInt64) -> UInt64 { areHashes ? tag : KeyHash.hash(tag) & hashMask }
}

extension larder_key_run {
  /// The run's tails as kernels take a batch's.
  func tails(stride: Int?) -> larder_key_tails {
    // A run's offsets stay below 2^31: its tails have at most 1 MiB.
    unsafe larder_key_tails(
      tails: tails, offsets: UnsafeRawPointer(offsets)?.assumingMemoryBound(to: Int32.self),
      stride: stride ?? 0)
  }
}
