import Dispatch
import Larder
import LarderColumns
import LarderContract
import LarderFiles
import LarderOnline
import Synchronization
import TestSupport
import Testing

/// What the random lives do not reach: threads, tables of earlier versions, times to live.
@Suite struct OnlineRuleTests {
  private static let view = FeatureView(
    "stats", entities: [Entity("driver", joinKeys: [.int64("id")])],
    features: [Field("x", .int64), Field("y", .string)], timeToLive: .seconds(100),
    eventTimestamp: "at")

  private func rows(_ ids: [Int64], at second: Int64, x: [Int64]? = nil) throws -> RecordBatch {
    var columns: [(ColumnField, Column)] = [
      (ColumnField("id", .int64), .int64(ids)),
      (
        ColumnField("at", .timestamp(.microseconds)),
        .timestamp(ids.map { _ in second * 1_000_000 })
      ),
      (ColumnField("x", .int64), .int64(x ?? ids.map { $0 * 1_000 + second })),
    ]
    if x == nil {
      columns.append((ColumnField("y", .string), try .string(ids.map { "y\($0)" })))
    }
    return try RecordBatch(schema: Schema(columns.map(\.0)), columns: columns.map(\.1))
  }

  @Test func runsOfThreadsWaitForOneAnother() throws {
    let root = try TemporaryDirectory()
    let store = try FeatureStore(at: root.path + "/s", access: .create)
    try store.apply(Self.view)
    for second in Int64(1)...12 { try store.append(try rows([1, 2, 3], at: second), to: "stats") }
    let failures = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: 12) { place in
      let second = Int64(place + 1)
      do {
        try store.materialize("stats", through: Timestamp(seconds: second))
        guard second.isMultiple(of: 4) else { return }
        try store.replace(
          [try rows([1, 2], at: second)], in: "stats", from: Timestamp(seconds: second),
          through: Timestamp(seconds: second))
      } catch { failures.withLock { $0.append("\(error)") } }
    }
    #expect(failures.withLock { $0 } == [])
    try store.materialize("stats", through: Timestamp(seconds: 12))
    let report = try store.verifyParity()
    #expect(report.isEqual && report.views[0].keys == 3, "\(report.views[0].samples)")
    #expect(report.views[0].watermark?.through == Timestamp(seconds: 12))
  }

  @Test func whatIsHistorysUnderADirectWriteGrowsOldByItself() throws {
    let root = try TemporaryDirectory()
    let store = try FeatureStore(at: root.path + "/s", access: .create)
    try store.apply(Self.view)
    try store.append(try rows([1], at: 50), to: "stats")
    try store.online("stats").write(try rows([1], at: 140, x: [7]))
    try store.materialize("stats", through: Timestamp(seconds: 60))
    let online = try store.online("stats")
    let keys = try RecordBatch(["id": .int64([1])])
    let early = try online.read(keys, at: Timestamp(seconds: 150))
    #expect(early.features.row(0) == [.int64(7), .string("y1")])
    let late = try online.read(keys, at: Timestamp(seconds: 151))
    #expect(late.features.row(0) == [.int64(7), .null] && late.statuses == [.present])
    let reader = try online.reader()
    let lent = try reader.withRow(ofKey: 1, at: Timestamp(seconds: 151)) {
      $0.isNull(1) && $0[int64: 0] == 7
    }
    #expect(lent == true)
    #expect(try store.verifyParity().isEqual)
  }

  @Test func aTableOfVersion1IsReadAndBroughtOver() throws {
    let root = try TemporaryDirectory()
    let path = root.path + "/s"
    try copyFolder(fixture("store-v1") + "/my.larder", to: path)
    let store = try FeatureStore(at: path)
    let keys = try RecordBatch(["person_id": .string(["ada", "bob", "eve"])])
    let time = Timestamp(seconds: 7_200)
    let before = try store.online("people").read(keys, at: time)
    #expect(try store.tablesBehind() == ["people"])
    let report = try store.materialize("people", through: time)
    #expect(report.isRebuilt && report.watermark?.chainHash != 0)
    let after = try store.online("people").read(keys, at: time)
    for row in 0..<3 { #expect(before.features.row(row) == after.features.row(row)) }
    #expect(try store.tablesBehind().isEmpty)
    #expect(try store.verifyParity(["people"]).isEqual)
    #expect(try !store.materialize("people", through: time).isRebuilt)
  }

  @Test func aViewThatARollbackTakesAwayIsNotFoundAndComesBackBehind() throws {
    let root = try TemporaryDirectory()
    let store = try FeatureStore(at: root.path + "/s", access: .create)
    let empty = try store.head()
    try store.apply(Self.view)
    let full = try store.append(try rows([1], at: 5), to: "stats")
    try store.materialize("stats", through: Timestamp(seconds: 9))
    let online = try store.online("stats")
    let keys = try RecordBatch(["id": .int64([1])])
    try store.rollback(to: empty.id)
    #expect(throws: LarderError.self) { try store.online("stats") }
    #expect { try online.read(keys) } throws: { ($0 as? LarderError)?.code == .notFound }
    let back = try store.rollback(to: full.id)
    #expect(back.tablesBehind == ["stats"])
    #expect(try store.materialize("stats", through: Timestamp(seconds: 9)).isRebuilt)
    #expect(try online.read(keys, at: Timestamp(seconds: 9)).features.row(0)[1] == .string("y1"))
  }
}
