/// Tells which texts are numbers that come out of a column as they went in.
struct ExactNumber {
  enum Kind { case integer, float, none }

  /// What the text is by how it is written; an integer fits 64 bits.
  private(set) var kind = Kind.none
  /// Digits from the first that is not 0 to the last that is not 0.
  private var digits = 0
  /// The digits' number as far as 64 bits hold it, and the power of ten of the last of them.
  private var significand: UInt64 = 0
  private var exponent = 0
  private var isNegative = false

  /// Looks at a text.
  @inline(__always)
  init(_ cell: Span<UInt8>) {
    let count = cell.count
    var at = 0
    if count > 0, cell[0] == UInt8(ascii: "-") {
      isNegative = true
      at = 1
    }
    let first = at
    takeDigits(cell, &at)
    let whole = at &- first
    // A zero in front of other digits, as codes have it, would be lost.
    if whole > 1, cell[first] == UInt8(ascii: "0") { return }
    if at == count {
      guard whole > 0 else { return }
      // -0 is no integer: its sign would be lost.
      let isMinusZero = isNegative && cell[first] == UInt8(ascii: "0")
      kind = isMinusZero ? .float : Self.fits(cell, digits: whole) ? .integer : .none
      return
    }
    var hasPoint = false
    if cell[at] == UInt8(ascii: ".") {
      hasPoint = true
      at &+= 1
      let start = at
      takeDigits(cell, &at)
      exponent &-= at &- start
      guard whole > 0 || at > start else { return }
    }
    guard whole > 0 || hasPoint else { return }
    if at < count {
      guard takePower(cell, &at, hasPoint: hasPoint) else { return }
    }
    kind = .float
  }

  @inline(__always)
  private mutating func takeDigits(_ cell: Span<UInt8>, _ at: inout Int) {
    while at < cell.count {
      let digit = cell[at] &- UInt8(ascii: "0")
      if digit > 9 { return }
      if digits < 19 {
        significand = significand &* 10 &+ UInt64(digit)
        if significand != 0 { digits &+= 1 }
      } else {
        digits &+= 1
      }
      at &+= 1
    }
  }

  /// Takes the exponent, which ends the text.
  private mutating func takePower(_ cell: Span<UInt8>, _ at: inout Int, hasPoint: Bool) -> Bool {
    guard cell[at] | 0x20 == UInt8(ascii: "e") else { return false }
    at &+= 1
    var isBelow = false
    var hasSign = false
    if at < cell.count, cell[at] == UInt8(ascii: "+") || cell[at] == UInt8(ascii: "-") {
      (hasSign, isBelow) = (true, cell[at] == UInt8(ascii: "-"))
      at &+= 1
    }
    let start = at
    var power = 0
    while at < cell.count, at &- start < 4 {
      let digit = cell[at] &- UInt8(ascii: "0")
      if digit > 9 { break }
      power = power &* 10 &+ Int(digit)
      at &+= 1
    }
    // 32E0134 is the name of something, and so is 5E3.
    guard at > start, at &- start <= 3, at == cell.count, hasPoint || hasSign else { return false }
    exponent &+= isBelow ? 0 &- power : power
    return true
  }

  private static func fits(_ cell: Span<UInt8>, digits: Int) -> Bool {
    if digits <= 18 { return true }
    do throws(CellFlaw) { _ = try IntegerCells.int64(cell) } catch { return false }
    return true
  }

  /// Whether it has at most 17 digits, but for zeros at the end, and the nearest double prints back to
  /// it.
  ///
  /// - Precondition: it is an integer or a float; `cell` is the same text.
  func isDouble(_ cell: Span<UInt8>) -> Bool {
    // Any decimal of 15 digits in the range of normal doubles prints back.
    if digits <= 15, exponent > -300, exponent < 280 { return true }
    guard let own = Self.plain(cell), own.digits.count <= 17 else { return false }
    do throws(CellFlaw) {
      let printed = Array(try FloatCells.double(cell).description.utf8)
      return Self.plain(printed.span) == own
    } catch { return false }
  }

  /// A decimal: its digits without leading and trailing zeros, and the power of ten of the last.
  private struct Plain: Equatable {
    var isNegative = false
    var digits: [UInt8] = []
    var exponent = 0
  }

  private static func plain(_ cell: Span<UInt8>) -> Plain? {
    var plain = Plain()
    var at = 0
    var sawPoint = false
    scan: while at < cell.count {
      let byte = cell[at]
      switch byte {
      case UInt8(ascii: "-"): plain.isNegative = true
      case UInt8(ascii: "."): sawPoint = true
      case UInt8(ascii: "e"), UInt8(ascii: "E"): break scan
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        if sawPoint { plain.exponent -= 1 }
        if byte != UInt8(ascii: "0") || !plain.digits.isEmpty { plain.digits.append(byte) }
      default: return nil
      }
      at += 1
    }
    if at < cell.count {
      do throws(CellFlaw) {
        let power = try IntegerCells.int64(cell.extracting((at + 1)..<cell.count))
        guard let value = Int(exactly: power) else { return nil }
        plain.exponent += value
      } catch { return nil }
    }
    while plain.digits.last == UInt8(ascii: "0") {
      plain.digits.removeLast()
      plain.exponent += 1
    }
    if plain.digits.isEmpty { plain.exponent = 0 }
    return plain
  }

  /// Whether a decimal text is exactly what a double prints to.
  static func isDouble(_ cell: Span<UInt8>) -> Bool {
    let number = ExactNumber(cell)
    return number.kind != .none && number.isDouble(cell)
  }
}
