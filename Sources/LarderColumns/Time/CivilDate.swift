/// A day of the proleptic Gregorian calendar.
///
/// The conversions are Howard Hinnant's `days_from_civil` and `civil_from_days` ("chrono-Compatible
/// Low-Level Date Algorithms"): years start in March, so that the leap day is a year's last, and 400
/// years are one era of 146,097 days.
package struct CivilDate: Hashable, Sendable {
  /// The astronomical year: 0 is 1 BC.
  package var year: Int64
  /// 1 to 12.
  package var month: Int64
  /// 1 to 31.
  package var day: Int64

  package init(year: Int64, month: Int64, day: Int64) {
    self.year = year
    self.month = month
    self.day = day
  }

  /// The day of a number of days since 1970-01-01.
  ///
  /// - Precondition: `days` is at least 719,468 away from the ends of Int64.
  package init(days: Int64) {
    let shifted = days &+ 719_468
    let era = (shifted >= 0 ? shifted : shifted &- 146_096) / 146_097
    let dayOfEra = shifted &- era &* 146_097
    let yearOfEra =
      (dayOfEra &- dayOfEra / 1_460 &+ dayOfEra / 36_524 &- dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra &- (365 &* yearOfEra &+ yearOfEra / 4 &- yearOfEra / 100)
    let shiftedMonth = (5 &* dayOfYear &+ 2) / 153
    day = dayOfYear &- (153 &* shiftedMonth &+ 2) / 5 &+ 1
    month = shiftedMonth < 10 ? shiftedMonth &+ 3 : shiftedMonth &- 9
    year = yearOfEra &+ era &* 400 &+ (month <= 2 ? 1 : 0)
  }

  /// Days since 1970-01-01.
  ///
  /// - Precondition: the year is within 10^13 of 0, so that nothing overflows.
  package var days: Int64 {
    let shiftedYear = month <= 2 ? year &- 1 : year
    let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear &- 399) / 400
    let yearOfEra = shiftedYear &- era &* 400
    let shiftedMonth = month > 2 ? month &- 3 : month &+ 9
    let dayOfYear = (153 &* shiftedMonth &+ 2) / 5 &+ day &- 1
    let dayOfEra = yearOfEra &* 365 &+ yearOfEra / 4 &- yearOfEra / 100 &+ dayOfYear
    return era &* 146_097 &+ dayOfEra &- 719_468
  }

  /// How many days a month has.
  package static func daysInMonth(_ month: Int64, of year: Int64) -> Int64 {
    switch month {
    case 2: return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: return 30
    default: return 31
    }
  }
}
