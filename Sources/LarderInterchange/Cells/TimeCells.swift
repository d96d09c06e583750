import LarderColumns

/// Reads instants and dates from text.
enum TimeCells {
  /// An instant in ISO 8601, or a whole number of ticks of the unit.
  @inline(__always)
  static func ticks(_ cell: Span<UInt8>, in unit: TimeUnit) throws(CellFlaw) -> Int64 {
    if isInteger(cell) { return try IntegerCells.int64(cell) }
    do throws(ISO8601.Flaw) { return try ISO8601.ticks(cell, in: unit) } catch {
      throw .time(error)
    }
  }

  /// A date: `2013-01-01`.
  static func days(_ cell: Span<UInt8>) throws(CellFlaw) -> Int32 {
    do throws(ISO8601.Flaw) { return try ISO8601.days(cell) } catch { throw .time(error) }
  }

  /// Whether the text is digits after an optional sign, which no time in ISO 8601 is.
  static func isInteger(_ cell: Span<UInt8>) -> Bool {
    var at = 0
    if cell.count > 1, cell[0] == UInt8(ascii: "-") || cell[0] == UInt8(ascii: "+") { at = 1 }
    guard at < cell.count else { return false }
    while at < cell.count {
      guard cell[at] &- UInt8(ascii: "0") <= 9 else { return false }
      at &+= 1
    }
    return true
  }
}
