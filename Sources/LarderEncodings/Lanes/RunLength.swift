/// Codec 2: runs of equal lanes.
///
/// The body holds a packed number for each run, then the runs' ends.
package enum RunLength {
  /// Bytes of the body of a vector with so many runs, in whole words of 8.
  @inlinable package static func bytes(_ runs: Int, _ width: Int) -> Int {
    Packing.bytes(runs, width) &+ (runs &* 2 &+ 7) & ~7
  }

  /// The index just past a run.
  @inlinable @unsafe package static func end(
    _ vectorBody: UnsafeRawPointer, _ header: VectorHeader, run: Int
  ) -> Int {
    let ends = Packing.bytes(header.extraCount, Int(header.width))
    return unsafe Int(vectorBody.loadUnaligned(fromByteOffset: ends &+ run &* 2, as: UInt16.self))
  }

  /// The lane at an index of a vector.
  @unsafe package static func lane(
    _ vectorBody: UnsafeRawPointer, _ header: VectorHeader, _ index: Int
  ) -> Int64 {
    var low = 0
    var high = header.extraCount - 1
    while low < high {
      let middle = (low + high) / 2
      if unsafe end(vectorBody, header, run: middle) <= index {
        low = middle + 1
      } else {
        high = middle
      }
    }
    let width = Int(header.width)
    let bit = low &* width
    let word = unsafe (vectorBody + bit &>> 3).loadUnaligned(as: UInt64.self) &>> UInt64(bit & 7)
    return header.base &+ Int64(bitPattern: word & laneMask(width))
  }
}
