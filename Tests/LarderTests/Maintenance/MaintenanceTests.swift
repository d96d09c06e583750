import Glibc
import Larder
import LarderColumns
import LarderContract
import LarderFiles
import LarderOnline
import TestSupport
import Testing

/// Checking, mending and copying a store.
@Suite struct MaintenanceTests {
  private static let views = ["a", "b"].map { name in
    FeatureView(
      name, entities: [Entity("driver", joinKeys: [.int64("driver_id")])],
      features: [Field("trips", .int64), Field("label", .string)])
  }

  private static func batch(_ keys: Range<Int64>, second: Int64) throws -> RecordBatch {
    try RecordBatch([
      "driver_id": .int64(Array(keys)),
      "event_timestamp": .timestamp(keys.map { _ in second * 1_000_000 }),
      "trips": .int64(keys.map { $0 * 3 }), "label": .string(keys.map { "label \($0 % 11)" }),
    ])
  }

  private static func store(_ path: String) throws -> FeatureStore {
    let store = try FeatureStore(
      at: path, access: .create, options: StoreOptions(fold: .off))
    try store.apply(Definitions(featureViews: views))
    for second in 1...3 {
      for view in views { try store.append(batch(0..<300, second: Int64(second)), to: view.name) }
    }
    try store.materialize("a")
    return store
  }

  private static func files(_ directory: String, _ suffix: String) throws -> [String] {
    try POSIXFileSystem().names(in: directory).filter { $0.hasSuffix(suffix) }.sorted()
      .map { "\(directory)/\($0)" }
  }

  private static func flip(_ path: String, at offset: UInt64? = nil) throws {
    let file = try POSIXFileSystem().open(path, .update)
    let offset = try offset ?? file.status().bytes / 2
    let byte = try file.readExactly(1, at: offset)[0]
    try file.write([byte ^ 0x10], at: offset)
  }

  /// Damage in one file is told with its place and what it takes away; the rest is read.
  @Test func damageIsToldWithItsPlaceAndTheRestStaysReadable() throws {
    let root = try TemporaryDirectory()
    let path = root.path + "/s"
    do {
      let store = try Self.store(path)
      #expect(try store.verify(deep: true).findings.isEmpty)
      try store.onlineStore?.close()
    }
    let segments = try Self.files(path + "/offline/v1", ".seg")
    #expect(segments.count == 3)
    // A body in the middle, in two files: each is a finding, and both are reported.
    for segment in segments.prefix(2) { try Self.flip(segment) }
    let rows = try #require(try Self.files(path + "/online/v1", ".rows").first)
    try Self.flip(rows, at: 64 * 80)
    for deep in [false, true] {
      let store = try FeatureStore(at: path, access: .readOnly)
      let report = try store.verify(deep: deep)
      let damaged = Set(report.findings.compactMap(\.error.file))
      #expect(damaged.isSuperset(of: segments.prefix(2)), "\(report.findings)")
      #expect(!damaged.contains(segments[2]))
      #expect(report.findings.contains { $0.error.offset != nil })
      #expect(report.findings.contains { $0.affects.contains("\"a\"") })
      #expect(report.findings.contains { $0.affects.contains("online table") })
      #expect(try store.pullAll("b").collect().count == 900)
      #expect(throws: LarderError.self) { try store.pullAll("a").collect() }
    }
  }

