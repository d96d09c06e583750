import LarderColumns

/// Why a cell is not a value of its column's type.
///
/// Cheap to make; the words come later.
enum CellFlaw: Error, Hashable {
  /// The text is something else.
  case notOfType
  /// The number does not fit the type.
  case outOfRange
  /// The time or date is none.
  case time(ISO8601.Flaw)
  /// A null where none may be.
  case missing
  /// An unquoted empty cell would be null, but quotes make it text.
  case emptyText
  /// A time that is a whole number of nothing that was told.
  case withoutUnit
  /// Longer than `Limits.valueBytes`.
  case tooLong
  /// Anything else, in words.
  case other(String)
}

extension CellFlaw {
  /// What was expected, and what was wrong, after the value found.
  func reason(type: DataType) -> String {
    switch self {
    case .notOfType: "not \(type.article)"
    case .outOfRange: "out of range for \(type)"
    case .time(let flaw): "not a \(type): \(flaw.reason)"
    case .missing: "null, and it must not be"
    case .emptyText:
      "a quoted empty cell, which is not \(type.article); null is unquoted (or say --nulls pandas)"
    case .withoutUnit:
      "a whole number that does not say its unit; say it with --time-unit s, ms, us or ns"
    case .tooLong: "longer than \(Limits.valueBytes) bytes"
    case .other(let words): words
    }
  }
}

extension DataType {
  /// The type's name after its article and with what may be written.
  var article: String {
    switch self {
    case .bool: "a bool (true, false, t, f, 1 or 0)"
    case .int32: "an int32"
    case .int64: "an int64"
    case .float32: "a float32"
    case .float64: "a float64"
    case .bytes, .opaque: "base64"
    case .list: "a JSON array of \(element?.description ?? "values")"
    default: "a \(self)"
    }
  }
}

extension Span<UInt8> {
  /// A range without the spaces and tabs at its ends.
  @inline(__always)
  func trimmed(_ range: Range<Int>) -> Range<Int> {
    var start = range.lowerBound
    var end = range.upperBound
    while start < end, self[start] == 0x20 || self[start] == 0x09 { start &+= 1 }
    while end > start, self[end &- 1] == 0x20 || self[end &- 1] == 0x09 { end &-= 1 }
    return start..<end
  }

  /// Whether the bytes are these ASCII letters, in upper or lower case.
  func equalsIgnoringCase(_ lowercase: String, from start: Int = 0) -> Bool {
    guard count &- start == lowercase.utf8.count else { return false }
    var at = start
    for letter in lowercase.utf8 {
      guard self[at] | 0x20 == letter else { return false }
      at &+= 1
    }
    return true
  }

  /// Whether the bytes are these.
  func equals(_ other: [UInt8]) -> Bool {
    guard count == other.count else { return false }
    var at = 0
    while at < count, self[at] == other[at] { at &+= 1 }
    return at == count
  }

  /// A copy of the bytes, for rare paths.
  var array: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    for index in 0..<count { bytes.append(self[index]) }
    return bytes
  }

  /// The bytes as text, for messages and rare paths.
  var text: String { String(decoding: array, as: UTF8.self) }
}
