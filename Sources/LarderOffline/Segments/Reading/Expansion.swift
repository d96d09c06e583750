import Glibc
import LarderColumns

extension Column {
  /// The same texts or bytes with every row's own bytes in place of a dictionary.
  ///
  /// - Throws: `limitExceeded` if they are 2 GiB or more.
  package func expanded() throws(LarderError) -> Column {
    guard isDictionary else { return self }
    let offsets = Buffer(uninitializedBytes: (count + 1) * 4)
    let target = unsafe offsets.base.assumingMemoryBound(to: UInt32.self)
    unsafe target[0] = 0
    var total = 0
    for row in 0..<count {
      if isValid(row) { total += unsafe variableBytes(row).count }
      guard total <= Limits.columnBytes else {
        throw LarderError(
          .limitExceeded, "A column of one batch holds at most \(Limits.columnBytes) bytes.",
          row: row)
      }
      unsafe target[row + 1] = UInt32(truncatingIfNeeded: total)
    }
    let bytes = Buffer(uninitializedBytes: total)
    for row in 0..<count where isValid(row) {
      let value = unsafe variableBytes(row)
      if let from = value.baseAddress {
        unsafe memcpy(bytes.base + Int(target[row]), from, value.count)
      }
    }
    return Column(
      type: type, count: count, nullCount: nullCount,
      validity: validity == nil || offset == 0
        ? validity : Buffer(copying: ColumnSlots.words(of: self)),
      values: offsets, bytes: bytes)
  }
}
