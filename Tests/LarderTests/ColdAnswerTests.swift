import Larder
import LarderColumns
import LarderContract
import TestSupport
import Testing

/// Queries to history whose texts are codes of a table, and whose pages are packed by entropy, have
/// the answers that the rows say.
@Suite struct ColdAnswerTests {
  private static let rows: Int64 = 6_000
  private static let entities: Int64 = 60

  private static func text(_ row: Int64) -> String? {
    row % 11 == 0 ? nil : "https://example.org/item/\(row &* 7_919 % 1_000_003)?from=\(row % 97)"
  }

  private static func price(_ row: Int64) -> Double? {
    row % 3 == 0 ? nil : Double(row &* 31 % 9_973) / 100
  }

  private static func history() throws -> RecordBatch {
    let all = 0..<rows
    return try RecordBatch([
      "user": .int64(all.map { $0 % entities }),
      "event_timestamp": .timestamp(all.map { $0 * 1_000_003 }),
      "created": .timestamp(all.map { $0 * 1_000_003 + $0 % 50 }),
      "link": .string(all.map(text)),
      "price": .float64(all.map(price)),
      "count": .int64(all.map { $0 * $0 % 1_009 }),
      "flag": .bool(all.map { $0 % 7 == 0 }),
    ])
  }

  @Test(arguments: [false, true], [40, 20_000])
  func answersAreTheRows(isCold: Bool, spineRows: Int) throws {
    let root = try TemporaryDirectory()
    let store = try FeatureStore(at: root.path + "/s", access: .create)
    let view = FeatureView(
      "views", entities: [Entity("user", joinKeys: [.int64("user")])],
      features: [
        Field("link", .string), Field("price", .float64), Field("count", .int64),
        Field("flag", .bool),
      ], eventTimestamp: "event_timestamp", createdTimestamp: "created")
    try store.apply(view)
    try store.append(try Self.history(), to: "views")
    if isCold {
      try store.compact("views", CompactionOptions(partitions: ["all"], isCold: true))
    }
    var random = SeededRandom(seed: 8)
    let asked = (0..<spineRows).map { _ in
      (user: Int64(random.int(0...61)), time: Int64(random.int(0...6_000_000_000)))
    }
    let spine = try RecordBatch([
      "user": .int64(asked.map { $0.user }), "event_timestamp": .timestamp(asked.map { $0.time }),
    ])
    let answer = try store.historicalFeatures(for: spine, features: ["views:*"]).collect()
    for (place, row) in asked.enumerated() {
      let last = row.time / 1_000_003
      // The last row of the user's, not after the last of all.
      let before = min(last, Self.rows - 1)
      let found = before - (before - row.user % Self.entities + Self.entities) % Self.entities
      let isKnown = row.user < Self.entities && found >= 0 && before >= row.user
      #expect(
        answer["link"]?[place] == (isKnown ? Self.text(found).map { .string($0) } : nil) ?? .null)
      #expect(
        answer["price"]?[place] == (isKnown ? Self.price(found).map { .float64($0) } : nil) ?? .null
      )
      #expect(answer["count"]?[place] == (isKnown ? .int64(found * found % 1_009) : .null))
      #expect(answer["flag"]?[place] == (isKnown ? .bool(found % 7 == 0) : .null))
    }
    let pulled = try store.pullAll("views", features: ["link"]).collect()
    #expect(pulled.count == Int(Self.rows))
    let links = (0..<pulled.count).compactMap { pulled["link"]?[$0] }
    #expect(
      Set(links.map { "\($0)" })
        == Set((0..<Self.rows).map { "\(Self.text($0).map { Value.string($0) } ?? .null)" }))
  }
}
