import LarderColumns

/// How times in text are to be read beside ISO 8601.
package struct TimeReading: Sendable, Hashable {
  /// What whole numbers count; nil to refuse them.
  package var integers: TimeUnit?
  /// Another way of writing times, which is tried first.
  package var pattern: TimePattern?

  /// Takes ISO 8601, and what is said here.
  package init(integers: TimeUnit? = nil, pattern: TimePattern? = nil) {
    self.integers = integers
    self.pattern = pattern
  }
}

/// Reads instants and dates from text.
enum TimeCells {
  /// An instant in ISO 8601 or in a pattern, or a whole number of ticks of a unit that is told.
  @inline(__always)
  static func ticks(
    _ cell: Span<UInt8>, in unit: TimeUnit, by reading: TimeReading
  ) throws(CellFlaw) -> Int64 {
    if let pattern = reading.pattern, let ticks = try pattern.ticks(cell, in: unit) { return ticks }
    if isInteger(cell) {
      guard let integers = reading.integers else { throw .withoutUnit }
      let count = try IntegerCells.int64(cell)
      return integers == unit ? count : try rescaled(count, from: integers, to: unit)
    }
    do throws(ISO8601.Flaw) { return try ISO8601.ticks(cell, in: unit) } catch {
      if let pattern = reading.pattern { throw .other("not a time as \(pattern.text) writes it") }
      throw .time(error)
    }
  }

  /// Ticks of one unit as ticks of another.
  ///
  /// - Throws: `finerThanUnit` if something would be lost; `outOfRange`.
  static func rescaled(
    _ ticks: Int64, from: TimeUnit, to unit: TimeUnit
  ) throws(CellFlaw) -> Int64 {
    let (old, new) = (from.nanosecondsPerTick, unit.nanosecondsPerTick)
    if old >= new {
      let (product, overflowed) = ticks.multipliedReportingOverflow(by: old / new)
      guard !overflowed else { throw .time(.outOfRange(unit)) }
      return product
    }
    let (quotient, remainder) = ticks.quotientAndRemainder(dividingBy: new / old)
    guard remainder == 0 else { throw .time(.finerThanUnit(unit)) }
    return quotient
  }

  /// A date: `2013-01-01`, or what a pattern without a time of day says.
  static func days(_ cell: Span<UInt8>, by reading: TimeReading) throws(CellFlaw) -> Int32 {
    if let days = reading.pattern?.days(cell) { return days }
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
