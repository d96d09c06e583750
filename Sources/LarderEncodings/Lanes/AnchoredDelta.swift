/// Codec 3: differences from the lane before, with an absolute lane (an *anchor*) each 64.
///
/// The body: {least delta i64, anchor width u8, 7 zero bytes}, the packed anchors less the header's
/// base, the packed deltas less the least delta (those of anchors are 0), then patches. A patched
/// position restarts: its lane is its patch. So the first row of an entity's run, whose difference
/// from the run before means nothing, does not widen the others.
package enum AnchoredDelta {
  /// Bytes in front of the anchors.
  package static let prefixBytes = 16

  /// Bytes of a vector without its patches, in whole words of 8.
  @inlinable package static func bytes(_ count: Int, _ width: Int, anchorWidth: Int) -> Int {
    16 &+ Packing.bytes((count &+ 63) &>> 6, anchorWidth) &+ Packing.bytes(count, width)
  }

  /// The width of a vector's anchors.
  @inlinable @unsafe package static func anchorWidth(_ vectorBody: UnsafeRawPointer) -> Int {
    unsafe Int(vectorBody.load(fromByteOffset: 8, as: UInt8.self))
  }

  /// The lane at an index of a vector of `count` lanes.
  @unsafe package static func lane(
    _ vectorBody: UnsafeRawPointer, _ header: VectorHeader, _ index: Int, count: Int
  ) -> Int64 {
    let leastDelta = unsafe vectorBody.loadUnaligned(as: Int64.self)
    let anchorWidth = unsafe Self.anchorWidth(vectorBody)
    let anchors = unsafe vectorBody + prefixBytes
    let deltas = unsafe anchors + Packing.bytes((count + 63) >> 6, anchorWidth)
    let patches = unsafe deltas + Packing.bytes(count, Int(header.width))
    let anchorBit = (index >> 6) * anchorWidth
    let anchor =
      unsafe (anchors + anchorBit >> 3).loadUnaligned(as: UInt64.self) &>> UInt64(anchorBit & 7)
    var lane = header.base &+ Int64(bitPattern: anchor & laneMask(anchorWidth))
    let width = Int(header.width)
    let mask = laneMask(width)
    let restarts = header.kind.contains(.patched)
    var position = index & ~63
    while position < index {
      position += 1
      let bit = position &* width
      let word =
        unsafe (deltas + bit &>> 3).loadUnaligned(as: UInt64.self) &>> UInt64(bit & 7) & mask
      if restarts && word == mask,
        let patch = unsafe Patches.value(patches, header, index: position)
      {
        lane = patch
      } else {
        lane = lane &+ leastDelta &+ Int64(bitPattern: word)
      }
    }
    return lane
  }
}
