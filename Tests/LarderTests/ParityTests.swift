import Glibc
import Larder
import LarderColumns
import LarderContract
import TestSupport
import Testing

/// Online equals history at the watermark, for many entities and rows that come late.
///
/// `LARDER_PARITY_ENTITIES=10000` is the acceptance's size.
@Suite struct ParityTests {
  private static let view = FeatureView(
    "stats",
    entities: [Entity("account", joinKeys: [.string("account_id"), .int32("branch")])],
    features: [Field("amount", .float64), Field("label", .string), Field("count", .int64)],
    timeToLive: .seconds(400), createdTimestamp: "created")

  private var entities: Int {
    getenv("LARDER_PARITY_ENTITIES").flatMap { Int(String(cString: $0)) } ?? 1_000
  }

  private func rows(
    _ count: Int, times: ClosedRange<Int>, _ random: inout SeededRandom
  ) throws -> RecordBatch {
    let accounts = (0..<count).map { _ in random.int(0...entities - 1) }
    let events = accounts.map { _ in Int64(random.int(times)) * 1_000_000 }
    return try RecordBatch([
      "account_id": .string(accounts.map { "account-\($0 / 3)" }),
      "branch": .int32(accounts.map { Int32($0 % 3) }),
      "event_timestamp": .timestamp(events),
      "created": .timestamp(
        events.map { random.chance(0.2) ? nil : $0 + Int64(random.int(0...3)) * 1_000_000 }),
      "amount": .float64(
        accounts.map { _ in random.chance(0.1) ? nil : Double(random.int(0...99)) }),
      "label": .string(accounts.map { "l\($0 % 7)" }),
      "count": .int64(accounts.map { _ in Int64(random.int(0...9)) }),
    ])
  }

  private func problems(_ report: ParityReport) -> String { "\(report.views.flatMap(\.samples))" }

  @Test(arguments: [1, 2] as [UInt64]) func lateRowsChangeNothing(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let root = try TemporaryDirectory()
    let options = StoreOptions(onlineDurability: .process)
    let store = try FeatureStore(at: root.path + "/s", access: .create, options: options)
    try store.apply(Self.view)
    var through = 100
    var compared = 0
    for _ in 0..<4 {
      try store.append(
        try rows(entities * 2, times: 0...(through + 100), &random), to: "stats")
      try store.materialize("stats", through: Timestamp(seconds: Int64(through)))
      // Rows that come after the run wait for the next; the table is as of the watermark.
      try store.append(try rows(entities / 4, times: 0...through, &random), to: "stats")
      let report = try store.verifyParity()
      #expect(report.isEqual, "seed \(seed), through \(through): \(problems(report))")
      compared += report.views[0].keys
      through += 100
    }
    // Each key once.
    #expect(compared > entities * 3 && compared <= entities * 4)
    let sampled = try store.verifyParity(["stats"], sample: 50, seed: seed)
    #expect(sampled.isEqual && sampled.views[0].keys == 50)
  }

  @Test func countsDirectRowsApartAndFindsDifferences() throws {
    var random = SeededRandom(seed: 5)
    let root = try TemporaryDirectory()
    let store = try FeatureStore(at: root.path + "/s", access: .create)
    try store.apply(Self.view)
    #expect(try store.verifyParity().views[0].reason != nil)
    try store.append(try rows(500, times: 0...100, &random), to: "stats")
    try store.materialize("stats", through: Timestamp(seconds: 50))
    let key = try RecordBatch([
      "account_id": .string(["account-1"]), "branch": .int32([1]),
      "event_timestamp": .timestamp([99_000_000]), "created": .timestamp([nil]),
      "amount": .float64([-1]),
    ])
    try store.online("stats").write(key)
    let direct = try store.verifyParity()
    #expect(direct.isEqual && direct.views[0].directKeys > 0, "\(problems(direct))")
    // A run of a given range goes further than the watermark says.
    try store.materialize("stats", from: Timestamp(seconds: 0), through: Timestamp(seconds: 90))
    let ahead = try store.verifyParity()
    #expect(ahead.isEqual && ahead.views[0].aheadKeys > 0, "\(problems(ahead))")
    // What claims to come from history and does not is a difference.
    let online = try #require(store.onlineStore)
    let forged = try RecordBatch([
      "account_id": .string(["nobody's account"]), "branch": .int32([1]),
      "event_timestamp": .timestamp([50_000_000]), "created": .timestamp([60_000_000]),
      "amount": .float64([-1]), "label": .string(["forged"]), "count": .int64([1]),
    ])
    _ = try online.writeBatch(forged, to: Self.view, watermark: nil, progress: nil)
    let wrong = try store.verifyParity()
    #expect(!wrong.isEqual && wrong.views[0].differences == 1, "\(problems(wrong))")
  }
}
