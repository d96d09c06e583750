extension ISO8601 {
  /// Appends an instant: `2013-01-01T06:00:00Z`, with a fraction only as long as it needs to be.
  ///
  /// Years beyond 0001 to 9999 carry a sign; what is written reads back as the same tick.
  package static func append(ticks: Int64, unit: TimeUnit, to text: inout [UInt8]) {
    let perSecond = unit.ticksPerSecond
    var seconds = ticks / perSecond
    var part = ticks % perSecond
    if part < 0 {
      part &+= perSecond
      seconds &-= 1
    }
    var days = seconds / 86_400
    var second = seconds % 86_400
    if second < 0 {
      second &+= 86_400
      days &-= 1
    }
    append(date: CivilDate(days: days), to: &text)
    text.append(UInt8(ascii: "T"))
    append(twoDigits: second / 3_600, to: &text)
    text.append(UInt8(ascii: ":"))
    append(twoDigits: second / 60 % 60, to: &text)
    text.append(UInt8(ascii: ":"))
    append(twoDigits: second % 60, to: &text)
    if part != 0 {
      text.append(UInt8(ascii: "."))
      var scale = perSecond / 10
      while part != 0 {
        text.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: part / scale))
        part %= scale
        scale = max(scale / 10, 1)
      }
    }
    text.append(UInt8(ascii: "Z"))
  }

  /// Appends a date: `2013-01-01`.
  package static func append(days: Int32, to text: inout [UInt8]) {
    append(date: CivilDate(days: Int64(days)), to: &text)
  }

  /// A date as text.
  package static func text(days: Int32) -> String {
    var text: [UInt8] = []
    append(days: days, to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  private static func append(date: CivilDate, to text: inout [UInt8]) {
    let year = date.year
    if year < 1 || year > 9_999 { text.append(UInt8(ascii: year < 0 ? "-" : "+")) }
    let magnitude = year.magnitude
    var scale: UInt64 = 1_000
    while magnitude / scale > 9 { scale &*= 10 }
    while scale > 0 {
      text.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: magnitude / scale % 10))
      scale /= 10
    }
    text.append(UInt8(ascii: "-"))
    append(twoDigits: date.month, to: &text)
    text.append(UInt8(ascii: "-"))
    append(twoDigits: date.day, to: &text)
  }

  @inline(__always)
  private static func append(twoDigits value: Int64, to text: inout [UInt8]) {
    text.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value / 10))
    text.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value % 10))
  }
}
