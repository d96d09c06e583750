import Larder
import LarderColumns
import LarderContract
import TestSupport
import Testing

/// Several views in one call, against one call per view.
@Suite struct OnlineFeaturesTests {
  private static let driver = Entity("driver", joinKeys: [.int64("driver_id")])
  private static let trip = Entity(
    "trip", joinKeys: [.int64("driver_id"), .string("city")])
  private static let views = [
    FeatureView(
      "stats", entities: [driver], features: [Field("trips", .int64), Field("note", .string)]),
    FeatureView(
      "rating", entities: [driver], features: [Field("stars", .float64), Field("trips", .int32)],
      timeToLive: .seconds(50)),
    FeatureView("prices", entities: [trip], features: [Field("price", .float32)]),
    FeatureView("fuel", entities: [], features: [Field("litre", .float64)]),
  ]

  private func store(_ root: TemporaryDirectory) throws -> FeatureStore {
    let store = try FeatureStore(at: root.path + "/s", access: .create)
    try store.apply(
      Definitions(
        entities: [Self.driver, Self.trip], featureViews: Self.views,
        featureServices: [
          FeatureService(
            "model", features: ["stats:note", "rival:stars"],
            projections: [.projection(of: "rating", as: "rival", joinKeys: ["driver_id": "other"])])
        ]))
    let times = Column.timestamp((0..<40).map { Int64($0) * 1_000_000 })
    let drivers = Column.int64((0..<40).map { Int64($0 % 30) })
    try store.online("stats").write(
      RecordBatch([
        "driver_id": drivers, "event_timestamp": times,
        "trips": .int64((0..<40).map { $0 % 7 == 0 ? nil : Int64($0) }),
        "note": .string((0..<40).map { "n\($0)" }),
      ]))
    try store.online("rating").write(
      RecordBatch([
        "driver_id": drivers, "event_timestamp": times,
        "stars": .float64((0..<40).map { Double($0) / 2 }),
        "trips": .int32((0..<40).map { Int32($0) }),
      ]))
    try store.online("prices").write(
      RecordBatch([
        "city": .string((0..<40).map { "c\($0 % 3)" }), "driver_id": drivers,
        "event_timestamp": times, "price": .float32((0..<40).map { Float($0) }),
      ]))
    try store.online("fuel").write(
      RecordBatch(["event_timestamp": .timestamp([5]), "litre": .float64([1.75])]))
    return store
  }

  @Test func answersAsEachViewAlone() throws {
    let root = try TemporaryDirectory()
    let store = try store(root)
    let keys = try RecordBatch([
      "city": .string((0..<50).map { "c\($0 % 4)" }),
      "driver_id": .int64((0..<50).map { $0 % 11 == 0 ? nil : Int64($0 % 35) }),
      "other": .int64((0..<50).map { Int64(49 - $0) }),
      "weight": .float64((0..<50).map { Double($0) }),
    ])
    let at = Timestamp(seconds: 70)
    let answer = try store.onlineFeatures(
      for: keys,
      features: ["stats:*", "rating:stars", "prices:price", "rival:stars", "fuel:*"],
      options: OnlineReadOptions(
        projections: [.projection(of: "rating", as: "rival", joinKeys: ["driver_id": "other"])],
        fullFeatureNames: true, at: at))
    #expect(
      answer.rows.schema.fields.map(\.name) == [
        "city", "driver_id", "other", "weight", "stats__trips", "stats__note", "rating__stars",
        "prices__price", "rival__stars", "fuel__litre",
      ])
    #expect(answer.views.map(\.name) == ["stats", "rating", "prices", "rival", "fuel"])
    let rival = try RecordBatch(["driver_id": keys.columns[2]])
    let alone = [
      try store.online("stats").read(keys, at: at),
      try store.online("rating").read(keys, features: ["stars"], at: at),
      try store.online("prices").read(keys, at: at),
      try store.online("rating").read(rival, features: ["stars"], at: at),
      try store.online("fuel").read(keys, at: at),
    ]
    let expected = alone.flatMap { rows in rows.features.columns.map { (rows, $0) } }
    for row in 0..<keys.count {
      #expect(Array(answer.rows.row(row).prefix(4)) == keys.row(row))
      for (position, (rows, column)) in expected.enumerated() {
        #expect(answer.rows.columns[4 + position][row] == column[row], "row \(row)")
        let status = answer.status(ofColumn: 4 + position, row: row)
        if rows.statuses[row] != .present { #expect(status == rows.statuses[row]) }
      }
    }
    #expect(answer.status(ofColumn: 0, row: 0) == nil)
    #expect(answer.views[1].statuses.contains(.outsideMaxAge))
    #expect(answer.views[4].statuses.allSatisfy { $0 == .present })
    #expect(answer.readAt == at)
  }

  @Test func answersAServiceAndRefusesClashes() throws {
    let root = try TemporaryDirectory()
    let store = try store(root)
    let keys = try RecordBatch(["driver_id": .int64([3, 4]), "other": .int64([5, 6])])
    let answer = try store.onlineFeatures(
      for: keys, service: "model", options: OnlineReadOptions(at: Timestamp(seconds: 20)))
    #expect(answer["note"]?[0] == .string("n33") && answer["stars"]?[1] == .float64(18))
    #expect(throws: LarderError.self) {
      try store.onlineFeatures(for: keys, features: ["stats:trips", "rating:trips"])
    }
    do {
      _ = try store.onlineFeatures(for: keys, features: ["stats:trip"])
      Issue.record("an unknown feature was answered")
    } catch {
      #expect(error.code == .notFound && error.message.contains("\"trips\""))
    }
    do {
      _ = try store.onlineFeatures(for: keys, features: ["prices:price"])
      Issue.record("a missing key was answered")
    } catch { #expect(error.message.contains("city")) }
    // A store of one's own answers the same.
    let now = Timestamp(seconds: 20)
    let own = InMemoryOnlineStore(now: { now })
    let both = ComposedFeatureStore(
      offline: InMemoryOfflineStore(), online: own, definitions: try store.definitions())
    try both.online("stats").write(
      RecordBatch([
        "driver_id": .int64([3]), "event_timestamp": .timestamp([1]), "trips": .int64([9]),
        "note": .string(["x"]),
      ]))
    let other = try both.onlineFeatures(
      for: keys, features: ["stats:trips"], options: OnlineReadOptions(at: now))
    #expect(other["trips"]?[0] == .int64(9) && other.views[0].statuses == [.present, .notFound])
  }

  @Test func givesOneRowToPeople() throws {
    let root = try TemporaryDirectory()
    let store = try store(root)
    let row = try store.online("prices").row(
      ["driver_id": .int64(9), "city": .string("c0")], at: Timestamp(seconds: 60))
    #expect(row["price"] == .float32(39) && row.status == .present)
    #expect(row.eventTime == Timestamp(seconds: 39) && row.age == .seconds(21))
    #expect(throws: LarderError.self) { try store.online("prices").row(["city": .string("c0")]) }
    #expect(throws: LarderError.self) { try store.online("stats").row(["driver": .int64(1)]) }
    #expect(try store.online("fuel").row([:])["litre"] == .float64(1.75))
  }
}
