import LarderColumns

/// A way of writing times that is not ISO 8601, such as `%d/%m/%Y %H:%M`.
///
/// Known are `%Y %m %d %H %M %S %f %z %b %B %I %p %y %j %F %T %%`; a space stands for any run of
/// spaces. Without a zone times are UTC. `%y` is 1969 to 2068. Nothing depends on a locale: the names
/// of months are English.
package struct TimePattern: Sendable, Hashable {
  /// The pattern as it was given.
  package let text: String
  private let parts: [Part]

  fileprivate enum Part: Hashable, Sendable {
    case literal(UInt8)
    case spaces
    case year, shortYear, month, monthName, day, dayOfYear
    case hour, halfDayHour, halfDay, minute, second, fraction, zone
  }

  /// Whether it says a time of day.
  package var hasClock: Bool {
    parts.contains(.hour) || parts.contains(.halfDayHour)
  }

  /// Reads a pattern.
  ///
  /// - Throws: `invalidArgument` for one that is not known, or that names no day.
  package init(_ text: String) throws(LarderError) {
    self.text = text
    var parts: [Part] = []
    var letters = Array(text.utf8)[...]
    while let letter = letters.popFirst() {
      guard letter == UInt8(ascii: "%") else {
        if letter == UInt8(ascii: " ") {
          if parts.last != .spaces { parts.append(.spaces) }
        } else {
          parts.append(.literal(letter))
        }
        continue
      }
      guard let code = letters.popFirst(), let known = Self.parts(of: code) else {
        throw LarderError(
          .invalidArgument,
          "\"\(text)\" is no pattern of times; known are %Y %m %d %H %M %S %f %z %b %B %I %p %y %j "
            + "%F %T.")
      }
      parts += known
    }
    self.parts = parts
    let hasMonth = parts.contains(.month) || parts.contains(.monthName)
    let hasYear = parts.contains(.year) || parts.contains(.shortYear)
    let hasDay = hasMonth && parts.contains(.day) || parts.contains(.dayOfYear)
    guard hasYear, hasDay else {
      throw LarderError(
        .invalidArgument, "\"\(text)\" does not say a day: it needs a year, a month and a day.")
    }
  }

  private static func parts(of code: UInt8) -> [Part]? {
    let dash = Part.literal(UInt8(ascii: "-"))
    let colon = Part.literal(UInt8(ascii: ":"))
    return switch Unicode.Scalar(code) {
    case "Y": [.year]
    case "y": [.shortYear]
    case "m": [.month]
    case "b", "B", "h": [.monthName]
    case "d", "e": [.day]
    case "j": [.dayOfYear]
    case "H": [.hour]
    case "I": [.halfDayHour]
    case "p": [.halfDay]
    case "M": [.minute]
    case "S": [.second]
    case "f": [.fraction]
    case "z": [.zone]
    case "F": [.year, dash, .month, dash, .day]
    case "T": [.hour, colon, .minute, colon, .second]
    case "%": [.literal(UInt8(ascii: "%"))]
    default: nil
    }
  }

  /// What a text says.
  private struct Reading {
    var year: Int64 = 1970
    var month: Int64 = 1
    var day: Int64 = 1
    var dayOfYear: Int64?
    var hour: Int64 = 0
    var isAfternoon: Bool?
    var minute: Int64 = 0
    var second: Int64 = 0
    var nanoseconds: Int64 = 0
    var zone: Int64 = 0
  }

  /// The ticks of a unit that a text stands for; nil if it is not written so.
  ///
  /// - Throws: `finerThanUnit`, `outOfRange`.
  func ticks(_ cell: Span<UInt8>, in unit: TimeUnit) throws(CellFlaw) -> Int64? {
    guard let reading = read(cell), let days = days(reading), let seconds = seconds(reading)
    else { return nil }
    let tick = unit.nanosecondsPerTick
    guard reading.nanoseconds % tick == 0 else { throw .time(.finerThanUnit(unit)) }
    let whole = (Int128(days) * 86_400 + Int128(seconds)) * Int128(unit.ticksPerSecond)
    guard let ticks = Int64(exactly: whole + Int128(reading.nanoseconds / tick)) else {
      throw .time(.outOfRange(unit))
    }
    return ticks
  }

  /// The day that a text stands for; nil if it is not written so, or says a time of day.
  func days(_ cell: Span<UInt8>) -> Int32? {
    guard !hasClock, let reading = read(cell), let days = days(reading) else { return nil }
    return Int32(exactly: days)
  }

  private func days(_ reading: Reading) -> Int64? {
    if let ordinal = reading.dayOfYear {
      let first = CivilDate(year: reading.year, month: 1, day: 1).days
      let next = CivilDate(year: reading.year + 1, month: 1, day: 1).days
      guard ordinal >= 1, ordinal <= next - first else { return nil }
      return first + ordinal - 1
    }
    guard reading.month >= 1, reading.month <= 12, reading.day >= 1,
      reading.day <= CivilDate.daysInMonth(reading.month, of: reading.year)
    else { return nil }
    return CivilDate(year: reading.year, month: reading.month, day: reading.day).days
  }

  private func seconds(_ reading: Reading) -> Int64? {
    var hour = reading.hour
    if parts.contains(.halfDayHour) {
      guard hour >= 1, hour <= 12 else { return nil }
      hour = hour % 12 + (reading.isAfternoon == true ? 12 : 0)
    }
    guard hour <= 23, reading.minute <= 59, reading.second <= 59 else { return nil }
    return (hour * 60 + reading.minute) * 60 + reading.second - reading.zone
  }

  private func read(_ cell: Span<UInt8>) -> Reading? {
    var scan = TimeScan(at: 0)
    var reading = Reading()
    for (index, part) in parts.enumerated() {
      let isLast = index == parts.count - 1
      switch part {
      case .literal(let byte): guard scan.skip(byte, in: cell) else { return nil }
      case .spaces: guard scan.skipSpaces(in: cell) else { return nil }
      case .year:
        guard let year = scan.number(cell, 4...4) else { return nil }
        reading.year = year
      case .shortYear:
        guard let year = scan.number(cell, 2...2) else { return nil }
        reading.year = year + (year >= 69 ? 1_900 : 2_000)
      case .monthName:
        guard let month = scan.month(cell) else { return nil }
        reading.month = month
      case .month, .day, .hour, .halfDayHour, .minute, .second:
        // Digits that stand alone may lack a leading zero.
        let mayBeShort = isLast || !parts[index + 1].isNumber
        guard let number = scan.number(cell, mayBeShort ? 1...2 : 2...2) else { return nil }
        switch part {
        case .month: reading.month = number
        case .day: reading.day = number
        case .minute: reading.minute = number
        case .second: reading.second = number
        default: reading.hour = number
        }
      case .dayOfYear:
        guard let ordinal = scan.number(cell, 3...3) else { return nil }
        reading.dayOfYear = ordinal
      case .halfDay:
        guard let isAfternoon = scan.halfDay(cell) else { return nil }
        reading.isAfternoon = isAfternoon
      case .fraction:
        guard let nanoseconds = scan.fraction(cell) else { return nil }
        reading.nanoseconds = nanoseconds
      case .zone:
        guard let zone = scan.zone(cell) else { return nil }
        reading.zone = zone
      }
    }
    return scan.at == cell.count ? reading : nil
  }
}

extension TimePattern.Part {
  /// Whether it is written in digits.
  fileprivate var isNumber: Bool {
    switch self {
    case .year, .shortYear, .month, .day, .dayOfYear, .hour, .halfDayHour, .minute, .second,
      .fraction:
      true
    case .literal(let byte): byte &- UInt8(ascii: "0") <= 9
    case .spaces, .monthName, .halfDay, .zone: false
    }
  }
}
