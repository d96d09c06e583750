import LarderColumns

/// Reads integers and bools from text.
enum IntegerCells {
  /// An integer: digits with an optional sign, and a fraction of zeros at most, as other tools
  /// write whole numbers of a column with nulls.
  @inline(__always)
  static func int64(_ cell: Span<UInt8>) throws(CellFlaw) -> Int64 {
    var at = 0
    let count = cell.count
    var isNegative = false
    if count > 0, cell[0] == UInt8(ascii: "-") || cell[0] == UInt8(ascii: "+") {
      isNegative = cell[0] == UInt8(ascii: "-")
      at = 1
    }
    guard at < count else { throw .notOfType }
    var magnitude: UInt64 = 0
    var overflowed = false
    let firstDigit = at
    while at < count {
      let digit = cell[at] &- UInt8(ascii: "0")
      guard digit <= 9 else { break }
      if at &- firstDigit < 18 {
        magnitude = magnitude &* 10 &+ UInt64(digit)
      } else {
        let (product, over1) = magnitude.multipliedReportingOverflow(by: 10)
        let (sum, over2) = product.addingReportingOverflow(UInt64(digit))
        overflowed = overflowed || over1 || over2
        magnitude = sum
      }
      at &+= 1
    }
    guard at > firstDigit else { throw .notOfType }
    if at < count {
      guard cell[at] == UInt8(ascii: "."), at &+ 1 < count else { throw .notOfType }
      at &+= 1
      while at < count {
        guard cell[at] == UInt8(ascii: "0") else { throw .notOfType }
        at &+= 1
      }
    }
    guard !overflowed else { throw .outOfRange }
    if isNegative {
      guard magnitude <= Int64.min.magnitude else { throw .outOfRange }
      return Int64(truncatingIfNeeded: 0 &- magnitude)
    }
    guard let value = Int64(exactly: magnitude) else { throw .outOfRange }
    return value
  }

  /// An integer of 32 bits.
  @inline(__always)
  static func int32(_ cell: Span<UInt8>) throws(CellFlaw) -> Int32 {
    guard let value = Int32(exactly: try int64(cell)) else { throw .outOfRange }
    return value
  }

  /// `true`, `false`, `t`, `f` in any case, `1` or `0`.
  static func bool(_ cell: Span<UInt8>) throws(CellFlaw) -> Bool {
    switch cell.count {
    case 1:
      switch cell[0] {
      case UInt8(ascii: "1"), UInt8(ascii: "t"), UInt8(ascii: "T"): return true
      case UInt8(ascii: "0"), UInt8(ascii: "f"), UInt8(ascii: "F"): return false
      default: throw .notOfType
      }
    case 4 where cell.equalsIgnoringCase("true"): return true
    case 5 where cell.equalsIgnoringCase("false"): return false
    default: throw .notOfType
    }
  }
}
