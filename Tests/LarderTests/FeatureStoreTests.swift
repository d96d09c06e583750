import Glibc
import Larder
import LarderColumns
import LarderContract
import TestSupport
import Testing

@Suite struct FeatureStoreTests {
  private let driver = Entity("driver", joinKeys: [.int64("driver_id")])

  private func view(_ features: [Field]) -> FeatureView {
    FeatureView(
      "driver_stats", entities: [driver], features: features, timeToLive: .seconds(3_600),
      createdTimestamp: "created")
  }

  private func rows(_ range: Range<Int64>, value: Int64) throws -> RecordBatch {
    try RecordBatch([
      "driver_id": .int64(range.map { $0 % 10 }),
      "event_timestamp": .timestamp(range.map { $0 * 1_000_000 }),
      "created": .timestamp(range.map { $0 * 1_000_000 + 5 }),
      "trips": .int64(range.map { $0 * value }),
    ])
  }

  @Test func answersFromHistoryAfterReopening() throws {
    let root = try TemporaryDirectory()
    let path = root.path + "/store.larder"
    let first: Commit
    do {
      let store = try FeatureStore(at: path, access: .create)
      let changes = try store.apply(view([Field("trips", .int64)]))
      #expect(changes.contains { $0.kind == .addedView && $0.name == "driver_stats" })
      #expect(try store.apply(view([Field("trips", .int64)])).isEmpty)
      first = try store.append(try rows(0..<1_000, value: 1), to: "driver_stats")
      try store.append(try rows(500..<600, value: -1), to: "driver_stats")
    }
    let store = try FeatureStore(at: path, access: .readOnly)
    let spine = try RecordBatch([
      "driver_id": .int64([3, 3, 42, nil]),
      "event_timestamp": .timestamp([555_000_000, 999_000_000, 999_000_000, 999_000_000]),
    ])
    let now = try store.historicalFeatures(for: spine, features: ["driver_stats:trips"]).collect()
    #expect((0..<4).map { now.columns[2][$0] } == [.int64(-553), .int64(993), .null, .null])
    let past = try store.snapshot(at: first)
    let then = try past.historicalFeatures(for: spine, features: ["driver_stats:*"]).collect()
    #expect(then.columns[2][0] == .int64(553))
    #expect(throws: LarderError.self) { try past.append(rows(0..<1, value: 1), to: "driver_stats") }
    #expect(throws: LarderError.self) {
      try store.append(rows(0..<1, value: 1), to: "driver_stats")
    }
  }

  @Test func tellsWhatItHoldsAndThatItIsWhole() throws {
    let root = try TemporaryDirectory()
    let store = try FeatureStore(at: root.path + "/s", access: .create)
    try store.apply(view([Field("trips", .int64)]))
    try store.append(try rows(0..<20_000, value: 3), to: "driver_stats")
    let report = try #require(try store.info().views.first)
    #expect(report.rows == 20_000)
    #expect(report.keys == 10)
    #expect(report.lastEvent == Timestamp(microseconds: 19_999_000_000))
    #expect(report.parts.reduce(0) { $0 + $1.bytes } == report.bytes)
    #expect(report.parts.contains { $0.name == "trips" && !$0.encodings.isEmpty })
    let check = try store.verify()
    #expect(check.findings.isEmpty)
    #expect(check.rows == 20_000)
  }

  @Test func findsAFlippedBitAndGoesOn() throws {
    let root = try TemporaryDirectory()
    let path = root.path + "/s"
    let segment: String
    do {
      let store = try FeatureStore(at: path, access: .create)
      try store.apply(view([Field("trips", .int64)]))
      try store.append(try rows(0..<20_000, value: 3), to: "driver_stats")
      try store.append(try rows(0..<100, value: 3), to: "driver_stats")
      let names = try POSIXNames.files(in: path + "/offline/v1").filter { $0.hasSuffix(".seg") }
      #expect(names.count == 2)
      segment = try #require(names.max { POSIXNames.bytes($0) < POSIXNames.bytes($1) })
    }
    try POSIXNames.flip(segment, at: POSIXNames.bytes(segment) / 2)
    let store = try FeatureStore(at: path, access: .readOnly)
    let check = try store.verify()
    let finding = try #require(check.findings.first)
    #expect(check.findings.count == 1)
    #expect(finding.error.code == .corrupt)
    #expect(finding.error.file == segment)
    #expect(finding.affects.contains("driver_stats"))
    #expect(check.rows == 20_100)
  }

  @Test func bringsOthersStoresUnderDefinitions() throws {
    let online = InMemoryOnlineStore(now: { Timestamp(seconds: 1_000) })
    let store = ComposedFeatureStore(offline: InMemoryOfflineStore(), online: online)
    let view = view([Field("trips", .int64)])
    let definitions = Definitions(
      entities: view.entities, featureViews: [view],
      featureServices: [FeatureService("all", features: ["driver_stats:*"])])
    #expect(try store.apply(definitions, dryRun: true).count == 1)
    #expect(throws: LarderError.self) { try store.pullAll("driver_stats") }
    try store.apply(definitions)
    #expect(try store.apply(definitions).isEmpty)
    try store.append(try rows(0..<100, value: 1), to: "driver_stats")
    let all = try store.pullAll("driver_stats").collect()
    #expect(all.count == 100)
    do throws(LarderError) {
      _ = try store.pullAll("driver_stat")
      Issue.record("an unknown view was read")
    } catch {
      #expect(error.code == .notFound && error.message.contains("\"driver_stats\""))
    }
    // History goes online, and both answer alike.
    let keys = try RecordBatch(["driver_id": try #require(all["driver_id"])])
    #expect(try store.materialize("driver_stats", through: Timestamp(seconds: 1_000_000)) > 0)
    let latest = try store.pullLatest("driver_stats").collect()
    let row = try store.online("driver_stats").row(
      ["driver_id": try #require(latest["driver_id"])[0]], includeExpired: true)
    #expect(row["trips"] == latest["trips"]?[0])
    let options = OnlineReadOptions(includeExpired: true)
    let named = try store.onlineFeatures(for: keys, service: "all", options: options)
    let listed = try store.onlineFeatures(
      for: keys, features: ["driver_stats:trips"], options: options)
    for row in 0..<100 { #expect(named["trips"]?[row] == listed["trips"]?[row]) }
    try store.online("driver_stats").drop()
    #expect(throws: LarderError.self) { try store.online("driver_stats").read(keys) }
  }
}

/// Files as a vandal sees them.
enum POSIXNames {
  static func files(in directory: String) throws -> [String] {
    var names: [String] = []
    let open = try #require(opendir(directory))
    defer { closedir(open) }
    while let entry = readdir(open) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix(".") { names.append(directory + "/" + name) }
    }
    return names
  }

  static func bytes(_ path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : -1
  }

  static func flip(_ path: String, at offset: Int) throws {
    let descriptor = open(path, O_RDWR)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    var byte: UInt8 = 0
    try #require(pread(descriptor, &byte, 1, off_t(offset)) == 1)
    byte ^= 0x10
    try #require(pwrite(descriptor, &byte, 1, off_t(offset)) == 1)
  }
}
