import LarderColumns

/// The hash of a row's id and event time, which binds a value's hash to its row.
func rowHash(id: UInt32, event: Int64) -> UInt64 {
  mixed(UInt64(bitPattern: event) &+ UInt64(id) &* 0x9E37_79B9_7F4A_7C15)
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): a bijection.
@inline(__always) private func mixed(_ value: UInt64) -> UInt64 {
  var z = value
  z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
  z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
  return z ^ (z >> 31)
}

extension ContentHash {
  /// What a null counts as.
  static let nullBits: UInt64 = 0xA5B3_57D1_66C2_8E0F

  /// Adds a value.
  ///
  /// - Parameters:
  ///   - bits: of a fixed-width value, sign-extended; the XXH3 of other values' bytes.
  @inline(__always) mutating func add(_ bits: UInt64, row: UInt64) {
    let first = mixed(bits ^ row)
    low &+= first
    high &+= mixed(first &+ row)
  }
}
