import LarderColumns
import LarderContract
import Testing

@Suite struct JSONTests {
  private func parse(_ text: String) throws(LarderError) -> JSONValue {
    try JSONParser.parse(Array(text.utf8), file: "a.json")
  }

  private func failure(_ text: [UInt8]) -> LarderError? {
    do throws(LarderError) {
      _ = try JSONParser.parse(text, file: "a.json")
      return nil
    } catch { return error }
  }

  private func rewritten(_ text: String) throws -> String {
    String(decoding: try parse(text).write(indented: false), as: UTF8.self)
  }

  @Test(arguments: [
    "null", "true", "false", "0", "-0", "12.50e-3", "123456789012345678901234567890", "\"\"",
    "[]", "{}", "[1,[2,{\"a\":null}]]", "{\"b\":1,\"a\":\"käse\"}",
  ])
  func keepsWhatItReads(_ text: String) throws {
    #expect(try rewritten(text) == text)
  }

  @Test func readsEscapes() throws {
    let value = try parse(#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00""#)
    guard case .string(let text) = value.content else {
      Issue.record("not a string")
      return
    }
    #expect(text == "a\"\\/\u{8}\u{c}\n\r\t\u{e9}\u{1F600}")
    let again = String(decoding: value.write(), as: UTF8.self)
    #expect(again == "\"a\\\"\\\\/\\u0008\\u000c\\n\\r\\t\u{e9}\u{1F600}\"")
  }

  @Test(arguments: [
    ("", "1:1"), ("[1,]", "1:4"), ("[1 2]", "1:4"), ("{\"a\" 1}", "1:6"), ("{a:1}", "1:2"),
    ("{\"a\":1,\n \"a\":2}", "2:2"), ("01", "1:1"), ("1.", "1:3"), ("+1", "1:1"), ("nul", "1:1"),
    ("\"abc", "1:1"), ("\"\\x\"", "1:2"), ("\"\\ud800\"", "1:2"), ("\"\\ud800\\u0041\"", "1:8"),
    ("\"\\udc00\"", "1:2"), ("\"\\u12g4\"", "1:4"), ("\"a\nb\"", "1:3"), ("1 2", "1:3"),
    ("\u{FEFF}1", "1:1"), ("[\"é\", x]", "1:7"), ("\"\\u+123\"", "1:4"),
  ])
  func refusesWithThePlace(_ text: String, _ place: String) {
    let error = failure(Array(text.utf8))
    #expect(error?.code == .invalidInput)
    #expect(error?.position?.description == place, "\(text): \(String(describing: error))")
    #expect(error?.file == "a.json")
  }

  @Test func refusesWhatIsNotUTF8() {
    #expect(failure([0x22, 0xFF, 0x22])?.message.contains("UTF-8") == true)
  }

  @Test func limitsDepth() throws {
    let nest = { (depth: Int) in
      Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
    }
    #expect(failure(nest(Limits.jsonDepth - 1)) == nil)
    #expect(failure(nest(Limits.jsonDepth)) == nil)
    #expect(failure(nest(Limits.jsonDepth + 1))?.code == .limitExceeded)
    #expect(failure(nest(100_000))?.code == .limitExceeded)
  }

  @Test func limitsBytes() throws {
    // Blanks behind a value that is wrong already: what is too long is not even looked at.
    for (extra, code) in [
      (-1, LarderError.Code.invalidInput), (0, .invalidInput), (1, .limitExceeded),
    ] {
      var text = [UInt8](repeating: UInt8(ascii: " "), count: Limits.jsonBytes + extra)
      text[0] = UInt8(ascii: "x")
      #expect(failure(text)?.code == code, "\(extra)")
    }
  }

  @Test func tellsNamesApartByTheirBytes() throws {
    // é composed and é from two scalars are one String to Swift and two names here.
    let value = try parse("{\"\u{e9}\":1,\"e\u{301}\":2}")
    guard case .object(let members) = value.content else {
      Issue.record("not an object")
      return
    }
    #expect(members.count == 2)
  }

  @Test func indentsWhatDoesNotFitALine() {
    let short = JSONValue.object(["a": .array([.integer(1), .integer(2)])])
    #expect(String(decoding: short.write(), as: UTF8.self) == "{\"a\": [1, 2]}")
    let long = JSONValue.array((0..<3).map { .text(String(repeating: "\($0)", count: 40)) })
    let lines = String(decoding: long.write(), as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 5)
    #expect(lines[1].hasPrefix("  \"0"))
  }
}
