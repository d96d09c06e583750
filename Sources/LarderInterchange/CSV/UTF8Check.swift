/// Checks UTF-8 as Unicode defines it (table 3-7): no overlong forms, no surrogates, nothing above
/// U+10FFFF.
enum UTF8Check {
  /// The first byte of the first sequence that is not UTF-8, or nil.
  static func firstFlaw(_ bytes: Span<UInt8>, in range: Range<Int>) -> Int? {
    var at = range.lowerBound
    while at < range.upperBound {
      let lead = bytes[at]
      if lead < 0x80 {
        at &+= 1
        continue
      }
      let length: Int
      var low: UInt8 = 0x80
      var high: UInt8 = 0xBF
      switch lead {
      case 0xC2...0xDF: length = 2
      case 0xE0...0xEF:
        length = 3
        if lead == 0xE0 { low = 0xA0 }
        if lead == 0xED { high = 0x9F }
      case 0xF0...0xF4:
        length = 4
        if lead == 0xF0 { low = 0x90 }
        if lead == 0xF4 { high = 0x8F }
      default: return at
      }
      guard at &+ length <= range.upperBound else { return at }
      guard bytes[at &+ 1] >= low, bytes[at &+ 1] <= high else { return at }
      for follow in 2..<max(length, 2) where bytes[at &+ follow] & 0xC0 != 0x80 { return at }
      at &+= length
    }
    return nil
  }
}
