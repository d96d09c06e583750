import LarderColumns

/// Writes a decimal number of at most 64 bits as text: `-12.50` for -1250 of scale 2.
///
/// - Parameter target: has room for `decimalTextBytes(8, scale)`.
/// - Returns: how many bytes were written.
func writeDecimal(_ value: Int64, scale: Int, to target: UnsafeMutablePointer<UInt8>) -> Int {
  unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
    var rest = value.magnitude
    var count = 0
    repeat {
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
      unsafe digits[count] = UInt8(truncatingIfNeeded: digit) &+ 0x30
      count &+= 1
      rest = quotient
    } while rest > 0
    return unsafe placePoint(
      UnsafeMutableBufferPointer(rebasing: digits[..<count]), value < 0, scale, target)
  }
}

/// Writes an unsigned number as text of at most 20 bytes.
///
/// - Returns: how many bytes were written.
func writeUnsigned(_ value: UInt64, to target: UnsafeMutablePointer<UInt8>) -> Int {
  unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
    var rest = value
    var count = 0
    repeat {
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
      unsafe digits[count] = UInt8(truncatingIfNeeded: digit) &+ 0x30
      count &+= 1
      rest = quotient
    } while rest > 0
    return unsafe placePoint(
      UnsafeMutableBufferPointer(rebasing: digits[..<count]), false, 0, target)
  }
}

/// Writes a decimal number given as big-endian two's complement.
///
/// - Parameters:
///   - bytes: at most `LeafType.decimalBytesLimit`.
///   - target: has room for `decimalTextBytes(bytes.count, scale)`.
/// - Returns: how many bytes were written.
func writeDecimal(
  _ bytes: UnsafeRawBufferPointer, scale: Int, to target: UnsafeMutablePointer<UInt8>
) -> Int {
  if bytes.count <= 8 {
    var value: Int64 = 0
    if let first = unsafe bytes.first, first >= 0x80 { value = -1 }
    for index in 0..<bytes.count { value = unsafe value &<< 8 | Int64(bytes[index]) }
    return unsafe writeDecimal(value, scale: scale, to: target)
  }
  let negative = unsafe (bytes.first ?? 0) >= 0x80
  // The magnitude in 32-bit limbs, most significant first; then long division by 10^9.
  var limbs = [UInt32](repeating: 0, count: (bytes.count + 3) / 4)
  for index in 0..<bytes.count {
    let byte = unsafe bytes[bytes.count - 1 - index]
    let limb = limbs.count - 1 - index / 4
    limbs[limb] |= UInt32(negative ? ~byte : byte) << UInt32(index % 4 * 8)
  }
  if negative {
    for index in limbs.indices.reversed() {
      let (sum, carried) = limbs[index].addingReportingOverflow(1)
      limbs[index] = sum
      if !carried { break }
    }
  }
  // The fill of the first limb of a negative number whose bytes do not fill it is zero already:
  // only bytes that exist were inverted.
  return unsafe withUnsafeTemporaryAllocation(
    of: UInt8.self, capacity: limbs.count * 10 + 10
  ) { digits in
    var count = 0
    repeat {
      var remainder: UInt64 = 0
      for index in limbs.indices {
        let part = remainder << 32 | UInt64(limbs[index])
        limbs[index] = UInt32(truncatingIfNeeded: part / 1_000_000_000)
        remainder = part % 1_000_000_000
      }
      for _ in 0..<9 {
        unsafe digits[count] = UInt8(truncatingIfNeeded: remainder % 10) &+ 0x30
        remainder /= 10
        count &+= 1
      }
    } while limbs.contains { $0 != 0 }
    while count > 1, unsafe digits[count - 1] == 0x30 { count -= 1 }
    return unsafe placePoint(
      UnsafeMutableBufferPointer(rebasing: digits[..<count]), negative, scale, target)
  }
}

/// An upper bound of the bytes of a decimal's text.
func decimalTextBytes(_ bytes: Int, _ scale: Int) -> Int {
  // A byte is less than 2.5 digits; sign, point and a leading zero.
  max(bytes * 5 / 2 + 2, scale) + 3
}

/// Writes reversed digits with sign and point.
private func placePoint(
  _ digits: UnsafeMutableBufferPointer<UInt8>, _ negative: Bool, _ scale: Int,
  _ target: UnsafeMutablePointer<UInt8>
) -> Int {
  var out = 0
  func put(_ byte: UInt8) {
    unsafe target[out] = byte
    out += 1
  }
  if negative { put(0x2D) }
  // At least one digit stands before the point.
  for place in (0..<max(digits.count, scale + 1)).reversed() {
    put(place < digits.count ? unsafe digits[place] : 0x30)
    if place == scale, scale > 0 { put(0x2E) }
  }
  return out
}

/// Writes 16 bytes as a UUID's text of 36 bytes.
func writeUUID(_ bytes: UnsafeRawPointer, to target: UnsafeMutablePointer<UInt8>) {
  var out = 0
  for index in 0..<16 {
    if index == 4 || index == 6 || index == 8 || index == 10 {
      unsafe target[out] = 0x2D
      out &+= 1
    }
    let byte = unsafe bytes.load(fromByteOffset: index, as: UInt8.self)
    for nibble in [byte >> 4, byte & 15] {
      unsafe target[out] = nibble < 10 ? 0x30 + nibble : 0x57 + nibble
      out &+= 1
    }
  }
}
