import LarderColumns

/// Converts columns of times, of any unit, to a view's unit without loss.
struct TimeConversion {
  /// The column's name, for messages.
  let name: String
  /// The view's unit.
  let unit: TimeUnit

  /// Converts timestamps of any unit, and dates as midnight UTC.
  ///
  /// - Returns: a timestamp column in the unit; the column itself if it already is one.
  /// - Throws: `invalidInput` for another type, for a value with a remainder below the unit, and for
  ///   one beyond the unit's range, with its row.
  func convert(_ column: Column) throws(LarderError) -> Column {
    let column = try column.withoutDictionary()
    switch column.type {
    case .timestamp(unit): return column
    case .timestamp(let from): return try scale(column, from)
    case .date: return try scaleDates(column)
    default:
      throw LarderError(
        .invalidInput, "It holds \(column.type) where times are expected.", column: name)
    }
  }

  private func scale(_ column: Column, _ from: TimeUnit) throws(LarderError) -> Column {
    let source = unsafe column.fixedValues(as: Int64.self)
    let buffer = Buffer(uninitializedBytes: column.count * 8)
    let target = unsafe buffer.mutableValues(as: Int64.self)
    let finer = unit.nanosecondsPerTick < from.nanosecondsPerTick
    let factor =
      finer
      ? from.nanosecondsPerTick / unit.nanosecondsPerTick
      : unit.nanosecondsPerTick / from.nanosecondsPerTick
    var bad: Int?
    for row in 0..<column.count {
      let value = unsafe source[row]
      if finer {
        let (product, overflow) = value.multipliedReportingOverflow(by: factor)
        unsafe target[row] = product
        if overflow, column.isValid(row) {
          bad = row
          break
        }
      } else {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: factor)
        unsafe target[row] = quotient
        if remainder != 0, column.isValid(row) {
          bad = row
          break
        }
      }
    }
    if let bad { throw unsafe refusal(source[bad], from, row: bad) }
    return Column(
      type: .timestamp(unit), count: column.count, nullCount: column.nullCount,
      validity: column.alignedValidity(), values: buffer)
  }

  private func scaleDates(_ column: Column) throws(LarderError) -> Column {
    let source = unsafe column.fixedValues(as: Int32.self)
    let buffer = Buffer(uninitializedBytes: column.count * 8)
    let target = unsafe buffer.mutableValues(as: Int64.self)
    let ticksPerDay = 86_400 * unit.ticksPerSecond
    for row in 0..<column.count {
      let (product, overflow) = unsafe Int64(source[row]).multipliedReportingOverflow(
        by: ticksPerDay)
      unsafe target[row] = product
      if overflow, column.isValid(row) {
        throw LarderError(
          .invalidInput, "The day \(unsafe source[row]) is out of the range of \(unit).",
          column: name, row: row)
      }
    }
    return Column(
      type: .timestamp(unit), count: column.count, nullCount: column.nullCount,
      validity: column.alignedValidity(), values: buffer)
  }

  private func refusal(_ value: Int64, _ from: TimeUnit, row: Int) -> LarderError {
    if unit.nanosecondsPerTick < from.nanosecondsPerTick {
      return LarderError(
        .invalidInput, "The time \(value) \(from) is out of the range of \(unit).",
        column: name, row: row)
    }
    return LarderError(
      .invalidInput,
      "The time \(value) \(from) is not a whole number of \(unit), the unit of the view. Define the "
        + "view with \"timeUnit\": \"ns\", or round the times.", column: name, row: row)
  }
}
