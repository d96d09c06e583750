import LarderColumns

/// Reads JSON (RFC 8259), strictly: UTF-8 without a byte-order mark, no repeated names in an
/// object, no lone surrogates, bounded depth and size.
package struct JSONParser {
  private let text: [UInt8]
  private let file: String?
  private var at = 0
  private var depth = 0

  /// Reads a whole text.
  ///
  /// - Parameters:
  ///   - text: UTF-8 bytes.
  ///   - file: the file's name for messages.
  /// - Throws: `invalidInput` with line and character; `limitExceeded` above `Limits.jsonBytes` or
  ///   `Limits.jsonDepth`.
  package static func parse(_ text: [UInt8], file: String?) throws(LarderError) -> JSONValue {
    guard text.count <= Limits.jsonBytes else {
      throw LarderError(
        .limitExceeded,
        "A JSON text has at most \(Limits.jsonBytes) bytes; this one has \(text.count).",
        file: file)
    }
    var parser = JSONParser(text: text, file: file)
    parser.skipSpace()
    let value = try parser.value()
    parser.skipSpace()
    guard parser.at == text.count else {
      throw parser.error("Something follows the end of the value.")
    }
    return value
  }

  private init(text: [UInt8], file: String?) {
    self.text = text
    self.file = file
  }

  private func error(_ message: String, at offset: Int? = nil) -> LarderError {
    LarderError(
      .invalidInput, message, file: file,
      position: TextPosition(of: offset ?? at, in: text.span))
  }

  private var next: UInt8? { at < text.count ? text[at] : nil }

  private mutating func skipSpace() {
    while at < text.count {
      switch text[at] {
      case 0x20, 0x0A, 0x0D, 0x09: at += 1
      default: return
      }
    }
  }

  private mutating func value() throws(LarderError) -> JSONValue {
    let start = at
    guard let byte = next else { throw error("The text ends where a value was expected.") }
    switch byte {
    case UInt8(ascii: "{"): return JSONValue(.object(try object()), offset: start)
    case UInt8(ascii: "["): return JSONValue(.array(try array()), offset: start)
    case UInt8(ascii: "\""): return JSONValue(.string(try string()), offset: start)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      return JSONValue(.number(try number()), offset: start)
    case UInt8(ascii: "t"): return JSONValue(try word("true", .bool(true)), offset: start)
    case UInt8(ascii: "f"): return JSONValue(try word("false", .bool(false)), offset: start)
    case UInt8(ascii: "n"): return JSONValue(try word("null", .null), offset: start)
    default: throw error("A value was expected: {, [, a string, a number, true, false or null.")
    }
  }

  private mutating func word(
    _ word: String, _ content: JSONValue.Content
  ) throws(LarderError) -> JSONValue.Content {
    guard text[at...].starts(with: word.utf8) else { throw error("\"\(word)\" was expected.") }
    at += word.utf8.count
    return content
  }

  private mutating func enter() throws(LarderError) {
    depth += 1
    at += 1
    guard depth <= Limits.jsonDepth else {
      throw LarderError(
        .limitExceeded, "Values nest more than \(Limits.jsonDepth) deep.", file: file,
        position: TextPosition(of: at, in: text.span))
    }
    skipSpace()
  }

  private mutating func object() throws(LarderError) -> [JSONValue.Member] {
    try enter()
    defer { depth -= 1 }
    var members: [JSONValue.Member] = []
    var names: Set<[UInt8]> = []
    if next == UInt8(ascii: "}") {
      at += 1
      return members
    }
    while true {
      let start = at
      guard next == UInt8(ascii: "\"") else { throw error("A name in quotes was expected.") }
      let name = try string()
      // Names compare by their bytes: Swift's String would call two spellings of é one name.
      guard names.insert(Array(name.utf8)).inserted else {
        throw error("The name \"\(name)\" is there twice.", at: start)
      }
      skipSpace()
      guard next == UInt8(ascii: ":") else { throw error("A colon was expected.") }
      at += 1
      skipSpace()
      members.append(JSONValue.Member(name, offset: start, try value()))
      skipSpace()
      if next == UInt8(ascii: "}") { break }
      guard next == UInt8(ascii: ",") else { throw error("A comma or } was expected.") }
      at += 1
      skipSpace()
    }
    at += 1
    return members
  }

  private mutating func array() throws(LarderError) -> [JSONValue] {
    try enter()
    defer { depth -= 1 }
    var values: [JSONValue] = []
    if next == UInt8(ascii: "]") {
      at += 1
      return values
    }
    while true {
      values.append(try value())
      skipSpace()
      if next == UInt8(ascii: "]") { break }
      guard next == UInt8(ascii: ",") else { throw error("A comma or ] was expected.") }
      at += 1
      skipSpace()
    }
    at += 1
    return values
  }

  private mutating func digits() throws(LarderError) {
    let start = at
    while let byte = next, byte >= 0x30, byte <= 0x39 { at += 1 }
    guard at > start else { throw error("A digit was expected.") }
  }

  private mutating func number() throws(LarderError) -> String {
    let start = at
    if next == UInt8(ascii: "-") { at += 1 }
    let leadingZero = next == UInt8(ascii: "0")
    let firstDigit = at
    try digits()
    guard !leadingZero || at == firstDigit + 1 else {
      throw error("A number does not begin with 0.", at: firstDigit)
    }
    if next == UInt8(ascii: ".") {
      at += 1
      try digits()
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      at += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
      try digits()
    }
    return String(decoding: text[start..<at], as: UTF8.self)
  }

  private mutating func string() throws(LarderError) -> String {
    let start = at
    at += 1
    var bytes: [UInt8] = []
    while true {
      guard let byte = next else { throw error("The string has no end.", at: start) }
      if byte == UInt8(ascii: "\"") { break }
      if byte == UInt8(ascii: "\\") {
        at += 1
        try escape(into: &bytes)
        continue
      }
      guard byte >= 0x20 else {
        throw error("A control character stands in a string; write it as an escape.")
      }
      bytes.append(byte)
      at += 1
    }
    at += 1
    guard let string = String(validating: bytes, as: UTF8.self) else {
      throw error("The string is not UTF-8.", at: start)
    }
    return string
  }

  private mutating func escape(into bytes: inout [UInt8]) throws(LarderError) {
    guard let byte = next else { throw error("The text ends inside an escape.") }
    at += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(byte)
    case UInt8(ascii: "b"): bytes.append(0x08)
    case UInt8(ascii: "f"): bytes.append(0x0C)
    case UInt8(ascii: "n"): bytes.append(0x0A)
    case UInt8(ascii: "r"): bytes.append(0x0D)
    case UInt8(ascii: "t"): bytes.append(0x09)
    case UInt8(ascii: "u"):
      var scalar = try fourHexDigits()
      if scalar & 0xFC00 == 0xD800, next == UInt8(ascii: "\\"), at + 1 < text.count,
        text[at + 1] == UInt8(ascii: "u")
      {
        at += 2
        let low = try fourHexDigits()
        guard low & 0xFC00 == 0xDC00 else {
          throw error("A surrogate stands without its other half.", at: at - 6)
        }
        scalar = 0x10000 + (scalar & 0x3FF) << 10 + (low & 0x3FF)
      }
      guard let unicode = Unicode.Scalar(scalar) else {
        throw error("A surrogate stands without its other half.", at: at - 6)
      }
      bytes.append(contentsOf: String(Character(unicode)).utf8)
    default: throw error("There is no escape \"\\\(Character(Unicode.Scalar(byte)))\".", at: at - 2)
    }
  }

  private mutating func fourHexDigits() throws(LarderError) -> UInt32 {
    guard at + 4 <= text.count,
      let value = UInt32(String(decoding: text[at..<at + 4], as: UTF8.self), radix: 16),
      text[at] != UInt8(ascii: "+"), text[at] != UInt8(ascii: "-")
    else { throw error("Four hexadecimal digits were expected.") }
    at += 4
    return value
  }
}
