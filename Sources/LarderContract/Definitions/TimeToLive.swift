import LarderColumns

/// Durations as definitions write them: a whole number and a unit, such as `90s` or `3h`.
package enum TimeToLive {
  /// The units, longest first, in nanoseconds.
  ///
  /// A day has 24 hours and a week 7 days, as in UTC.
  private static let units: [(name: String, nanoseconds: Int128)] = [
    ("w", 604_800_000_000_000), ("d", 86_400_000_000_000), ("h", 3_600_000_000_000),
    ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1),
  ]

  /// Reads `90s`, `15m`, `3h`, `2d`, `4w`, `250ms`, `10us` or `5ns`.
  ///
  /// - Throws: `invalidArgument` for anything else and for more seconds than Int64 counts.
  package static func parse(_ text: String) throws(LarderError) -> Duration {
    let digits = text.utf8.prefix { $0 >= 0x30 && $0 <= 0x39 }
    let rest = String(decoding: text.utf8.dropFirst(digits.count), as: UTF8.self)
    guard let count = Int64(String(decoding: digits, as: UTF8.self)),
      let unit = units.first(where: { $0.name == rest })
    else {
      throw LarderError(
        .invalidArgument,
        "\"\(text)\" is not a duration; write a whole number and a unit: 90s, 15m, 3h, 2d, 4w, "
          + "or ms, us, ns.")
    }
    let (seconds, nanoseconds) =
      (Int128(count) * unit.nanoseconds).quotientAndRemainder(dividingBy: 1_000_000_000)
    guard let whole = Int64(exactly: seconds) else {
      throw LarderError(.invalidArgument, "\"\(text)\" is longer than 64 bits of seconds hold.")
    }
    return Duration(
      secondsComponent: whole, attosecondsComponent: Int64(nanoseconds) * 1_000_000_000)
  }

  /// A duration in the longest unit of which it is a whole number.
  ///
  /// - Precondition: it is a whole number of nanoseconds and not negative.
  package static func text(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    let nanoseconds = Int128(seconds) * 1_000_000_000 + Int128(attoseconds / 1_000_000_000)
    if nanoseconds == 0 { return "0s" }
    for unit in units {
      let (count, remainder) = nanoseconds.quotientAndRemainder(dividingBy: unit.nanoseconds)
      if remainder == 0, Int64(exactly: count) != nil { return "\(count)\(unit.name)" }
    }
    return "\(seconds)s"
  }
}
