import LarderColumns
import LarderConformance
import LarderContract
import LarderFiles
import LarderOffline
import LarderPointInTime
import TestSupport
import Testing

@Suite struct WhyTests {
  private let view = FeatureView(
    "stats", entities: [Entity("driver", joinKeys: [.int64("driver_id")])],
    features: [Field("trips", .int64)], timeToLive: .microseconds(100), eventTimestamp: "at",
    createdTimestamp: "known")

  private func store() throws -> StoreUnderTest {
    let store = try StoreUnderTest.simulated(seed: 1, views: [view])
    func append(_ rows: [(Int64, Int64, Int64?, Int64)]) throws {
      _ = try store.append(
        RecordBatch([
          "driver_id": .int64(rows.map(\.0)), "at": .timestamp(rows.map(\.1)),
          "known": .timestamp(rows.map(\.2)), "trips": .int64(rows.map(\.3)),
        ]), to: view)
    }
    try append([(1, 10, 10, 1), (1, 150, 160, 2), (1, 150, 170, 3), (1, 300, 300, 4)])
    try append([(1, 150, 170, 5)])
    return store
  }

  private func why(
    _ store: StoreUnderTest, _ key: Int64, _ time: Int64, asKnown: Bool = false
  ) throws -> WhyReport {
    try store.engine.why(
      in: try store.store.snapshot(), view.name, key: ["driver_id": .int64(key)],
      at: Timestamp(microseconds: time), asKnown: asKnown)
  }

  @Test func namesTheRuleThatDecided() throws {
    let store = try store()
    let tie = try why(store, 1, 200)
    #expect(tie.status == .present)
    #expect(
      tie.candidates.map(\.verdict) == [
        .later, .answer, .earlierCommit, .earlierCreated, .expired,
      ])
    #expect(tie.candidates[1].values == [.int64(5)])
    #expect(tie.rule.contains("committed last"))
    #expect(
      tie.counts == [
        .later: 1, .answer: 1, .earlierCommit: 1, .earlierCreated: 1, .expired: 1,
      ])
    #expect(try why(store, 9, 200).status == .noEntity)
    #expect(try why(store, 1, 5).status == .onlyLater)
    #expect(try why(store, 1, 260).status == .expired)
    #expect(try why(store, 1, 155, asKnown: true).status == .notYetKnown)
    #expect(throws: LarderError.self) {
      try store.engine.why(
        in: try store.store.snapshot(), view.name, key: ["driver": .int64(1)],
        at: Timestamp(seconds: 0))
    }
  }

  @Test func countsRowsThatItDoesNotList() throws {
    let store = try StoreUnderTest.simulated(seed: 1, views: [view])
    let rows = Array(Int64(0)..<30)
    _ = try store.append(
      RecordBatch([
        "driver_id": .int64(rows.map { _ in 1 }), "at": .timestamp(rows.map { 100 + $0 / 10 }),
        "known": .timestamp(rows.map { $0 % 10 == 9 ? 7 : nil }), "trips": .int64(rows),
      ]), to: view)
    let report = try store.engine.why(
      in: try store.store.snapshot(), view.name, key: ["driver_id": .int64(1)],
      at: Timestamp(microseconds: 101), limit: 2)
    #expect(report.candidates.map(\.values) == [[.int64(20)], [.int64(19)], [.int64(18)]])
    #expect(report.candidates.map(\.verdict) == [.later, .answer, .earlierCreated])
    #expect(
      report.counts == [.later: 10, .answer: 1, .earlierCreated: 9, .earlierEvent: 10])
    #expect(report.rule.contains("greatest created time"))
  }

  @Test func agreesWithTheJoin() throws {
    let store = try store()
    let times = Array(stride(from: Int64(0), through: 420, by: 5))
    for asKnown in [false, true] {
      let answer = try store.historicalFeatures(
        for: RecordBatch([
          "driver_id": .int64(times.map { _ in 1 }), "event_timestamp": .timestamp(times),
        ]), views: [view], features: ["stats:trips"],
        options: RetrievalOptions(asKnown: asKnown, withStatus: true)
      ).collect()
      let statuses = try #require(answer["stats__status"])
      let trips = try #require(answer["trips"])
      for (row, time) in times.enumerated() {
        let report = try why(store, 1, time, asKnown: asKnown)
        #expect(statuses[row] == .string(report.status.rawValue), "at \(time)")
        let chosen = report.candidates.first { $0.verdict == .answer }
        #expect(trips[row] == chosen?.values[0] ?? .null, "at \(time)")
      }
    }
  }
}
