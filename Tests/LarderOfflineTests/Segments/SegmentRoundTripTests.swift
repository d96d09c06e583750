import LarderColumns
import LarderEncodings
import LarderFiles
import LarderOffline
import TestSupport
import Testing

@Suite struct SegmentRoundTripTests {
  @Test(arguments: [1, 2, 63, 64, 65, 1_023, 1_024, 1_025])
  func timesAndIDsComeBack(rows: Int) throws {
    let seed = UInt64(rows)
    var random = SeededRandom(seed: seed)
    let directory = try TemporaryDirectory()
    var fixture = SegmentFixture(rows: rows, random: &random)
    fixture.addCreated(nulls: 0.3, random: &random)
    let path = directory.path + "/a.seg"
    let description = try fixture.write(to: path)
    #expect(description.rows == rows)
    #expect(description.minEvent == fixture.events.min())
    #expect(description.maxEvent == fixture.events.max())
    #expect(description.minID == fixture.ids.first)
    #expect(description.maxID == fixture.ids.last)
    #expect(description.minCreated == fixture.created?.compactMap { $0 }.min())
    #expect(description.nullCreated == fixture.created?.count { $0 == nil })
    let segment = try Segment(path: path, files: POSIXFileSystem(), expected: description)
    let ids = try segment.decodeIDs(rows: 0..<rows)
    #expect(array(ids, as: UInt32.self) == fixture.ids)
    let events = try segment.decodeEvents(rows: 0..<rows)
    #expect(array(events, as: Int64.self) == fixture.events)
    let created = try #require(try segment.decodeCreated(rows: 0..<rows))
    for row in 0..<rows {
      let expected = fixture.created?[row]
      let found = created[row]
      #expect(
        found == expected.map { .timestamp(Timestamp(ticks: $0, unit: .microseconds)) } ?? .null)
    }
    let view = try segment.entityIndex()
    #expect(view.count == Set(fixture.ids).count)
    for id in Set(fixture.ids) {
      let range = try #require(view.rows(of: id))
      #expect(fixture.ids[range].allSatisfy { $0 == id })
      #expect(range.count == fixture.ids.count { $0 == id })
    }
    #expect(view.rows(of: description.maxID + 1) == nil)
  }

  @Test(arguments: SegmentColumns.all, [0.0, 0.3, 0.8, 1.0])
  func everyTypeComesBack(type: DataType, nulls: Double) throws {
    for rows in [1, 63, 64, 65, 1_023, 1_024, 1_025, 2_500] {
      let seed = UInt64(rows) &* 31 &+ UInt64(nulls * 10)
      try check(type, rows: rows, nulls: nulls, seed: seed)
    }
  }

  private func check(_ type: DataType, rows: Int, nulls: Double, seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let directory = try TemporaryDirectory()
    var fixture = SegmentFixture(rows: rows, random: &random)
    let shapes = SegmentColumns.shapes(type)
    var expected: [[Value]] = []
    for shape in 0..<shapes {
      let values = SegmentColumns.values(
        type, shape: shape, count: rows, nulls: nulls, random: &random)
      expected.append(values)
      fixture.features.append((UInt32(shape + 1), try Column.of(type, values)))
    }
    let path = directory.path + "/a.seg"
    let description = try fixture.write(to: path)
    let segment = try Segment(path: path, files: POSIXFileSystem(), expected: description)
    for shape in 0..<shapes {
      let column = try #require(try segment.column(fieldID: UInt32(shape + 1)))
      for _ in 0..<3 {
        let lower = random.int(0...(rows - 1))
        let range = lower..<random.int((lower + 1)...rows)
        let part = try column.decode(rows: range)
        let same = range.allSatisfy { part[$0 - lower] == expected[shape][$0] }
        #expect(same, "\(type) shape \(shape) rows \(range) of \(rows), seed \(seed)")
        #expect(part.nullCount == range.count { expected[shape][$0] == .null })
      }
      let whole = try column.decode(rows: 0..<rows)
      let first = (0..<rows).first { whole[$0] != expected[shape][$0] }
      #expect(first == nil, "\(type) shape \(shape) of \(rows), seed \(seed)")
    }
    #expect(try segment.column(fieldID: 999) == nil)
    let absent = try segment.decode(fieldID: 999, rows: 0..<rows, as: type)
    #expect(absent.nullCount == rows && absent.type == type)
  }
}
