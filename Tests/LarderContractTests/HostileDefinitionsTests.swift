import LarderColumns
import LarderContract
import Testing

/// Whatever stands at a place of definitions, it is read or refused, and never ends the process.
@Suite struct HostileDefinitionsTests {
  /// Values of every kind that no place expects.
  private static let hostile: [String] = [
    "null", "true", "0", "-1", "1e999", "-0.0", "1E+400", "9223372036854775808", "1e30",
    String(repeating: "9", count: 5_000), "\"\"", "\"inf\"", "\"nan\"", "\"-1s\"", "\"1e30s\"",
    "\"9223372036854775807w\"", "\"9223372036854775807s\"", "\"9223372036854775808s\"", "\"1.5d\"",
    "\"\u{0663}s\"", "\"s\"", "\"0s\"", "\"timestamp(ps)\"", "\"\\u0000\"",
    "\"" + nested(16_000) + "\"", "\"" + nested(64) + "\"", "\"" + nested(2) + "\"",
    "\"opaque(" + String(repeating: "(", count: 9_999) + ")\"",
    "\"" + String(repeating: "x", count: 100_000) + "\"", "[]", "{}", "[[]]", "{\"name\": {}}",
    String(repeating: "[", count: 10_000), String(repeating: "{\"a\":", count: 10_000),
    String(repeating: "[", count: 64) + String(repeating: "]", count: 64),
  ]

  private static func nested(_ depth: Int) -> String {
    String(repeating: "list<", count: depth) + "int64" + String(repeating: ">", count: depth)
  }

  /// The ranges of the bytes of all values of a text, those within others too.
  private func places(_ text: [UInt8]) throws -> [Range<Int>] {
    var found: [Range<Int>] = []
    /// Where the value that begins at a byte ends; no string of the text has brackets or escapes.
    func end(of start: Int) -> Int {
      var (at, depth) = (start, 0)
      repeat {
        switch text[at] {
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
        case UInt8(ascii: "\""):
          at += 1 + text[(at + 1)...].prefix { $0 != UInt8(ascii: "\"") }.count
        case UInt8(ascii: "n"): at += 3
        default: break
        }
        at += 1
      } while depth > 0
      return at
    }
    func visit(_ value: JSONValue) {
      found.append(value.offset..<end(of: value.offset))
      switch value.content {
      case .array(let values): values.forEach(visit)
      case .object(let members): members.map(\.value).forEach(visit)
      default: break
      }
    }
    visit(try JSONParser.parse(text, file: nil))
    return found
  }

  @Test func everyPlaceTakesAnything() throws {
    let text = Array(DefinitionsTests.example.utf8)
    let places = try places(text)
    #expect(places.count > 60)
    var (read, refused) = (0, 0)
    for place in places {
      for value in Self.hostile {
        var changed = text
        changed.replaceSubrange(place, with: Array(value.utf8))
        do throws(LarderError) {
          let definitions = try Definitions(json: changed, file: "d.json")
          // What was read is written and read again.
          #expect(try Definitions(json: definitions.json) == definitions)
          read += 1
        } catch {
          #expect(error.code == .invalidInput || error.code == .limitExceeded, "\(error)")
          refused += 1
        }
      }
    }
    #expect(read + refused == places.count * Self.hostile.count)
    #expect(read > 100 && refused > read)
  }

  @Test func typesThatNestTooDeepAreALimit() throws {
    for depth in [65, 16_000] {
      let text = DefinitionsTests.example.replacing("list<string>", with: Self.nested(depth))
      let failure = #expect(throws: LarderError.self) {
        try Definitions(json: Array(text.utf8), file: "d.json")
      }
      #expect(failure?.code == .limitExceeded)
      #expect(failure?.position?.line == 10)
    }
  }
}
