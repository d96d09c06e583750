import LarderColumns
import LarderContract
import LarderFiles
import Testing

@testable import LarderOffline

/// What the manifest says for those who keep up with a view, and the ids it never gives out twice.
@Suite struct RevisionTests {
  private func store(seed: UInt64) throws -> Store {
    let disk = SimulatedFileSystem(seed: seed)
    let store = try Store.open(
      "/s", access: .create, host: disk.host(), options: Fixture.options())
    try store.apply(Fixture.definitions(Fixture.view(), Fixture.view("other")))
    return store
  }

  private func revision(_ store: Store, _ view: String = "stats") throws -> UInt64 {
    let snapshot = try store.snapshot()
    return snapshot.lastRevision(of: try snapshot.catalog.requireView(view).id)
  }

  /// Growth, folds, compactions and tags are none; everything else is one, of its view alone.
  @Test func notesWhatIsNotGrowth() throws {
    let store = try store(seed: 71)
    for commit in 0..<9 {
      try store.append([Fixture.batch(Fixture.rows(3, from: Int64(commit) * 10))], to: "stats")
    }
    try store.fold()
    try store.compact(["stats"], CompactionOptions(partitions: ["all"]))
    try store.tag("here")
    #expect(try revision(store) == 0)
    let kept = try store.snapshot().commit.id
    func expectRevision(_ what: String, _ step: () throws -> Void) throws {
      try step()
      #expect(try revision(store) == store.snapshot().commit.id, "\(what)")
      #expect(try revision(store, "other") == 0, "\(what): the other view")
    }
    try expectRevision("replace") {
      try store.replace(
        [Fixture.batch([])], in: "stats", through: Timestamp(microseconds: 5_000_000))
    }
    try expectRevision("expire") { try store.expire("stats", olderThan: .seconds(20)) }
    let two = [Field("value", .int64), Field("more", .int64)]
    try store.apply(Fixture.definitions(Fixture.view(features: two)))
    #expect(try revision(store) < store.snapshot().commit.id, "a new feature is growth")
    try expectRevision("drop a feature") {
      try store.apply(Fixture.definitions(Fixture.view()), dropping: true)
    }
    try expectRevision("roll back") { try store.rollback(to: kept) }
    let last = try store.snapshot().commit.id
    try store.append([Fixture.batch(Fixture.rows(3, from: 900))], to: "stats")
    #expect(try revision(store) == last)
  }

  @Test func survivesCheckpoints() throws {
    let disk = SimulatedFileSystem(seed: 72)
    var options = Fixture.options()
    options.manifestRecords = 2
    let store = try Store.open("/s", access: .create, host: disk.host(), options: options)
    try store.apply(Fixture.definitions(Fixture.view()))
    try store.append([Fixture.batch(Fixture.rows(9, from: 0))], to: "stats")
    try store.expire("stats", olderThan: .seconds(10))
    let expected = try store.snapshot().commit.id
    for commit in 0..<7 {
      try store.append([Fixture.batch(Fixture.rows(3, from: 100 + Int64(commit)))], to: "stats")
    }
    let again = try Store.open(
      "/s", access: .readOnly, host: disk.anotherProcess().host(), options: options)
    #expect(try revision(again) == expected)
  }

  /// A commit that was written down elsewhere is recognized, and one of another chain is not.
  @Test func tellsCommitsOfTheChain() throws {
    let store = try store(seed: 73)
    let first = try store.append([Fixture.batch(Fixture.rows(3, from: 0))], to: "stats")
    try store.append([Fixture.batch(Fixture.rows(3, from: 10))], to: "stats")
    let snapshot = try store.snapshot()
    #expect(snapshot.relation(to: first.id, chainHash: first.chainHash) == .ancestor)
    #expect(snapshot.relation(to: first.id, chainHash: first.chainHash ^ 1) == .foreign)
    #expect(
      snapshot.relation(to: snapshot.commit.id, chainHash: snapshot.commit.chainHash) == .ancestor)
    #expect(snapshot.relation(to: snapshot.commit.id + 1, chainHash: 0) == .foreign)
  }

  /// A view that was dropped and comes back goes on counting where it left off.
  @Test func givesNoFeatureIDTwice() throws {
    let store = try store(seed: 74)
    let kept = try store.snapshot().commit.id
    func field(_ name: String) throws -> UInt32? {
      try store.snapshot().catalog.requireView("stats").field(named: name)?.id
    }
    let two = [Field("value", .int64), Field("second", .string)]
    try store.apply(Fixture.definitions(Fixture.view(features: two)))
    let id = try #require(try field("second"))
    try store.drop(view: "stats")
    try store.rollback(to: kept)
    let other = [Field("value", .int64), Field("third", .int32)]
    try store.apply(Fixture.definitions(Fixture.view(features: other)))
    #expect(try #require(try field("third")) > id)
    // A rollback that takes a view away counts as a drop.
    let whole = try store.snapshot().commit.id
    try store.rollback(to: 0)
    try store.rollback(to: whole)
    let more = other + [Field("fourth", .int32)]
    let before = try #require(try field("third"))
    try store.apply(Fixture.definitions(Fixture.view(features: more)))
    #expect(try #require(try field("fourth")) > before)
  }
}
