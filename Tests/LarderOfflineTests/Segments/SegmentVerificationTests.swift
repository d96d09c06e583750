import LarderColumns
import LarderEncodings
import LarderFiles
import TestSupport
import Testing

#if DEBUG
  @testable import LarderOffline
#else
  import LarderOffline
#endif

@Suite struct SegmentVerificationTests {
  static func fixture(rows: Int, seed: UInt64) throws -> SegmentFixture {
    var random = SeededRandom(seed: seed)
    var fixture = SegmentFixture(rows: rows, random: &random)
    fixture.addCreated(nulls: 0.2, random: &random)
    var id: UInt32 = 0
    for type in SegmentColumns.all {
      for shape in 0..<SegmentColumns.shapes(type) {
        let nulls = [0, 0.3, 0.8][shape % 3]
        let values = SegmentColumns.values(
          type, shape: shape, count: rows, nulls: nulls, random: &random)
        id += 1
        fixture.features.append((id, try Column.of(type, values)))
      }
    }
    return fixture
  }

  @Test func soundSegmentsAreFoundSound() throws {
    let directory = try TemporaryDirectory()
    for rows in [1, 100, 3_000] {
      let path = directory.path + "/\(rows).seg"
      let description = try Self.fixture(rows: rows, seed: 8).write(to: path)
      let segment = try Segment(path: path, files: POSIXFileSystem(), expected: description)
      try segment.verify()
      #expect(segment.verifyDeep() == [], "\(rows) rows")
      let parts = segment.columnBytes.reduce(0) { $0 + $1.bytes }
      #expect(UInt64(parts) == description.fileBytes)
    }
  }

  /// Pages after the first, ends of pages, and every way to cut a range.
  @Test(arguments: [65_535, 65_536, 65_537]) func pagesEndWhereTheyShould(rows: Int) throws {
    var random = SeededRandom(seed: UInt64(rows))
    let directory = try TemporaryDirectory()
    var fixture = SegmentFixture(rows: rows, random: &random)
    let numbers = (0..<rows).map { Int64($0 * 7 % 1_000) }
    fixture.features = [
      (1, .int64(numbers)), (2, .bool(numbers.map { $0 % 3 == 0 })),
      (3, try .string(numbers.map { "value \($0 * 1_000_003)" + String($0 % 77) })),
      (4, .float64(numbers.map { $0 % 4 == 0 ? Double($0) / 4 : nil })),
    ]
    let path = directory.path + "/a.seg"
    let description = try fixture.write(
      to: path, options: SegmentOptions(checksPages: false))
    let segment = try Segment(path: path, files: POSIXFileSystem(), expected: description)
    #expect(array(try segment.decodeEvents(rows: 0..<rows), as: Int64.self) == fixture.events)
    for (fieldID, expected) in fixture.features {
      let column = try #require(try segment.column(fieldID: fieldID))
      for range in [0..<rows, 65_000..<rows, rows - 1..<rows, 1..<130, 64..<65] {
        let found = try column.decode(rows: range)
        let first = range.first { found[$0 - range.lowerBound] != expected[$0] }
        #expect(first == nil, "field \(fieldID), rows \(range)")
      }
    }
    #expect(segment.verifyDeep() == [])
  }

  @Test func smallSegmentsAreSmall() throws {
    var random = SeededRandom(seed: 1)
    let directory = try TemporaryDirectory()
    var fixture = SegmentFixture(rows: 1_000, meanRun: 3, random: &random)
    fixture.addCreated(nulls: 0, random: &random)
    var prices: [Double?] = []
    var words: [String?] = []
    for _ in 0..<1_000 {
      prices.append(Double(random.int(0...50_000)) / 100)
      words.append(["toys", "books", "music"][random.int(0...2)])
    }
    for id in 1...3 as ClosedRange<UInt32> {
      fixture.features.append((id, .float64(prices)))
      fixture.features.append((id + 10, try .string(words)))
      fixture.features.append((id + 20, .int64(prices.map { Int64(($0 ?? 0) * 3) })))
    }
    let description = try fixture.write(to: directory.path + "/a.seg")
    #expect(description.fileBytes < 25_000, "1,000 rows x 12 columns")
  }

  @Test func sameRowsGiveTheSameBytes() throws {
    let directory = try TemporaryDirectory()
    let fixture = try Self.fixture(rows: 500, seed: 2)
    var files: [[UInt8]] = []
    for name in ["a", "b"] {
      let path = "\(directory.path)/\(name).seg"
      let description = try fixture.write(to: path)
      let file = try POSIXFileSystem().open(path, .read)
      files.append(try file.readExactly(Int(description.fileBytes), at: 0))
    }
    #expect(files[0] == files[1])
  }

  @Test func widerTypesAreReadOnRequest() throws {
    var random = SeededRandom(seed: 4)
    let directory = try TemporaryDirectory()
    var fixture = SegmentFixture(rows: 300, random: &random)
    let integers: [Int32?] = (0..<300).map { (row: Int) -> Int32? in
      row % 5 == 0 ? nil : Int32(row * 1_000 - 99)
    }
    let floats: [Float] = (0..<300).map { Float($0) / 3 }
    fixture.features = [(1, .int32(integers)), (2, .float32(floats))]
    let path = directory.path + "/a.seg"
    let segment = try Segment(
      path: path, files: POSIXFileSystem(), expected: try fixture.write(to: path))
    let longs = try segment.decode(fieldID: 1, rows: 7..<300, as: .int64)
    let doubles = try segment.decode(fieldID: 1, rows: 7..<300, as: .float64)
    let wide = try segment.decode(fieldID: 2, rows: 7..<300, as: .float64)
    for row in 7..<300 {
      let long: Value = integers[row].map { Value.int64(Int64($0)) } ?? .null
      let double: Value = integers[row].map { Value.float64(Double($0)) } ?? .null
      #expect(longs[row - 7] == long)
      #expect(doubles[row - 7] == double)
      #expect(wide[row - 7] == .float64(Double(floats[row])))
    }
    #expect(throws: LarderError.self) {
      _ = try segment.decode(fieldID: 1, rows: 0..<300, as: .string)
    }
  }

  #if DEBUG
    /// What checksums cannot tell, because they were made again, the deep check finds.
    @Test func deepVerificationFindsWrongFooters() throws {
      let directory = try TemporaryDirectory()
      let path = directory.path + "/a.seg"
      let description = try Self.fixture(rows: 200, seed: 6).write(to: path)
      let file = try POSIXFileSystem().open(path, .update)
      let bytes = try file.readExactly(Int(description.fileBytes), at: 0)
      let segment = try Segment(path: path, files: POSIXFileSystem(), expected: description)
      for change in 0..<4 {
        var footer = segment.footer
        switch change {
        case 0: footer.maxEvent += 1
        case 1: footer.minCreated? -= 1
        default:
          guard case .known(var column) = footer.columns[2 + change] else { continue }
          if change == 2 { column.content.low &+= 1 }
          if change == 3 { column.pages[0].greatest &+= 1 }
          footer.columns[2 + change] = .known(column)
        }
        var forged = bytes
        let start = Int(segment.footerOffset)
        let encoded = footer.encoded()
        forged.replaceSubrange(start..<start + encoded.count, with: encoded)
        SegmentForgery.seal(&forged)
        try file.write(forged, at: 0)
        let wrong = try Segment(path: path, files: POSIXFileSystem(), expected: nil)
        #expect(wrong.verifyDeep().count == 1, "change \(change)")
      }
    }
  #endif
}
