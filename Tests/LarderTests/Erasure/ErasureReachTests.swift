import Glibc
import Larder
import LarderColumns
import LarderContract
import LarderFiles
import LarderOnline
import TestSupport
import Testing

/// What an erasure reaches, and what it says of what it does not reach yet.
@Suite struct ErasureReachTests {
  private static let level = FeatureView(
    "level", entities: [ErasureWorld.person], features: [Field("x", .int64)],
    createdTimestamp: "created")

  private static func levels(_ rows: [(person: Int, event: Int64, created: Int64)]) throws
    -> RecordBatch
  {
    try RecordBatch([
      "person_id": .string(rows.map { "somebody-\($0.person)" }),
      "event_timestamp": .timestamp(rows.map(\.event)),
      "created": .timestamp(rows.map(\.created)),
      "x": .int64(rows.map { $0.event }),
    ])
  }

  /// Other processes hide the entity online from the first commit on, though nobody may write there.
  @Test func onlineHidesFromTheFirstCommit() throws {
    let root = try TemporaryDirectory()
    let path = root.path + "/s"
    let store = try FeatureStore(at: path, access: .create)
    try store.apply(ErasureWorld.small)
    try store.append(try ErasureWorld.rows([1, 2], value: 1), to: "small")
    try store.materialize("small")
    // This process has the table open for writing, and a reader of before.
    let reader = try store.online("small").reader(features: ["value"])
    let keys = try ErasureWorld.keys([1, 2])
    #expect(try reader.read(keys).statuses == [.present, .present])
    let pinned = try store.pullAll("small")
    let other = try FeatureStore(at: path)
    let report = try other.erase("person", keys: try ErasureWorld.keys([1]))
    #expect(!report.isComplete)
    // Who holds it up is named.
    #expect(report.pending.contains { $0.contains("this process") }, "\(report.pending)")
    for asked in [store, other, try FeatureStore(at: path, access: .readOnly)] {
      #expect(try asked.online("small").read(keys).statuses == [.notFound, .present])
      #expect(
        try asked.online("small").row(["person_id": .string("somebody-1")]).status == .notFound)
    }
    #expect(try reader.read(keys).statuses == [.notFound, .present])
    #expect(try reader.withRow(ofKey: "somebody-1") { $0[int64: 0] } == nil)
    #expect(try reader.withRow(ofKey: "somebody-2") { $0[int64: 0] } == 1)
    // A new row of the key cannot be told from those of before yet: it is refused, not lost.
    #expect(throws: LarderError.self) {
      try store.online("small").write(try ErasureWorld.rows([1], value: 8))
    }
    withExtendedLifetime(pinned) {}
    #expect(try store.verify().findings.isEmpty)
    #expect(try !store.verify().notes.isEmpty && !store.info().notes.isEmpty)
  }

  /// What is written of the key after the erasure began stays, whatever the erasure still does.
  @Test func whatComesBackStays() throws {
    let root = try TemporaryDirectory()
    let path = root.path + "/s"
    let store = try FeatureStore(at: path, access: .create)
    try store.apply(ErasureWorld.small)
    try store.append(try ErasureWorld.rows([1, 2], value: 1), to: "small")
    try store.materialize("small")
    do {
      let pinned = try store.pullAll("small")
      #expect(
        try !FeatureStore(at: path).erase("person", keys: try ErasureWorld.keys([1])).isComplete)
      // History has the key again; online it comes once the table took the erasure in.
      try store.append(try ErasureWorld.rows([1], value: 7), to: "small")
      try store.materialize("small")
      withExtendedLifetime(pinned) {}
    }
    try store.online("small").write(try ErasureWorld.rows([1], value: 9))
    let answer = try store.online("small").read(try ErasureWorld.keys([1, 2]))
    #expect(answer.features["value"]?[0] == .int64(9))
    try store.close()
    let other = try FeatureStore(at: path)
    if let report = try other.finishErasures() { #expect(report.isComplete, "\(report.pending)") }
    #expect(try other.finishErasures() == nil)
    let late = try other.online("small").read(try ErasureWorld.keys([1, 2]))
    #expect(late.features["value"]?[0] == .int64(9))
    try other.materialize("small")
    #expect(try ErasureWorld.people(other).filter { $0 == 1 }.count == 1)
    #expect(try other.verify(deep: true).findings.isEmpty)
  }

  /// Rows that only kept snapshots show, of replaced segments and of dropped views, and online rows
  /// of keys that history never had.
  @Test func reachesKeptSnapshotsAndDroppedViews() throws {
    let root = try TemporaryDirectory()
    let path = root.path + "/s"
    let store = try FeatureStore(
      at: path, access: .create, options: StoreOptions(fold: .off))
    try store.apply(
      Definitions(
        entities: [ErasureWorld.person],
        featureViews: [
          ErasureWorld.small, Self.level,
        ]))
    try store.append(try ErasureWorld.rows([1, 2], value: 1), to: "small")
    try store.append(try Self.levels([(1, 5, 6), (2, 50, 60), (3, 40, 70)]), to: "level")
    try store.materialize("level")
    let tagged = try store.tag("early")
    try store.replace(
      [try ErasureWorld.rows([2], value: 1)], in: "small", from: Timestamp(seconds: 0),
      through: Timestamp(seconds: 9))
    try store.drop(view: "level")
    try store.vacuum()
    #expect(try ErasureSearch(path).count(of: Array("somebody-1".utf8)) > 0)
    let report = try store.erase("person", keys: try ErasureWorld.keys([1]))
    #expect(report.isComplete, "\(report.pending)")
    let search = try #require(report.search)
    #expect(search.files > 5 && search.bytes > 10_000 && search.places.count == 5)
    #expect(try ErasureSearch(path).count(of: Array("somebody-1".utf8)) == 0)
    let past = try store.snapshot(at: tagged.id)
    #expect(try ErasureWorld.people(past) == [2])
    #expect(try past.pullAll("level").collect().count == 2)
    #expect(try store.verify(deep: true).findings.isEmpty)
  }

  /// The manifest keeps no time that only erased rows had, though a tag keeps a snapshot of before.
  @Test func theManifestKeepsNoTimesOfErasedRows() throws {
    let root = try TemporaryDirectory()
    let path = root.path + "/s"
    let store = try FeatureStore(
      at: path, access: .create, options: StoreOptions(fold: .off))
    try store.apply(Self.level)
    let marks: [Int64] = [0x00A1_B2C3_D4E5_F607, 0x0011_2233_4455_6677]
    try store.append(try Self.levels([(1, marks[1], marks[0]), (2, 500, 600)]), to: "level")
    let tagged = try store.tag("early")
    try store.append(try Self.levels([(3, 700, 800)]), to: "level")
    let young = try store.head()
    func count(_ mark: Int64) throws -> Int {
      try withUnsafeBytes(of: mark.littleEndian) { try ErasureSearch(path).count(of: Array($0)) }
    }
    #expect(try count(marks[0]) > 0 && count(marks[1]) > 0)
    let report = try store.erase("person", keys: try ErasureWorld.keys([1]))
    #expect(report.isComplete, "\(report.pending)")
    #expect(try count(marks[0]) == 0 && count(marks[1]) == 0)
    // The snapshots are there all the same, in this process and in another one.
    for asked in [store, try FeatureStore(at: path)] {
      #expect(try asked.snapshot(tagged: "early").pullAll("level").collect().count == 1)
      #expect(try asked.snapshot(at: tagged).pullAll("level").collect().count == 1)
      #expect(try asked.snapshot(at: young).pullAll("level").collect().count == 2)
      #expect(try asked.verify(deep: true).findings.isEmpty)
    }
    try store.append(try Self.levels([(4, 900, 900)]), to: "level")
    #expect(try store.rollback(to: tagged.id).commit != nil)
    #expect(try store.pullAll("level").collect().count == 1)
    #expect(try FeatureStore(at: path).snapshot(at: young).pullAll("level").collect().count == 2)
  }

  /// Would the search find a byte? It is given one where nobody looks for it.
  @Test func whatIsLeftIsFound() throws {
    let root = try TemporaryDirectory()
    let path = root.path + "/s"
    let store = try FeatureStore(at: path, access: .create)
    try store.apply(ErasureWorld.small)
    try store.append(try ErasureWorld.rows([1, 2], value: 1), to: "small")
    try store.materialize("small")
    let files = POSIXFileSystem()
    let folder = path + "/online/v1"
    let name = try #require(try files.names(in: folder).sorted().first { $0.hasSuffix(".rows") })
    // A file that a crash left, which the table no longer names, while another process has the table.
    let old = folder + "/" + name
    let source = try files.open(old, .read)
    try files.copy(source, bytes: try source.status().bytes, to: root.path + "/kept")
    try store.online("small").write(try ErasureWorld.rows([3], value: 2))
    try store.online("small").compact()
    #expect(try files.status(of: old) == nil)
    let kept = try files.open(root.path + "/kept", .read)
    try files.copy(kept, bytes: try kept.status().bytes, to: old)
    let other = try FeatureStore(
      at: path, options: StoreOptions(lockTimeout: .milliseconds(100)))
    let report = try other.erase("person", keys: try ErasureWorld.keys([1]))
    #expect(!report.isComplete && report.finished == nil)
    #expect(report.files.contains { $0.path == old && !$0.isRemoved }, "\(report.files)")
    try store.close()
    let again = try #require(try other.finishErasures())
    #expect(again.isComplete, "\(again.pending)")
    #expect(try ErasureSearch(path).count(of: Array("somebody-1".utf8)) == 0)
    #expect(
      try other.online("small").read(try ErasureWorld.keys([1, 2, 3])).statuses
        == [.notFound, .present, .present])
  }
}
