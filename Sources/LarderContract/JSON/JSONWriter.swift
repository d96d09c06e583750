extension JSONValue {
  /// The value as UTF-8 text.
  ///
  /// - Parameter indented: whether members stand on lines of their own, two spaces deeper each
  ///   level; arrays and objects that fit a line of 80 bytes stay on one.
  package func write(indented: Bool = true) -> [UInt8] {
    var text: [UInt8] = []
    write(to: &text, indent: indented ? 0 : nil)
    return text
  }

  private func write(to text: inout [UInt8], indent: Int?) {
    switch content {
    case .null: text.append(contentsOf: "null".utf8)
    case .bool(let value): text.append(contentsOf: (value ? "true" : "false").utf8)
    case .number(let digits): text.append(contentsOf: digits.utf8)
    case .string(let string): JSONValue.write(string: string, to: &text)
    case .array(let values):
      write(values.map { (nil, $0) }, brackets: ("[", "]"), to: &text, indent: indent)
    case .object(let members):
      write(
        members.map { ($0.name, $0.value) }, brackets: ("{", "}"), to: &text, indent: indent)
    }
  }

  private func write(
    _ parts: [(name: String?, value: JSONValue)],
    brackets: (open: Unicode.Scalar, close: Unicode.Scalar), to text: inout [UInt8], indent: Int?
  ) {
    guard let indent else {
      text.append(UInt8(ascii: brackets.open))
      for (index, part) in parts.enumerated() {
        if index > 0 { text.append(UInt8(ascii: ",")) }
        part.value.write(name: part.name, colon: ":", to: &text, indent: nil)
      }
      text.append(UInt8(ascii: brackets.close))
      return
    }
    var line: [UInt8] = []
    if fits(&line) {
      text.append(contentsOf: line)
      return
    }
    let inner = indent + 2
    text.append(UInt8(ascii: brackets.open))
    for (index, part) in parts.enumerated() {
      text.append(contentsOf: (index > 0 ? ",\n" : "\n").utf8)
      text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: inner))
      part.value.write(name: part.name, colon: ": ", to: &text, indent: inner)
    }
    text.append(UInt8(ascii: "\n"))
    text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: inner - 2))
    text.append(UInt8(ascii: brackets.close))
  }

  private func write(name: String?, colon: String, to text: inout [UInt8], indent: Int?) {
    if let name {
      JSONValue.write(string: name, to: &text)
      text.append(contentsOf: colon.utf8)
    }
    write(to: &text, indent: indent)
  }

  /// Whether the value stands well on one line, which is then in `line`, spaced for people.
  private func fits(_ line: inout [UInt8]) -> Bool {
    switch content {
    case .array(let values):
      if values.isEmpty { line.append(contentsOf: "[]".utf8) }
      for (index, value) in values.enumerated() {
        line.append(contentsOf: (index > 0 ? ", " : "[").utf8)
        guard value.fits(&line), line.count <= 80 else { return clear(&line) }
      }
      if !values.isEmpty { line.append(UInt8(ascii: "]")) }
    case .object(let members):
      if members.isEmpty { line.append(contentsOf: "{}".utf8) }
      for (index, member) in members.enumerated() {
        line.append(contentsOf: (index > 0 ? ", " : "{").utf8)
        JSONValue.write(string: member.name, to: &line)
        line.append(contentsOf: ": ".utf8)
        guard member.value.fits(&line), line.count <= 80 else { return clear(&line) }
      }
      if !members.isEmpty { line.append(UInt8(ascii: "}")) }
    default: write(to: &line, indent: nil)
    }
    return line.count <= 80 ? true : clear(&line)
  }

  private func clear(_ line: inout [UInt8]) -> Bool {
    line = []
    return false
  }

  /// Appends a string in quotes, with what must be escaped escaped and nothing else.
  package static func write(string: String, to text: inout [UInt8]) {
    text.append(UInt8(ascii: "\""))
    for byte in string.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        text.append(UInt8(ascii: "\\"))
        text.append(byte)
      case 0x0A: text.append(contentsOf: "\\n".utf8)
      case 0x0D: text.append(contentsOf: "\\r".utf8)
      case 0x09: text.append(contentsOf: "\\t".utf8)
      case 0..<0x20, 0x7F:
        let digits = String(byte, radix: 16)
        text.append(contentsOf: "\\u00".utf8)
        if digits.utf8.count == 1 { text.append(UInt8(ascii: "0")) }
        text.append(contentsOf: digits.utf8)
      default: text.append(byte)
      }
    }
    text.append(UInt8(ascii: "\""))
  }
}
