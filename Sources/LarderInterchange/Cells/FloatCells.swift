import LarderColumns

/// Reads floats from text, correctly rounded.
///
/// Short decimals take Clinger's exact path ("How to Read Floating Point Numbers Accurately",
/// PLDI 1990): a significand and a power of ten that are both exact give a correctly rounded product
/// or quotient. The rest goes to the standard library's conversion, which does not look at the
/// process's locale, as strtod would.
enum FloatCells {
  private static let exactPowers: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
    1e18, 1e19, 1e20, 1e21, 1e22,
  ]

  /// A double: decimal, hexadecimal (`0x1.8p3`), `inf`, `infinity`, `nan`, or `nan(0x...)` with all
  /// bits of a NaN.
  static func double(_ cell: Span<UInt8>) throws(CellFlaw) -> Double {
    if let value = try exact(cell) { return value }
    if let special = try special(cell, bits: 64) { return Double(bitPattern: special) }
    guard let value = Double(cell.text) else { throw .notOfType }
    guard value.isFinite else { throw .outOfRange }
    return value
  }

  /// A float, rounded once: through a double only where that cannot round twice.
  static func float(_ cell: Span<UInt8>) throws(CellFlaw) -> Float {
    if let value = try exact(cell) {
      // A double that is no midpoint of two floats rounds as the exact number does. Midpoints have
      // the lower 29 bits 1000...0, in the range of normal floats.
      let isMidpoint = value.bitPattern & 0x1FFF_FFFF == 0x1000_0000
      let magnitude = value.magnitude
      if !isMidpoint, magnitude >= 0x1p-126, magnitude < 0x1p127 { return Float(value) }
      if value == 0 { return Float(value) }
    } else if let special = try special(cell, bits: 32) {
      return Float(bitPattern: UInt32(truncatingIfNeeded: special))
    }
    guard let value = Float(cell.text) else { throw .notOfType }
    guard value.isFinite else { throw .outOfRange }
    return value
  }

  /// The value of a decimal whose digits and power of ten are both exact; nil for other text.
  ///
  /// - Throws: `notOfType` for what begins as a decimal and is none.
  @inline(__always)
  private static func exact(_ cell: Span<UInt8>) throws(CellFlaw) -> Double? {
    let count = cell.count
    var at = 0
    var isNegative = false
    if count > 0, cell[0] == UInt8(ascii: "-") || cell[0] == UInt8(ascii: "+") {
      isNegative = cell[0] == UInt8(ascii: "-")
      at = 1
    }
    guard at < count else { throw .notOfType }
    var significand: UInt64 = 0
    var digits = 0
    var exponent = 0
    var sawPoint = false
    var sawDigit = false
    scan: while at < count {
      let byte = cell[at]
      let digit = byte &- UInt8(ascii: "0")
      if digit <= 9 {
        sawDigit = true
        if digits < 19 {
          significand = significand &* 10 &+ UInt64(digit)
          if significand != 0 { digits &+= 1 }
          if sawPoint { exponent &-= 1 }
        } else {
          digits &+= 1
        }
      } else if byte == UInt8(ascii: "."), !sawPoint {
        sawPoint = true
      } else {
        break scan
      }
      at &+= 1
    }
    guard sawDigit else { return nil }
    if at < count {
      guard cell[at] | 0x20 == UInt8(ascii: "e") else {
        // Hexadecimal begins with a zero; everything else is no number.
        guard cell[at] | 0x20 == UInt8(ascii: "x") else { throw .notOfType }
        return nil
      }
      at &+= 1
      exponent &+= try power(cell, &at)
    }
    guard digits <= 19, significand <= 1 << 53, exponent >= -22, exponent <= 22 else { return nil }
    let whole = Double(significand)
    let scaled =
      exponent < 0 ? whole / exactPowers[0 &- exponent] : whole * exactPowers[exponent]
    return isNegative ? -scaled : scaled
  }

  /// The exponent behind `e`, which ends the cell; far ones saturate.
  private static func power(_ cell: Span<UInt8>, _ at: inout Int) throws(CellFlaw) -> Int {
    var isNegative = false
    if at < cell.count, cell[at] == UInt8(ascii: "-") || cell[at] == UInt8(ascii: "+") {
      isNegative = cell[at] == UInt8(ascii: "-")
      at &+= 1
    }
    guard at < cell.count else { throw .notOfType }
    var power = 0
    while at < cell.count {
      let digit = cell[at] &- UInt8(ascii: "0")
      guard digit <= 9 else { throw .notOfType }
      power = min(power &* 10 &+ Int(digit), 1 << 20)
      at &+= 1
    }
    return isNegative ? 0 &- power : power
  }

  /// The bits of an infinity or a NaN; nil for other text.
  private static func special(_ cell: Span<UInt8>, bits: UInt64) throws(CellFlaw) -> UInt64? {
    guard cell.count > 0 else { throw .notOfType }
    let isNegative = cell[0] == UInt8(ascii: "-")
    let start = isNegative || cell[0] == UInt8(ascii: "+") ? 1 : 0
    let sign: UInt64 = isNegative ? 1 << (bits - 1) : 0
    let infinity = bits == 64 ? Double.infinity.bitPattern : UInt64(Float.infinity.bitPattern)
    if cell.equalsIgnoringCase("inf", from: start)
      || cell.equalsIgnoringCase("infinity", from: start)
    {
      return sign | infinity
    }
    if cell.equalsIgnoringCase("nan", from: start) {
      return sign | (bits == 64 ? Double.nan.bitPattern : UInt64(Float.nan.bitPattern))
    }
    guard start == 0, cell.count > 7, cell.count <= 7 + Int(bits / 4),
      cell.extracting(0..<3).equalsIgnoringCase("nan"), cell[3] == UInt8(ascii: "("),
      cell[4] == UInt8(ascii: "0"), cell[5] == UInt8(ascii: "x"),
      cell[cell.count - 1] == UInt8(ascii: ")")
    else { return nil }
    guard let pattern = UInt64(cell.extracting(6..<cell.count - 1).text, radix: 16) else {
      throw .notOfType
    }
    let isNaN = bits == 64 ? Double(bitPattern: pattern).isNaN : floatIsNaN(pattern)
    guard isNaN else { throw .notOfType }
    return pattern
  }

  private static func floatIsNaN(_ pattern: UInt64) -> Bool {
    UInt32(exactly: pattern).map { Float(bitPattern: $0).isNaN } ?? false
  }
}
