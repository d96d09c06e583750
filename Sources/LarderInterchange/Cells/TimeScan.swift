/// Takes the parts of a time off the front of a text.
struct TimeScan {
  /// The next byte.
  var at: Int

  private func digit(_ text: Span<UInt8>) -> Int64? {
    guard at < text.count else { return nil }
    let value = text[at] &- UInt8(ascii: "0")
    return value <= 9 ? Int64(value) : nil
  }

  /// Passes over a byte that must be there.
  mutating func skip(_ byte: UInt8, in text: Span<UInt8>) -> Bool {
    guard at < text.count, text[at] == byte else { return false }
    at += 1
    return true
  }

  /// Passes over one space or more.
  mutating func skipSpaces(in text: Span<UInt8>) -> Bool {
    let start = at
    while at < text.count, text[at] == UInt8(ascii: " ") { at += 1 }
    return at > start
  }

  /// A number of some digits, as many as there are.
  mutating func number(_ text: Span<UInt8>, _ digits: ClosedRange<Int>) -> Int64? {
    var value: Int64 = 0
    var count = 0
    while count < digits.upperBound, let next = digit(text) {
      value = value * 10 + next
      count += 1
      at += 1
    }
    return digits.contains(count) ? value : nil
  }

  /// Up to nine digits behind a point, as nanoseconds; further ones must be 0.
  mutating func fraction(_ text: Span<UInt8>) -> Int64? {
    var scale: Int64 = 100_000_000
    var nanoseconds: Int64 = 0
    let start = at
    while let next = digit(text) {
      guard scale > 0 || next == 0 else { return nil }
      nanoseconds += next * scale
      scale /= 10
      at += 1
    }
    return at > start ? nanoseconds : nil
  }

  /// `Z`, `UTC`, `+hh`, `+hhmm` or `+hh:mm`, after any spaces, as seconds east of UTC.
  mutating func zone(_ text: Span<UInt8>) -> Int64? {
    _ = skipSpaces(in: text)
    for name in ["UTC", "GMT", "Z"] where matches(name, in: text) {
      at += name.utf8.count
      return 0
    }
    let isWest = skip(UInt8(ascii: "-"), in: text)
    guard isWest || skip(UInt8(ascii: "+"), in: text), let hours = number(text, 2...2) else {
      return nil
    }
    let hasColon = skip(UInt8(ascii: ":"), in: text)
    var minutes: Int64 = 0
    if hasColon || digit(text) != nil {
      guard let number = number(text, 2...2) else { return nil }
      minutes = number
    }
    guard hours <= 23, minutes <= 59 else { return nil }
    let offset = (hours * 60 + minutes) * 60
    return isWest ? -offset : offset
  }

  /// `AM` or `PM` in any case: whether it is the second.
  mutating func halfDay(_ text: Span<UInt8>) -> Bool? {
    for (name, isAfternoon) in [("AM", false), ("PM", true)] where matches(name, in: text) {
      at += 2
      return isAfternoon
    }
    return nil
  }

  /// An English month by its whole name or its first three letters, in any case.
  mutating func month(_ text: Span<UInt8>) -> Int64? {
    let names = [
      "January", "February", "March", "April", "May", "June", "July", "August", "September",
      "October", "November", "December",
    ]
    for (index, name) in names.enumerated() {
      for spelling in [name, String(name.prefix(3))] where matches(spelling, in: text) {
        at += spelling.utf8.count
        return Int64(index + 1)
      }
    }
    return nil
  }

  private func matches(_ word: String, in text: Span<UInt8>) -> Bool {
    guard text.count - at >= word.utf8.count else { return false }
    var place = at
    for letter in word.utf8 {
      guard text[place] | 0x20 == letter | 0x20 else { return false }
      place += 1
    }
    return true
  }
}
