import LarderColumns

/// Turns stored values of a fixed width into a column's, one for one.
///
/// - Parameters:
///   - source: `count` values as they are stored.
///   - target: room for `count` values of the column's width.
/// - Throws: `invalidInput` for a value that the column's type cannot hold.
func convertFixed(
  _ conversion: LeafType.Conversion, _ source: UnsafeRawPointer, count: Int, width: Int,
  into target: UnsafeMutableRawPointer
) throws(LarderError) {
  switch conversion {
  case .none: unsafe target.copyMemory(from: source, byteCount: count &* width)
  case .widenSigned:
    for index in 0..<count {
      let value = unsafe source.loadUnaligned(fromByteOffset: index &* 4, as: Int32.self)
      unsafe target.storeBytes(of: Int64(value), toByteOffset: index &* 8, as: Int64.self)
    }
  case .widenUnsigned:
    for index in 0..<count {
      let value = unsafe source.loadUnaligned(fromByteOffset: index &* 4, as: UInt32.self)
      unsafe target.storeBytes(of: Int64(value), toByteOffset: index &* 8, as: Int64.self)
    }
  case .checkUnsigned:
    var all: UInt64 = 0
    for index in 0..<count {
      let value = unsafe source.loadUnaligned(fromByteOffset: index &* 8, as: UInt64.self)
      all |= value
      unsafe target.storeBytes(of: value, toByteOffset: index &* 8, as: UInt64.self)
    }
    guard all >> 63 == 0 else {
      throw LarderError(
        .invalidInput,
        "An unsigned 64-bit value exceeds \(Int64.max), the greatest int64; take such columns as text "
          + "with --uint64-as-text.")
    }
  case .int96(let unit):
    for index in 0..<count {
      let ticks = unsafe try int96Ticks(source + index &* 12, unit)
      unsafe target.storeBytes(of: ticks, toByteOffset: index &* 8, as: Int64.self)
    }
  case .float16:
    for index in 0..<count {
      let bits = unsafe source.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self)
      unsafe target.storeBytes(of: widenFloat16(bits), toByteOffset: index &* 4, as: UInt32.self)
    }
  case .decimalInteger, .decimalBytes, .uuid, .unsignedText:
    throw LarderError(.unsupported, "Text is not of a fixed width.")
  }
}

/// The ticks of an INT96 time: nanoseconds of the day in 8 bytes, then the Julian day in 4.
private func int96Ticks(
  _ source: UnsafeRawPointer, _ unit: TimeUnit
) throws(LarderError) -> Int64 {
  let nanoseconds = unsafe source.loadUnaligned(as: Int64.self)
  let day = unsafe source.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
  // Julian day 2,440,588 is 1970-01-01.
  let exact = (Int128(day) - 2_440_588) * 86_400_000_000_000 + Int128(nanoseconds)
  let divisor = Int128(unit.nanosecondsPerTick)
  guard exact % divisor == 0 else {
    throw LarderError(
      .invalidInput,
      "An INT96 time is not a whole number of \(unit); define the view with --keep ns.")
  }
  guard let ticks = Int64(exactly: exact / divisor) else {
    throw LarderError(
      .invalidInput,
      "An INT96 time lies outside the range of \(unit); define the view with --keep us.")
  }
  return ticks
}

/// The bits of the binary32 that equals a binary16; a NaN keeps its payload.
func widenFloat16(_ bits: UInt16) -> UInt32 {
  let sign = UInt32(bits & 0x8000) << 16
  let exponent = UInt32(bits >> 10 & 0x1F)
  let fraction = UInt32(bits & 0x3FF)
  if exponent == 0x1F { return sign | 0x7F80_0000 | fraction << 13 }
  if exponent > 0 { return sign | (exponent + 112) << 23 | fraction << 13 }
  if fraction == 0 { return sign }
  // Subnormal: shift the leading one to its place.
  let shift = UInt32(fraction.leadingZeroBitCount) - 21
  return sign | (113 - shift) << 23 | (fraction << shift & 0x3FF) << 13
}
