import LarderEncodings
import TestSupport
import Testing

/// Texts by a table of strings come back, and codes that nobody wrote lead nowhere.
@Suite struct TextEncoderTests {
  private func decoded(_ codes: [UInt8], _ table: SymbolTable) -> [UInt8] {
    codes.withUnsafeBytes { codes in
      let length = table.length(of: codes)
      var text = [UInt8](repeating: 0, count: length + 8)
      let written = text.withUnsafeMutableBytes { text in
        text.baseAddress.map { table.decode(codes, into: $0, count: length) }
      }
      #expect(written == length)
      return Array(text.prefix(length))
    }
  }

  private func encoded(_ text: [UInt8], _ encoder: TextEncoder) -> [UInt8] {
    var codes = [UInt8](repeating: 0, count: text.count * 2 + 1)
    let count = text.withUnsafeBytes { text in
      codes.withUnsafeMutableBufferPointer { codes in
        codes.baseAddress.map { encoder.encode(text, into: $0) }
      }
    }
    return Array(codes.prefix(count ?? 0))
  }

  private func link(_ random: inout SeededRandom) -> [UInt8] {
    Array("https://example.org/item/\(random.int(0...2_000_000))?from=\(random.int(0...999))".utf8)
  }

  @Test func textsComeBack() {
    for seed in 0..<20 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let sample = (0..<100).map { _ in link(&random) }
      let encoder = TextEncoder(sample: seed == 0 ? [] : sample)
      var (plain, coded) = (0, 0)
      for index in 0..<200 {
        var text = link(&random)
        if index % 5 == 0 {
          text = (0..<random.int(0...40)).map { _ in UInt8(random.int(0...255)) }
        }
        let codes = encoded(text, encoder)
        #expect(decoded(codes, encoder.table) == text, "seed \(seed), text \(index)")
        if index % 5 != 0 {
          plain += text.count
          coded += codes.count
        }
      }
      if seed > 0 { #expect(coded * 5 < plain * 2, "\(coded) of \(plain), seed \(seed)") }
    }
  }

  @Test func tablesComeBackFromAFile() throws {
    var random = SeededRandom(seed: 9)
    let encoder = TextEncoder(sample: (0..<50).map { _ in link(&random) })
    let table = try #require(SymbolTable(encoder.table.bytes))
    let text = link(&random)
    #expect(decoded(encoded(text, encoder), table) == text)
    // Any codes give as many bytes as they say.
    for _ in 0..<500 {
      let codes = (0..<random.int(0...30)).map { _ in UInt8(random.int(0...255)) }
      _ = decoded(codes, table)
    }
    // A text that ends with an escape takes nothing of the next but bytes: as many as were counted.
    let ends: [UInt8] = [255, 255, 0, 0]
    let counted = ends.prefix(1).withUnsafeBytes { table.length(of: $0) }
    #expect(counted == 0)
    var room = [UInt8](repeating: 0xA5, count: 24)
    let written = ends.withUnsafeBytes { ends in
      room.withUnsafeMutableBytes { room in
        room.baseAddress.map { table.decode(ends, into: $0, count: 2) }
      }
    }
    #expect(written ?? 99 <= 9 && room[10...].allSatisfy { $0 == 0xA5 })
    var bytes = Array(encoder.table.bytes)
    bytes[2_048] = 9
    #expect(bytes.withUnsafeBytes { SymbolTable($0) } == nil)
  }
}
