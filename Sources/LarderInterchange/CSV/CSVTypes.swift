import LarderColumns

/// The types that the cells of a text column may have, narrowed down cell by cell.
///
/// A number with leading zeros or a plus sign is text, since it would not come out as it went in,
/// and so is one beyond the type's range.
struct CellTypeGuess {
  private var isBool = true
  private var isInteger = true
  private var isFloat = true
  private var isDate = true
  private var isTime = true
  private var hasFinerTime = false
  private var hasValue = false

  /// The narrowest type that all cells have; text where there are none.
  var type: DataType {
    if !hasValue { return .string }
    if isBool { return .bool }
    if isInteger { return .int64 }
    if isFloat { return .float64 }
    if isDate { return .date }
    if isTime { return .timestamp(hasFinerTime ? .nanoseconds : .microseconds) }
    return .string
  }

  /// Whether nothing but text is left.
  private var isText: Bool { hasValue && !isBool && !isInteger && !isFloat && !isTime }

  /// Narrows the types by the values of a column of text.
  mutating func see(_ column: Column) {
    for row in 0..<column.count where column.isValid(row) {
      if isText { return }
      let bytes = unsafe column.variableBytes(row)
      unsafe see(Span(_unsafeElements: bytes.bindMemory(to: UInt8.self)))
    }
  }

  private mutating func see(_ bytes: Span<UInt8>) {
    hasValue = true
    let cell = bytes.extracting(bytes.trimmed(0..<bytes.count))
    if isBool { isBool = cell.equalsIgnoringCase("true") || cell.equalsIgnoringCase("false") }
    if isInteger || isFloat {
      let isPlain = Self.isPlainNumber(cell)
      if isInteger { isInteger = isPlain && TimeCells.isInteger(cell) && Self.fits(cell) }
      // An integer beyond 64 bits would lose digits as a float.
      if isFloat {
        isFloat = isPlain && (TimeCells.isInteger(cell) ? Self.fits(cell) : isDouble(cell))
      }
    }
    if isDate { isDate = Self.isDate(cell) }
    if isTime { isTime = seesTime(cell) }
  }

  private static func isPlainNumber(_ cell: Span<UInt8>) -> Bool {
    guard cell.count > 0, cell[0] != UInt8(ascii: "+") else { return false }
    let first = cell[0] == UInt8(ascii: "-") ? 1 : 0
    guard first + 1 < cell.count else { return first < cell.count }
    let next = cell[first + 1]
    return cell[first] != UInt8(ascii: "0") || next &- UInt8(ascii: "0") > 9
  }

  private static func fits(_ cell: Span<UInt8>) -> Bool {
    do throws(CellFlaw) { _ = try IntegerCells.int64(cell) } catch { return false }
    return true
  }

  private func isDouble(_ cell: Span<UInt8>) -> Bool {
    do throws(CellFlaw) { _ = try FloatCells.double(cell) } catch { return false }
    return true
  }

  private static func isDate(_ cell: Span<UInt8>) -> Bool {
    do throws(CellFlaw) { _ = try TimeCells.days(cell) } catch { return false }
    return true
  }

  private mutating func seesTime(_ cell: Span<UInt8>) -> Bool {
    if TimeCells.isInteger(cell) { return false }
    do throws(CellFlaw) { _ = try TimeCells.ticks(cell, in: .microseconds) } catch {
      guard case .time(.finerThanUnit) = error else { return false }
      do throws(CellFlaw) { _ = try TimeCells.ticks(cell, in: .nanoseconds) } catch { return false }
      hasFinerTime = true
    }
    return true
  }
}
