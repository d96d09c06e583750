/// The portable twin of `larder_count_not_greater`: for each lane, how many of its ascending values
/// are at most its key.
///
/// - Parameters:
///   - values: for each lane its values; nil only where there are none.
///   - lengths: for each lane how many.
///   - keys: for each lane its key.
package func countNotGreater(
  _ values: [UnsafePointer<Int64>?], _ lengths: [UInt32], _ keys: [Int64]
) -> [UInt32] {
  unsafe values.indices.map { lane in
    guard let values = unsafe values[lane] else { return 0 }
    var low = 0
    var high = Int(lengths[lane])
    while low < high {
      let middle = (low + high) / 2
      if unsafe values[middle] <= keys[lane] { low = middle + 1 } else { high = middle }
    }
    return UInt32(truncatingIfNeeded: low)
  }
}
