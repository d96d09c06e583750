/// Appends values in the hybrid of run lengths and bit-packed groups.
///
/// Runs of at least 8 equal values that start at a group of 8 become run lengths; the rest is
/// packed, padded with zeros to a whole group at the end.
///
/// - Parameter width: bits of a value; every value fits.
func appendHybrid(_ values: some RandomAccessCollection<UInt32>, width: Int, to out: inout [UInt8])
{
  let count = values.count
  let first = values.startIndex
  func value(_ index: Int) -> UInt32 { values[values.index(first, offsetBy: index)] }
  var at = 0
  var packedFrom = 0
  func flushPacked(_ end: Int, _ out: inout [UInt8]) {
    guard end > packedFrom else { return }
    let groups = (end - packedFrom + 7) / 8
    appendVarint(UInt64(groups) << 1 | 1, to: &out)
    var word: UInt64 = 0
    var bits = 0
    for index in packedFrom..<(packedFrom + groups * 8) {
      word |= UInt64(index < end ? value(index) : 0) << UInt64(bits)
      bits += width
      while bits >= 8 {
        out.append(UInt8(truncatingIfNeeded: word))
        word >>= 8
        bits -= 8
      }
    }
  }
  while at < count {
    var end = at + 1
    let here = value(at)
    while end < count, value(end) == here { end += 1 }
    // A run may take the rest of the group before it along only whole groups.
    let aligned = packedFrom + (at - packedFrom + 7) / 8 * 8
    if end - aligned >= 8 {
      flushPacked(aligned, &out)
      appendVarint(UInt64(end - aligned) << 1, to: &out)
      for byte in 0..<((width + 7) / 8) {
        out.append(UInt8(truncatingIfNeeded: here >> UInt32(byte * 8)))
      }
      packedFrom = end
    }
    at = end
  }
  flushPacked(count, &out)
}

/// Appends an unsigned number, 7 bits to a byte.
func appendVarint(_ value: UInt64, to out: inout [UInt8]) {
  var rest = value
  while rest >= 0x80 {
    out.append(UInt8(truncatingIfNeeded: rest) | 0x80)
    rest >>= 7
  }
  out.append(UInt8(rest))
}
