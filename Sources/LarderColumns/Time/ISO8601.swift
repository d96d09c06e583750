/// Reads dates and times as ISO 8601 writes them, from UTF-8 bytes, without a String for each.
///
/// A date is `YYYY-MM-DD` with years 0001 to 9999. A time is a date, or a date, `T` or a space, and
/// `hh:mm`, `hh:mm:ss` or `hh:mm:ss.f` with any number of fraction digits, and then a zone: `Z`,
/// `+hh`, `+hhmm`, `+hh:mm`, the word `UTC` after a space, or nothing, which means UTC. A date alone
/// is its first instant. Years beyond 0001 to 9999 carry a sign, as ISO 8601 has it for expanded
/// years: `+10000-01-01T00:00:00Z`, `-0001-12-31T00:00:00Z`, with year `+0000` being 1 BC. So every
/// tick of every unit can be written and read back.
///
/// There is no 24:00 and no leap second: UTC ticks since 1970 count neither.
package enum ISO8601 {
  /// Reads a time as ticks of a unit.
  ///
  /// - Throws: `finerThanUnit` if a digit other than 0 lies below the unit; `outOfRange` if the
  ///   ticks exceed Int64; the other flaws for what is not a time.
  package static func ticks(_ text: Span<UInt8>, in unit: TimeUnit) throws(Flaw) -> Int64 {
    var at = 0
    let days = try date(text, &at)
    var clock = Clock()
    if at < text.count {
      let separator = text[at]
      guard
        separator == UInt8(ascii: "T") || separator == UInt8(ascii: " ")
          || separator == UInt8(ascii: "t")
      else { throw .malformed(at: at) }
      at &+= 1
      clock = try self.clock(text, &at)
      clock.seconds &-= try zone(text, &at)
    }
    let tick = unit.nanosecondsPerTick
    guard !clock.hasMore, clock.nanoseconds % tick == 0 else { throw .finerThanUnit(unit) }
    let part = clock.nanoseconds / tick
    // Within 10^8 days of 1970 the seconds fit, and only their ticks may not.
    if days.magnitude < 100_000_000 {
      let seconds = days &* 86_400 &+ clock.seconds
      let (whole, overflowed) = seconds.multipliedReportingOverflow(by: unit.ticksPerSecond)
      let (sum, overflowed2) = whole.addingReportingOverflow(part)
      if !overflowed, !overflowed2 { return sum }
    }
    // The first day and the first second of Int64's range begin before it.
    let seconds = Int128(days) * 86_400 + Int128(clock.seconds)
    guard let ticks = Int64(exactly: seconds * Int128(unit.ticksPerSecond) + Int128(part)) else {
      throw .outOfRange(unit)
    }
    return ticks
  }

  /// Reads a date as days since 1970-01-01.
  ///
  /// - Throws: `malformed` also where a time follows the date.
  package static func days(_ text: Span<UInt8>) throws(Flaw) -> Int32 {
    var at = 0
    let days = try date(text, &at)
    guard at == text.count else { throw .malformed(at: at) }
    guard let result = Int32(exactly: days) else { throw .yearOutOfRange }
    return result
  }

  private struct Clock {
    var seconds: Int64 = 0
    var nanoseconds: Int64 = 0
    /// Whether a digit other than 0 lies below a nanosecond.
    var hasMore = false
  }

  private static func date(_ text: Span<UInt8>, _ at: inout Int) throws(Flaw) -> Int64 {
    var sign: UInt8 = 0
    if at < text.count, text[at] == UInt8(ascii: "+") || text[at] == UInt8(ascii: "-") {
      sign = text[at]
      at &+= 1
    }
    var year: Int64 = 0
    let start = at
    while at < text.count, let digit = digit(text[at]), at &- start < 12 {
      year = year &* 10 &+ digit
      at &+= 1
    }
    let digits = at &- start
    guard sign == 0 ? digits == 4 : digits >= 4 else { throw .malformed(at: start) }
    if sign == UInt8(ascii: "-") { year = 0 &- year }
    guard sign != 0 || year >= 1 else { throw .yearOutOfRange }
    try expect(UInt8(ascii: "-"), text, &at)
    let month = try twoDigits(text, &at)
    try expect(UInt8(ascii: "-"), text, &at)
    let day = try twoDigits(text, &at)
    guard month >= 1, month <= 12 else { throw .noSuchMonth(month) }
    guard day >= 1, day <= 28 || day <= CivilDate.daysInMonth(month, of: year) else {
      throw .noSuchDay(day)
    }
    return CivilDate(year: year, month: month, day: day).days
  }

  private static func clock(_ text: Span<UInt8>, _ at: inout Int) throws(Flaw) -> Clock {
    var clock = Clock()
    let hour = try twoDigits(text, &at)
    try expect(UInt8(ascii: ":"), text, &at)
    let minute = try twoDigits(text, &at)
    var second: Int64 = 0
    if at < text.count, text[at] == UInt8(ascii: ":") {
      at &+= 1
      second = try twoDigits(text, &at)
      if at < text.count, text[at] == UInt8(ascii: ".") || text[at] == UInt8(ascii: ",") {
        at &+= 1
        try fraction(text, &at, into: &clock)
      }
    }
    guard hour <= 23 else { throw .noSuchHour(hour) }
    guard minute <= 59 else { throw .noSuchMinute(minute) }
    guard second <= 59 else { throw .noSuchSecond(second) }
    clock.seconds = (hour &* 60 &+ minute) &* 60 &+ second
    return clock
  }

  private static func fraction(
    _ text: Span<UInt8>, _ at: inout Int, into clock: inout Clock
  ) throws(Flaw) {
    let start = at
    var scale: Int64 = 100_000_000
    while at < text.count, let digit = digit(text[at]) {
      if scale > 0 {
        clock.nanoseconds &+= digit &* scale
        scale /= 10
      } else if digit != 0 {
        clock.hasMore = true
      }
      at &+= 1
    }
    guard at > start else { throw .malformed(at: at) }
  }

  /// The zone's seconds east of UTC; it ends the text.
  private static func zone(_ text: Span<UInt8>, _ at: inout Int) throws(Flaw) -> Int64 {
    guard at < text.count else { return 0 }
    let start = at
    let lead = text[at]
    at &+= 1
    if lead == UInt8(ascii: "Z") || lead == UInt8(ascii: "z") {
      guard at == text.count else { throw .malformed(at: at) }
      return 0
    }
    if lead == UInt8(ascii: " ") {
      guard text.count &- at == 3, text[at] == UInt8(ascii: "U"),
        text[at &+ 1] == UInt8(ascii: "T"), text[at &+ 2] == UInt8(ascii: "C")
      else { throw .malformed(at: start) }
      at = text.count
      return 0
    }
    guard lead == UInt8(ascii: "+") || lead == UInt8(ascii: "-") else {
      throw .malformed(at: start)
    }
    let hours = try twoDigits(text, &at)
    var minutes: Int64 = 0
    if at < text.count {
      if text[at] == UInt8(ascii: ":") { at &+= 1 }
      minutes = try twoDigits(text, &at)
    }
    guard at == text.count else { throw .malformed(at: at) }
    guard hours <= 23, minutes <= 59 else { throw .noSuchZone }
    let offset = (hours &* 60 &+ minutes) &* 60
    return lead == UInt8(ascii: "-") ? 0 &- offset : offset
  }

  @inline(__always)
  private static func digit(_ byte: UInt8) -> Int64? {
    let value = byte &- UInt8(ascii: "0")
    return value <= 9 ? Int64(value) : nil
  }

  @inline(__always)
  private static func twoDigits(_ text: Span<UInt8>, _ at: inout Int) throws(Flaw) -> Int64 {
    guard at &+ 2 <= text.count, let tens = digit(text[at]), let ones = digit(text[at &+ 1])
    else { throw .malformed(at: at) }
    at &+= 2
    return tens &* 10 &+ ones
  }

  @inline(__always)
  private static func expect(
    _ byte: UInt8, _ text: Span<UInt8>, _ at: inout Int
  ) throws(Flaw) {
    guard at < text.count, text[at] == byte else { throw .malformed(at: at) }
    at &+= 1
  }
}
