/// Lanes kept aside: behind the packed numbers lie their values, then their sorted positions.
///
/// The packed number of a patched position is all ones, which no other position has, so a reader
/// looks here only when it meets one.
package enum Patches {
  /// Bytes of one patch's value.
  @inlinable package static func valueBytes(_ kind: VectorKind) -> Int {
    kind.contains(.narrowPatches) ? 4 : 8
  }

  /// Bytes of a vector's patches, in whole words of 8.
  @inlinable package static func bytes(_ count: Int, _ kind: VectorKind) -> Int {
    (count &* (valueBytes(kind) &+ 2) &+ 7) & ~7
  }

  /// The patch with an ordinal: a lane, or the bits of a float where the vector is decimal.
  @inlinable @unsafe package static func value(
    _ patches: UnsafeRawPointer, _ header: VectorHeader, ordinal: Int
  ) -> Int64 {
    if header.kind.contains(.narrowPatches) {
      let difference = unsafe patches.loadUnaligned(fromByteOffset: ordinal &* 4, as: UInt32.self)
      return header.base &+ Int64(difference)
    }
    return unsafe patches.loadUnaligned(fromByteOffset: ordinal &* 8, as: Int64.self)
  }

  /// The position within the vector of the patch with an ordinal.
  @inlinable @unsafe package static func position(
    _ patches: UnsafeRawPointer, _ header: VectorHeader, ordinal: Int
  ) -> Int {
    let positions = header.extraCount &* valueBytes(header.kind)
    return unsafe Int(
      patches.loadUnaligned(fromByteOffset: positions &+ ordinal &* 2, as: UInt16.self))
  }

  /// The patch of a position; nil if there is none.
  ///
  /// No writer keeps a number of all ones without a patch. Someone else's file may, and is then read
  /// as bulk reads it: what is checked in bulk before it is used, codes and offsets, must be what
  /// single reads find.
  @unsafe package static func value(
    _ patches: UnsafeRawPointer, _ header: VectorHeader, index: Int
  ) -> Int64? {
    let low = unsafe firstOrdinal(patches, header, from: index)
    guard low < header.extraCount, unsafe position(patches, header, ordinal: low) == index else {
      return nil
    }
    return unsafe value(patches, header, ordinal: low)
  }

  /// The ordinal of the first patch at an index or behind it.
  @unsafe private static func firstOrdinal(
    _ patches: UnsafeRawPointer, _ header: VectorHeader, from index: Int
  ) -> Int {
    var low = 0
    var high = header.extraCount
    while low < high {
      let middle = (low + high) / 2
      if unsafe position(patches, header, ordinal: middle) < index {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }

  /// The ordinals of the patches within a range of indexes, all of a vector or a part of it.
  @unsafe package static func ordinals(
    _ patches: UnsafeRawPointer, _ header: VectorHeader, within part: Range<Int>
  ) -> Range<Int> {
    let first =
      part.lowerBound == 0
      ? 0 : unsafe firstOrdinal(patches, header, from: part.lowerBound)
    return unsafe first..<max(first, firstOrdinal(patches, header, from: part.upperBound))
  }
}
