import Larder
import LarderColumns
import LarderContract
import TestSupport
import Testing

@Suite struct MaterializationTests {
  private static let view = FeatureView(
    "stats", entities: [Entity("driver", joinKeys: [.int64("driver_id")])],
    features: [Field("trips", .int64), Field("label", .string)], createdTimestamp: "created")

  private static func rows(
    _ count: Int, times: ClosedRange<Int>, _ random: inout SeededRandom
  ) throws -> RecordBatch {
    let drivers = (0..<count).map { _ in Int64(random.int(0...40)) }
    let events = drivers.map { _ in Int64(random.int(times)) * 1_000_000 }
    let created = events.map { event in
      random.chance(0.2) ? nil : event + Int64(random.int(0...3))
    }
    return try RecordBatch([
      "driver_id": .int64(drivers), "event_timestamp": .timestamp(events),
      "created": .timestamp(created),
      "trips": .int64(drivers.map { _ in random.chance(0.1) ? nil : Int64(random.int(0...9_999)) }),
      "label": .string(drivers.map { "d\($0 % 7)" }),
    ])
  }

  /// What the online store answers must be what the join answers at the watermark.
  private static func expectParity(
    _ store: FeatureStore, at through: Timestamp, _ context: String
  ) throws {
    let keys = try RecordBatch(["driver_id": .int64((0...45).map { Int64($0) })])
    let spine = try RecordBatch([
      "driver_id": keys.columns[0],
      "event_timestamp": .timestamp(
        [Int64](repeating: through.floor(in: .microseconds), count: 46)),
    ])
    let expected = try store.historicalFeatures(
      for: spine, features: ["stats:trips", "stats:label"],
      options: RetrievalOptions(withEventTimes: true)
    ).collect()
    let found = try store.online("stats").read(keys, at: through)
    for row in 0..<keys.count {
      let name = "\(context), driver \(row)"
      #expect(found.features["trips"]?[row] == expected.columns[2][row], "\(name)")
      #expect(found.features["label"]?[row] == expected.columns[3][row], "\(name)")
      #expect(found.eventTimes[row] == expected.columns[4][row], "\(name)")
    }
  }

  @Test(arguments: [11, 12, 13] as [UInt64])
  func onlineEqualsHistoryAtTheWatermarkWithLateRows(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let root = try TemporaryDirectory()
    let options = StoreOptions(onlineDurability: .process)
    let store = try FeatureStore(at: root.path + "/s", access: .create, options: options)
    try store.apply(Self.view)
    var through = 0
    for round in 1...12 {
      // Late rows, rows of now, and rows of the future that must wait.
      try store.append(
        try Self.rows(random.int(1...200), times: 0...(through + 40), &random), to: "stats")
      through += random.int(0...20)
      let report = try store.materialize("stats", through: Timestamp(seconds: Int64(through)))
      #expect(report.watermark?.through == Timestamp(seconds: Int64(through)))
      try Self.expectParity(
        store, at: Timestamp(seconds: Int64(through)), "seed \(seed), round \(round)")
      let again = try store.materialize("stats", through: Timestamp(seconds: Int64(through)))
      #expect(again.rows == 0, "seed \(seed), round \(round): a repeated run finds nothing new")
    }
    let reopened = try FeatureStore(at: root.path + "/s", access: .readOnly)
    try Self.expectParity(
      reopened, at: Timestamp(seconds: Int64(through)), "seed \(seed), reopened")
  }

  @Test func aGivenRangeLeavesTheWatermarkAlone() throws {
    let root = try TemporaryDirectory()
    let store = try FeatureStore(at: root.path + "/s", access: .create)
    try store.apply(Self.view)
    var random = SeededRandom(seed: 3)
    try store.append(try Self.rows(500, times: 0...100, &random), to: "stats")
    let report = try store.materialize(
      "stats", from: Timestamp(seconds: 20), through: Timestamp(seconds: 60))
    #expect(report.watermark == nil)
    #expect(report.rows > 0)
    let keys = try RecordBatch(["driver_id": .int64([1, 999])])
    let answer = try store.online("stats").read(keys, features: ["trips"])
    #expect(answer.statuses[1] == .notFound)
    #expect(throws: LarderError.self) {
      try store.materialize("stats", from: Timestamp(seconds: 9), through: Timestamp(seconds: 8))
    }
    #expect(throws: LarderError.self) { try store.materialize("stat") }
  }
}
