extension [UInt8] {
  /// Appends an integer, least significant byte first.
  mutating func appendLittleEndian(_ value: some FixedWidthInteger) {
    var rest = value
    for _ in 0..<(value.bitWidth / 8) {
      append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }
}

extension FixedWidthInteger where Self: UnsignedInteger {
  /// Reads an integer from at most its width of bytes, least significant first.
  init(littleEndian bytes: some Collection<UInt8>) {
    self = 0
    var shift = 0
    for byte in bytes.prefix(Self.bitWidth / 8) {
      self |= Self(byte) << Self(shift)
      shift += 8
    }
  }
}
