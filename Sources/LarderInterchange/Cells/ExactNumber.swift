/// Tells which texts are numbers that come out of a column as they went in.
enum ExactNumber {
  enum Kind { case integer, float, none }

  /// A decimal: its digits without leading and trailing zeros, and the power of ten of the last.
  private struct Decimal: Equatable {
    var isNegative = false
    var digits: [UInt8] = []
    var exponent = 0
  }

  /// What a text is, by how it is written and by the range of 64 bits.
  static func kind(of cell: Span<UInt8>) -> Kind {
    var at = 0
    let isNegative = cell.count > 0 && cell[0] == UInt8(ascii: "-")
    if isNegative { at = 1 }
    let first = at
    let whole = digits(cell, &at)
    // A zero in front of other digits, as codes have it, would be lost.
    if whole > 1, cell[first] == UInt8(ascii: "0") { return .none }
    if at == cell.count {
      // -0 is no integer: its sign would be lost.
      guard whole > 0, !isNegative || cell[first] != UInt8(ascii: "0") else {
        return whole > 0 ? .float : .none
      }
      do throws(CellFlaw) { _ = try IntegerCells.int64(cell) } catch { return .none }
      return .integer
    }
    var hasPoint = false
    if cell[at] == UInt8(ascii: ".") {
      hasPoint = true
      at += 1
      guard digits(cell, &at) + whole > 0 else { return .none }
    }
    guard whole > 0 || hasPoint else { return .none }
    if at == cell.count { return .float }
    guard cell[at] | 0x20 == UInt8(ascii: "e") else { return .none }
    at += 1
    var hasSign = false
    if at < cell.count, cell[at] == UInt8(ascii: "+") || cell[at] == UInt8(ascii: "-") {
      hasSign = true
      at += 1
    }
    let power = digits(cell, &at)
    // 32E0134 is the name of something.
    guard power > 0, power <= 3, at == cell.count, hasPoint || hasSign else { return .none }
    return .float
  }

  private static func digits(_ cell: Span<UInt8>, _ at: inout Int) -> Int {
    let start = at
    while at < cell.count, cell[at] &- UInt8(ascii: "0") <= 9 { at += 1 }
    return at - start
  }

  /// Whether a decimal has at most 17 digits and the nearest double prints back to it.
  ///
  /// - Precondition: `kind` says that it is an integer or a float.
  static func isDouble(_ cell: Span<UInt8>) -> Bool {
    guard let decimal = decimal(cell), decimal.digits.count <= 17 else { return false }
    let magnitude = decimal.exponent + decimal.digits.count
    // Any decimal of 15 digits in the range of normal doubles prints back.
    if decimal.digits.count <= 15, magnitude > -300, magnitude < 300 { return true }
    do throws(CellFlaw) {
      let printed = Array(try FloatCells.double(cell).description.utf8)
      return self.decimal(printed.span) == decimal
    } catch { return false }
  }

  private static func decimal(_ cell: Span<UInt8>) -> Decimal? {
    var decimal = Decimal()
    var at = 0
    var sawPoint = false
    scan: while at < cell.count {
      let byte = cell[at]
      switch byte {
      case UInt8(ascii: "-"): decimal.isNegative = true
      case UInt8(ascii: "."): sawPoint = true
      case UInt8(ascii: "e"), UInt8(ascii: "E"): break scan
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        if sawPoint { decimal.exponent -= 1 }
        if byte != UInt8(ascii: "0") || !decimal.digits.isEmpty { decimal.digits.append(byte) }
      default: return nil
      }
      at += 1
    }
    if at < cell.count {
      let power = cell.extracting((at + 1)..<cell.count)
      do throws(CellFlaw) {
        guard let value = Int(exactly: try IntegerCells.int64(power)) else { return nil }
        decimal.exponent += value
      } catch { return nil }
    }
    while decimal.digits.last == UInt8(ascii: "0") {
      decimal.digits.removeLast()
      decimal.exponent += 1
    }
    if decimal.digits.isEmpty { decimal.exponent = 0 }
    return decimal
  }
}
