extension ISO8601 {
  /// Why bytes are not a date or a time.
  package enum Flaw: Error, Hashable, Sendable {
    /// Something else stands where a part of the time was expected.
    case malformed(at: Int)
    /// The year is 0000, or the date does not fit.
    case yearOutOfRange
    /// A month other than 1 to 12.
    case noSuchMonth(Int64)
    /// A day that this month does not have.
    case noSuchDay(Int64)
    /// An hour above 23.
    case noSuchHour(Int64)
    /// A minute above 59.
    case noSuchMinute(Int64)
    /// A second above 59.
    case noSuchSecond(Int64)
    /// A zone of a day or more.
    case noSuchZone
    /// Digits below the unit that are not 0.
    case finerThanUnit(TimeUnit)
    /// More ticks of the unit than Int64 counts.
    case outOfRange(TimeUnit)
  }
}

extension ISO8601.Flaw {
  /// What is wrong and what to write instead, as the end of a sentence about the text.
  package var reason: String {
    switch self {
    case .malformed(let at):
      return "byte \(at + 1) does not fit; write 2013-01-01T06:00:00Z, with any fraction and zone"
    case .yearOutOfRange:
      return "years go from 0001 to 9999; beyond, write a sign: +10000-01-01"
    case .noSuchMonth(let month): return "there is no month \(month)"
    case .noSuchDay(let day): return "that month has no day \(day)"
    case .noSuchHour(24): return "there is no hour 24; write 00:00 of the next day"
    case .noSuchHour(let hour): return "there is no hour \(hour)"
    case .noSuchMinute(let minute): return "there is no minute \(minute)"
    case .noSuchSecond(60):
      return "leap seconds have no tick of their own; write second 59 or the next minute"
    case .noSuchSecond(let second): return "there is no second \(second)"
    case .noSuchZone: return "a zone is at most 23:59 from UTC"
    case .finerThanUnit(let unit):
      let advice = unit == .microseconds ? "; give the view \"timeUnit\": \"ns\"" : ""
      return "it is finer than the unit, which is \(unit)\(advice)"
    case .outOfRange(let unit): return "it is beyond what 64 bits of \(unit) hold"
    }
  }
}
