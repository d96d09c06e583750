import Glibc
import LarderColumns

extension Column {
  /// Validity bits that start at bit 0; nil where nothing is null.
  func alignedValidity() -> Buffer? {
    guard let validity else { return nil }
    if offset == 0 { return validity }
    let target = Buffer(zeroedBytes: (count + 63) / 64 * 8)
    let from = unsafe validity.base.assumingMemoryBound(to: UInt8.self)
    let to = unsafe target.base.assumingMemoryBound(to: UInt8.self)
    for row in 0..<count {
      let bit = offset + row
      let value = unsafe from[bit >> 3] >> UInt8(truncatingIfNeeded: bit & 7) & 1
      unsafe to[row >> 3] |= value << UInt8(truncatingIfNeeded: row & 7)
    }
    return target
  }

  /// The same fixed-width column with nothing before its row 0.
  func compacted() -> Column {
    guard offset > 0, !isDictionary, case .fixed(let width) = type.layout else { return self }
    let owner = values
    let shifted = unsafe Buffer(borrowing: values.base + offset * width, count: count * width) {
      withExtendedLifetime(owner) {}
    }
    return Column(
      type: type, count: count, nullCount: nullCount, validity: alignedValidity(),
      values: shifted)
  }

  /// The values themselves instead of indexes of them.
  ///
  /// - Throws: `limitExceeded` if their bytes do not fit 2^31 - 1.
  func withoutDictionary() throws(LarderError) -> Column {
    guard isDictionary, let dictionary else { return self }
    guard dictionary.count > 0 else { return Column.nulls(of: type, count: count) }
    let picks = Buffer(uninitializedBytes: count * 4)
    let pick = unsafe picks.mutableValues(as: UInt32.self)
    let indexes = unsafe fixedValues(as: UInt32.self)
    for row in 0..<count { unsafe pick[row] = isValid(row) ? indexes[row] : 0 }
    let values = unsafe try dictionary.gathered(
      UnsafeBufferPointer(pick), in: ScratchMemory())
    guard nullCount > 0 else { return values }
    // A row is null if its index is, or the value that the index names.
    let joined = Buffer(zeroedBytes: (count + 63) / 64 * 8)
    let bits = unsafe joined.base.assumingMemoryBound(to: UInt8.self)
    var nulls = 0
    for row in 0..<count {
      if isValid(row), values.isValid(row) {
        unsafe bits[row >> 3] |= 1 << UInt8(truncatingIfNeeded: row & 7)
      } else {
        nulls += 1
      }
    }
    return Column(
      type: values.type, count: count, nullCount: nulls, validity: joined, values: values.values,
      bytes: values.bytes, child: values.sharedElements)
  }
}
