import LarderColumns
import LarderContract
import LarderFiles
import TestSupport
import Testing

@testable import LarderOffline

@Suite struct FoldingTests {
  /// A year of commits, folded by plan alone: how many segments are live, how often rows are written.
  private func simulate(_ sizes: [Int]) -> (live: Int, amplification: Double, clashes: Int) {
    var live: [SegmentDescription] = []
    var most = 0
    var written = 0
    var clashes = 0
    func segment(_ rows: Int, _ commits: ClosedRange<UInt64>) -> SegmentDescription {
      SegmentDescription(
        uuid: FileIdentifier(high: commits.lowerBound, low: commits.upperBound), viewID: 1,
        rows: rows, fileBytes: 0, minID: 0, maxID: 9, minEvent: 0, maxEvent: 9, minCreated: nil,
        maxCreated: nil, nullCreated: 0, firstCommit: commits.lowerBound,
        lastCommit: commits.upperBound, footerHash: 0, partition: nil)
    }
    for (index, rows) in sizes.enumerated() {
      live.append(segment(rows, UInt64(index + 1)...UInt64(index + 1)))
      written += rows
      while let runs = FoldPlan.next(live, most: Limits.segmentRows),
        let first = runs.first, let last = runs.last
      {
        let gone = Set(runs.flatMap(\.segments).map(\.uuid))
        let rows = runs.reduce(0) { $0 + $1.rows }
        let merged = segment(rows, first.commits.lowerBound...last.commits.upperBound)
        live.removeAll { gone.contains($0.uuid) }
        if live.contains(where: { Boxes.overlap($0, merged) }) { clashes += 1 }
        live.append(merged)
        written += rows
      }
      most = max(most, live.count)
    }
    return (most, Double(written) / Double(sizes.reduce(0, +)), clashes)
  }

  @Test func holdsTheYear() {
    let year = simulate(Array(repeating: 1_000, count: 8_760))
    #expect(year.live <= 64 && year.amplification < 5 && year.clashes == 0, "\(year)")
    let mixed = simulate((0..<4_000).map { $0 % 2 == 0 ? 500 : 5_000 })
    #expect(mixed.live <= 64 && mixed.amplification < 5 && mixed.clashes == 0, "\(mixed)")
    let nightly = simulate((0..<1_000).map { $0 % 24 == 0 ? 200_000 : 1_000 })
    #expect(nightly.live <= 64 + 20 && nightly.clashes == 0, "\(nightly)")
    let seconds = simulate(Array(repeating: 1, count: 10_000))
    #expect(seconds.live <= 64 && seconds.amplification < 8, "\(seconds)")
    print("fold simulation:", year, mixed, nightly, seconds)
  }

  @Test func countsEffectiveClasses() {
    #expect(
      [0, 15, 16, 127, 128, 999, 1_000, 7_999, 8_000, 63_999, 64_000, 511_999, 512_000]
        .map(FoldPlan.sizeClass) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6])
  }

  @Test func foldsAfterAppends() throws {
    let disk = SimulatedFileSystem(seed: 71)
    let store = try Store.open(
      "/s", access: .create, host: disk.host(), options: Fixture.options(fold: .afterAppend))
    try store.apply(Fixture.definitions(Fixture.view()))
    var rows: [TestRow] = []
    for commit in 0..<40 {
      let batch = Fixture.rows(2, from: Int64(commit) * 10)
      rows += batch
      try store.append([Fixture.batch(batch)], to: "stats")
    }
    let snapshot = try store.snapshot()
    #expect(snapshot.segments(of: snapshot.catalog.views[0]).count <= 14)
    #expect(try snapshot.allRows().sorted() == rows)
    try snapshot.checkInvariants()
  }

  /// Two versions of one row, and schema changes between: a merge keeps order, names and types.
  @Test func mergesAcrossSchemaChanges() throws {
    let disk = SimulatedFileSystem(seed: 72)
    let store = try Store.open(
      "/s", access: .create, host: disk.host(), options: Fixture.options())
    func define(_ features: [Field]) throws {
      try store.apply(Fixture.definitions(Fixture.view(features: features)), dropping: true)
    }
    func append(_ value: Int, _ columns: [(String, Column)]) throws {
      var all: [(String, Column)] = [
        ("driver_id", .int64([1])), ("event", .timestamp([5])), ("created", .timestamp([nil])),
      ]
      all += columns
      try store.append(
        [
          try RecordBatch(
            schema: Schema(all.map { ColumnField($0.0, $0.1.type) }), columns: all.map(\.1))
        ], to: "stats")
    }
    try define([Field("a", .int32), Field("gone", .bool)])
    for index in 0..<4 {
      try append(index, [("a", .int32([Int32(index)])), ("gone", .bool([true]))])
    }
    try define([Field("b", .int64, formerly: "a"), Field("new", .string)])
    for index in 4..<8 {
      try append(index, [("b", .int64([Int64(index)])), ("new", try .string(["n\(index)"]))])
    }
    try store.fold()
    let snapshot = try store.snapshot()
    let view = try #require(snapshot.catalog.view(named: "stats"))
    let segments = snapshot.segments(of: view)
    #expect(segments.count == 1 && segments[0].firstCommit == 2 && segments[0].lastCommit == 10)
    let segment = try snapshot.open(segments[0])
    let b = try segment.decode(fieldID: view.fields[0].id, rows: 0..<8, as: .int64)
    let new = try segment.decode(fieldID: view.fields[1].id, rows: 0..<8, as: .string)
    #expect((0..<8).map { b[$0] } == (0..<8).map { .int64(Int64($0)) })
    #expect(
      (0..<8).map { new[$0] }
        == (0..<8).map { $0 < 4 ? .null : .string("n\($0)") })
    #expect(segment.features.map(\.fieldID) == view.fields.map(\.id))
  }
}