  /// Every derived file is rebuilt; what was committed is only reported.
  @Test func whatIsDerivedIsBuiltAnew() throws {
    let root = try TemporaryDirectory()
    let path = root.path + "/s"
    do {
      // So many keys that they get a map.
      let store = try FeatureStore(at: path, access: .create)
      try store.apply(Definitions(featureViews: Self.views))
      try store.append(Self.batch(0..<100_100, second: 1), to: "a")
      try store.materialize("a")
      try store.onlineStore?.close()
    }
    let map = try #require(try Self.files(path + "/keys/k1", ".map").first)
    try Self.flip(map, at: 9_000)
    let index = try #require(try Self.files(path + "/online/v1", ".index").first)
    try Self.flip(index, at: 140_000)
    try Self.flip(path + "/STATE", at: 20)
    let harmed = try FeatureStore(at: path)
    let findings = try harmed.verify().findings
    #expect(findings.contains { $0.error.file == map && $0.affects.contains("repair") })
    let plan = try harmed.repair(dryRun: true)
    #expect(plan.steps.contains { $0.path == map })
    #expect(plan.steps.contains { $0.path.hasSuffix("/STATE") })
    #expect(plan.steps.contains { $0.path.hasSuffix("/online/v1") })
    let report = try harmed.repair()
    #expect(report.steps.map(\.path) == plan.steps.map(\.path))
    #expect(report.findings.isEmpty, "\(report.findings)")
    #expect(try harmed.repair(dryRun: true).steps.isEmpty)
    let keys = try RecordBatch(["driver_id": .int64([7, 100_099, 200_000])])
    let answer = try harmed.online("a").read(keys, features: ["trips"])
    #expect(answer.features["trips"]?[1] == .int64(300_297))
    #expect(answer.statuses[2] == .notFound)
  }

  /// A copy beside a writer holds whole commits, shares sealed files, and goes its own way.
  @Test func aCopyBesideAWriterIsWholeAndItsOwn() throws {
    let root = try TemporaryDirectory()
    let path = root.path + "/s"
    let store = try Self.store(path)
    let writer = WriterThread {
      for second in 4..<40 {
        try store.append(try Self.batch(0..<50, second: Int64(second)), to: "a")
        try store.online("a").write(try Self.batch(0..<50, second: Int64(second)))
      }
    }
    var copies: [(path: String, commit: Commit)] = []
    for number in 0..<4 {
      let copy = "\(root.path)/copy-\(number)"
      let report = try store.backup(to: copy)
      copies.append((copy, report.commit))
      #expect(report.linkedFiles > 0 && report.copiedFiles > 0)
    }
    try writer.join()
    for (copy, commit) in copies {
      let made = try FeatureStore(at: copy)
      #expect(try made.head() == commit)
      let seen = try made.pullAll("a").collect().count
      let then = try store.snapshot(at: commit).pullAll("a").collect().count
      #expect(seen == then)
      #expect(try made.verify(deep: true).findings.isEmpty)
      let keys = try RecordBatch(["driver_id": .int64([1])])
      #expect(
        try made.online("a").read(keys, features: ["trips"]).features["trips"]?[0] == .int64(3))
      // The same change has another receipt there.
      let mine = try made.append(try Self.batch(900..<901, second: 99), to: "b")
      #expect(throws: LarderError.self) { try store.snapshot(at: mine) }
      #expect(try store.pullAll("b").collect().count == 900)
    }
    let first = try #require(try Self.files(path + "/offline/v2", ".seg").first)
    let twin = copies[0].path + first.dropFirst(path.utf8.count)
    let system = POSIXFileSystem()
    #expect(try system.status(of: first)?.inode == system.status(of: twin)?.inode)
    #expect(throws: LarderError.self) { try store.backup(to: copies[0].path) }
  }
}

/// Runs a closure on a thread of its own.
final class WriterThread: @unchecked Sendable {
  private var thread = pthread_t()
  private let body: @Sendable () throws -> Void
  private var failure: (any Error)?

  init(_ body: @escaping @Sendable () throws -> Void) {
    self.body = body
    let context = Unmanaged.passRetained(self).toOpaque()
    pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        let own = Unmanaged<WriterThread>.fromOpaque(context).takeRetainedValue()
        do { try own.body() } catch { own.failure = error }
        return nil
      }, context)
  }

  func join() throws {
    pthread_join(thread, nil)
    if let failure { throw failure }
  }
}
