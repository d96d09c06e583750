import Larder

/// Numbers for people.
package enum Quantity {
  /// `1,234,567`.
  package static func count(_ value: some BinaryInteger) -> String {
    let digits = String(value.magnitude)
    var text = value < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return text
  }

  /// `1 row`, `2 rows`.
  package static func count(_ value: Int, _ noun: String) -> String {
    "\(count(value)) \(noun)\(value == 1 ? "" : "s")"
  }

  /// `999 B`, `1.2 KB`, `34.5 MB`: powers of 1,000.
  package static func bytes(_ value: some BinaryInteger) -> String {
    if value < 1_000 { return "\(value) B" }
    var amount = Double(value) / 1_000
    for unit in ["KB", "MB", "GB"] {
      if amount < 999.95 { return "\(fixed(amount, 1)) \(unit)" }
      amount /= 1_000
    }
    return "\(fixed(amount, 1)) TB"
  }

  /// `12 ms`, `1.25 s`.
  package static func seconds(_ value: Double) -> String {
    if value < 0.001 { return "\(fixed(value * 1_000_000, 0)) us" }
    if value < 1 { return "\(fixed(value * 1_000, value < 0.01 ? 1 : 0)) ms" }
    return "\(fixed(value, 2)) s"
  }

  /// `45s`, `3h 20m`, `12d 4h`: whole units, the two largest.
  package static func duration(_ value: Duration) -> String {
    let seconds = value.components.seconds
    let sign = value < .zero ? "-" : ""
    let units: [(name: String, seconds: UInt64)] = [
      ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1),
    ]
    var rest = seconds.magnitude
    var parts: [String] = []
    for unit in units where rest >= unit.seconds && parts.count < 2 {
      parts.append("\(rest / unit.seconds)\(unit.name)")
      rest %= unit.seconds
    }
    return sign + (parts.isEmpty ? "0s" : parts.joined(separator: " "))
  }

  /// `850,000 rows/s`, to three digits.
  package static func rate(_ count: Int, _ noun: String, in seconds: Double) -> String {
    guard seconds > 0, count > 0 else { return "0 \(noun)s/s" }
    let exact = Double(count) / seconds
    var scale = 1.0
    while exact / scale >= 1_000 { scale *= 10 }
    return "\(self.count(Int((exact / scale).rounded() * scale))) \(noun)s/s"
  }

  /// A number with so many digits behind the point.
  package static func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite, value.magnitude < 1e15 else { return "\(value)" }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int((value.magnitude * scale).rounded())
    let whole = scaled / Int(scale)
    let sign = value < 0 && scaled > 0 ? "-" : ""
    if digits == 0 { return "\(sign)\(whole)" }
    let part = String(scaled % Int(scale))
    return "\(sign)\(whole).\(String(repeating: "0", count: digits - part.count))\(part)"
  }
}
