/// Codec 1: frames of 64 lanes, each with a base of its own in front of its packed numbers.
///
/// lane = header base + frame base + packed. A frame is `frameBaseBytes + 8 x width` bytes, so a
/// row's frame base lies on the line of its number or a neighbouring one.
package enum Frames {
  /// Bytes of the frames of a vector, in whole words of 8.
  @inlinable package static func bytes(_ count: Int, _ width: Int, _ baseBytes: Int) -> Int {
    let frames = (count &+ 63) &>> 6
    let packed = (count &* width &+ 7) &>> 3
    return (frames &* baseBytes &+ packed &+ 7) & ~7
  }

  /// The number packed at an index of a vector.
  @inlinable @unsafe package static func packed(
    _ vectorBody: UnsafeRawPointer, _ header: VectorHeader, _ index: Int
  ) -> UInt64 {
    let width = Int(header.width)
    let baseBytes = header.frameBaseBytes
    let frameBytes = width &* 8 &+ baseBytes
    let frame = unsafe vectorBody + ((index &>> 6) &* frameBytes &+ baseBytes)
    let bit = (index & 63) &* width
    let word = unsafe frame.loadUnaligned(fromByteOffset: bit &>> 3, as: UInt64.self)
    return word &>> UInt64(bit & 7) & laneMask(width)
  }

  /// The base of the frame of an index, header base included.
  @inlinable @unsafe package static func base(
    _ vectorBody: UnsafeRawPointer, _ header: VectorHeader, _ index: Int
  ) -> Int64 {
    let baseBytes = header.frameBaseBytes
    let frameBytes = Int(header.width) &* 8 &+ baseBytes
    let start = (index &>> 6) &* frameBytes
    let word = unsafe vectorBody.loadUnaligned(fromByteOffset: start, as: UInt64.self)
    return header.base &+ Int64(bitPattern: word & laneMask(baseBytes &* 8))
  }
}
