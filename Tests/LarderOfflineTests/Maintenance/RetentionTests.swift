import LarderColumns
import LarderContract
import LarderFiles
import TestSupport
import Testing

@testable import LarderOffline

/// Snapshots, tags, rollback, vacuum and expiry.
@Suite struct RetentionTests {
  private let day: Int64 = 86_400_000_000

  private func makeStore(
    keep: Duration = .seconds(3_600), records: Int = 1_000
  ) throws -> (SimulatedFileSystem, Store) {
    let disk = SimulatedFileSystem(seed: 17)
    var options = Fixture.options()
    options.keepSnapshots = keep
    options.manifestRecords = records
    let store = try Store.open(
      "/s", access: .create, host: disk.host(start: 1_700_000_000_000_000), options: options)
    try store.apply(Fixture.definitions(Fixture.view()))
    return (disk, store)
  }

  private func reopen(_ disk: SimulatedFileSystem, _ store: Store) throws -> Store {
    try Store.open(
      "/s", access: .readWrite, host: disk.anotherProcess().host(start: 1_700_000_500_000_000),
      options: store.options)
  }

  @Test func tagsKeepSnapshotsThroughEverything() throws {
    let (disk, store) = try makeStore(keep: .zero, records: 3)
    let early = Fixture.rows(4, from: 0)
    let first = try store.append([Fixture.batch(early)], to: "stats")
    #expect(try store.tag("release") == first)
    var all = early
    for commit in 1..<12 {
      let more = Fixture.rows(3, from: Int64(commit) * 10)
      all += more
      try store.append([Fixture.batch(more)], to: "stats")
    }
    try store.compact()
    try store.vacuum()
    #expect(try store.snapshot(tagged: "release").allRows().sorted() == early)
    #expect(try store.snapshot(at: first.id).allRows().sorted() == early)
    // Also after a reboot, when STATE is not to be believed.
    let crashed = disk.crash(seed: 3, .everything)
    let again = try Store.open(
      "/s", access: .readWrite, host: crashed.host(start: 1_700_001_000_000_000),
      options: store.options)
    #expect(try again.snapshot(tagged: "release").allRows().sorted() == early)
    #expect(try again.snapshot().allRows().sorted() == all)
    try again.vacuum()
    #expect(try again.snapshot(at: first.id).allRows().sorted() == early)
    let listed = try again.snapshots()
    #expect(listed.first { $0.commit.id == first.id }?.tags == ["release"])
    #expect(listed.last?.isHead == true)
    let refusal = #expect(throws: LarderError.self) { try again.snapshot(at: first.id + 2) }
    #expect(refusal?.code == .notFound)
    #expect(refusal?.message.contains("\(first.id) (tagged \"release\")") == true)
    // Without the tag it goes, and its space comes back.
    let before = crashed.paths.filter { $0.hasSuffix(".seg") }.count
    try again.removeTag("release")
    try again.vacuum()
    #expect(crashed.paths.filter { $0.hasSuffix(".seg") }.count == before - 1)
    #expect(throws: LarderError.self) { try again.snapshot(at: first.id) }
    #expect(throws: LarderError.self) { try again.snapshot(tagged: "release") }
  }

  @Test func refusesTagsThatAreNone() throws {
    let (_, store) = try makeStore()
    for name in ["", "12", "a b", "a@b", "a\n", String(repeating: "x", count: 256)] {
      #expect(throws: LarderError.self, "\(name)") { try store.tag(name) }
    }
    #expect(throws: LarderError.self) { try store.tag("future", at: 99) }
    #expect(throws: LarderError.self) { try store.removeTag("none") }
    try store.tag(String(repeating: "x", count: 255))
    #expect(try store.snapshots().last?.isHead == true)
  }

  @Test func rollsBackAndForth() throws {
    let (disk, store) = try makeStore(records: 4)
    let early = Fixture.rows(4, from: 0)
    let first = try store.append([Fixture.batch(early)], to: "stats")
    var all = early
    for commit in 1..<6 {
      let more = Fixture.rows(3, from: Int64(commit) * 10)
      all += more
      try store.append([Fixture.batch(more)], to: "stats")
    }
    try store.compact()
    let late = try store.snapshot().commit
    let told = try store.rollback(to: first.id, dryRun: true)
    #expect(told.commit == nil && told.views.map(\.rowsAfter) == [4])
    #expect(try store.snapshot().commit == late)
    let report = try store.rollback(to: first.id)
    #expect(report.from == late && report.to == first)
    #expect(report.views == [.init(name: "stats", rowsBefore: 19, rowsAfter: 4)])
    #expect(try store.snapshot().allRows().sorted() == early)
    try store.snapshot().checkInvariants()
    // Both sides of it can be looked at, and it can be taken back.
    #expect(try store.snapshot(at: late.id).allRows().sorted() == all)
    let more = Fixture.rows(2, from: 500)
    try store.append([Fixture.batch(more)], to: "stats")
    #expect(try store.snapshot().allRows().sorted() == early + more)
    try store.rollback(to: late.id)
    #expect(try store.snapshot().allRows().sorted() == all)
    #expect(try store.rollback(to: try store.snapshot().commit.id).commit == nil)
    let other = try reopen(disk, store)
    #expect(try other.snapshot().allRows().sorted() == all)
    try other.vacuum()
    #expect(try other.snapshot().allRows().sorted() == all)
    try other.snapshot().checkInvariants()
    #expect(throws: LarderError.self) { try other.rollback(to: first.id) }
  }

  /// Ids that were given out stay given out when definitions go back.
  @Test func rollsDefinitionsBack() throws {
    let (_, store) = try makeStore()
    try store.append([Fixture.batch(Fixture.rows(3, from: 0))], to: "stats")
    let first = try store.snapshot().commit
    try store.apply(
      Fixture.definitions(
        Fixture.view(features: [Field("value", .int64), Field("extra", .string)]),
        Fixture.view("second")))
    try store.append([Fixture.batch(Fixture.rows(3, from: 10))], to: "second")
    let before = try store.snapshot().catalog
    let report = try store.rollback(to: first.id)
    #expect(report.views.map(\.name).sorted() == ["second", "stats"])
    let catalog = try store.snapshot().catalog
    #expect(catalog.views.map(\.name) == ["stats"])
    #expect(catalog.views[0].fields.map(\.name) == ["value"])
    #expect(catalog.nextView == before.nextView)
    #expect(catalog.views[0].nextField == before.view(named: "stats")?.nextField)
    try store.apply(Fixture.definitions(Fixture.view("second")))
    #expect(try store.snapshot().catalog.view(named: "second")?.id == 3)
    #expect(try store.snapshot().allRows("second").isEmpty)
  }

  @Test func vacuumGivesSpaceBackButNotWhatIsRead() throws {
    let (disk, store) = try makeStore()
    for commit in 0..<6 {
      try store.append([Fixture.batch(Fixture.rows(4, from: Int64(commit) * 10))], to: "stats")
    }
    let pinned = try store.snapshot()
    let rows = try pinned.allRows().sorted()
    try store.compact()
    func segments() -> Int { disk.paths.filter { $0.hasSuffix(".seg") }.count }
    #expect(segments() == 7)
    let kept = try store.vacuum(keeping: .seconds(86_400))
    #expect(kept.bytesReturned == 0 && segments() == 7)
    let told = try store.vacuum(dryRun: true)
    #expect(told.isDryRun && told.filesRemoved == 0 && told.bytesWaiting > 0)
    let held = try store.vacuum()
    #expect(held.bytesReturned == 0 && held.bytesWaiting > 0 && held.waitingUntil == nil)
    #expect(try pinned.allRows().sorted() == rows)
    withExtendedLifetime(pinned) {}
    #expect(segments() == 7)
  }

  @Test func vacuumTellsWhatItWillDo() throws {
    let (disk, store) = try makeStore()
    for commit in 0..<6 {
      try store.append([Fixture.batch(Fixture.rows(4, from: Int64(commit) * 10))], to: "stats")
    }
    let first = try store.snapshots()[0].commit
    try store.compact()
    let told = try store.vacuum(dryRun: true)
    let done = try store.vacuum()
    #expect(told.filesRemoved == 6 && done.filesRemoved == 6)
    #expect(told.bytesReturned == done.bytesReturned && done.bytesWaiting == 0)
    #expect(disk.paths.filter { $0.hasSuffix(".seg") }.count == 1)
    let error = #expect(throws: LarderError.self) { try store.snapshot(at: first.id) }
    #expect(error?.code == .notFound)
    #expect(try store.snapshots().map(\.isHead) == [true])
  }

  private func row(_ value: Int64, day: Int64, from start: Int64) -> TestRow {
    TestRow(key: value % 3, event: start + day * self.day, created: nil, value: value)
  }

  @Test(arguments: [false, true]) func expiresByAge(_ compacts: Bool) throws {
    let (_, store) = try makeStore()
    // A hundred days up to a month before the clock, and one row far ahead of it.
    let start: Int64 = 1_688_000_000_000_000
    var rows = (0..<100).map { row($0, day: $0, from: start) }
    for part in 0..<4 {
      try store.append([Fixture.batch(Array(rows[part * 25..<part * 25 + 25]))], to: "stats")
    }
    let future = row(999, day: 40_000, from: start)
    try store.append([Fixture.batch([future])], to: "stats")
    if compacts { try store.compact([], CompactionOptions(partitions: ["all"])) }
    let before = try store.snapshot()
    let told = try store.expire("stats", olderThan: .seconds(40 * 86_400), dryRun: true)
    #expect(told.reference == Timestamp(microseconds: start + 99 * day))
    #expect(told.cutoff == Timestamp(microseconds: start + 59 * day))
    #expect(told.rows == 59 && told.rowsLeft == 42 && told.commit == nil)
    let report = try store.expire("stats", olderThan: .seconds(40 * 86_400))
    #expect(report.rows == 59)
    #expect(try store.snapshot().commit == report.commit)
    rows.removeFirst(59)
    #expect(try store.snapshot().allRows().sorted() == rows + [future])
    try store.snapshot().checkInvariants()
    #expect(try before.allRows().count == 101)
    // What comes late is seen until the next time.
    let late = row(1_000, day: 2, from: start)
    try store.append([Fixture.batch([late])], to: "stats")
    #expect(try store.snapshot().allRows().count == 43)
    let again = try store.expire("stats", olderThan: .seconds(40 * 86_400))
    #expect(again.rows == 1)
    #expect(try store.expire("stats", olderThan: .seconds(40 * 86_400)).commit == nil)
    #expect(throws: LarderError.self) { try store.expire("stats", olderThan: .seconds(-1)) }
    #expect(throws: LarderError.self) { try store.expire("none", olderThan: .zero) }
    // Everything but the newest moment.
    #expect(try store.expire("stats", olderThan: .zero).rowsLeft == 2)
  }

  /// The same query at the same commit gives the same bytes, whatever was done since.
  @Test func aSnapshotNeverChanges() throws {
    let (_, store) = try makeStore()
    var wanted: [(UInt64, [TestRow])] = []
    for commit in 0..<10 {
      try store.append([Fixture.batch(Fixture.rows(5, from: Int64(commit) * 10))], to: "stats")
      let snapshot = try store.snapshot()
      wanted.append((snapshot.commit.id, try snapshot.allRows()))
      switch commit {
      case 3: try store.compact()
      case 5: try store.expire("stats", olderThan: .seconds(20))
      case 7: try store.rollback(to: wanted[4].0)
      case 8: try store.fold()
      default: break
      }
      for (id, rows) in wanted {
        #expect(try store.snapshot(at: id).allRows() == rows, "commit \(id) after \(commit)")
      }
    }
  }

  /// After a reboot STATE no longer says what was swept; what nobody held is not missed.
  @Test func whatWasVacuumedIsNotMissedAfterAReboot() throws {
    let base = try CrashBase(commits: 9, seed: 41)
    let host = base.disk.anotherProcess().host(start: 1_700_001_000_000_000)
    let store = try Store.open("/s", access: .readWrite, host: host, options: base.options)
    try store.tag("kept", at: 3)
    try store.fold()
    try store.vacuum()
    #expect(try store.snapshot().verify().findings.isEmpty)
    let machine = base.disk.crash(seed: 3, .everything)
    let writer = try Store.open(
      "/s", access: .readWrite, host: machine.host(start: 1_700_001_100_000_000),
      options: base.options)
    // A commit, and no sweep after it: that process is killed.
    try writer.tag("again")
    let reader = try Store.open(
      "/s", access: .readOnly,
      host: machine.anotherProcess().host(start: 1_700_001_200_000_000), options: base.options)
    #expect(try reader.snapshot().verify().findings.isEmpty)
    // What a tag holds is missed.
    let held = try #require(try writer.snapshot(at: 3).segments.values.joined().first)
    try machine.remove(writer.layout.segment(held))
    let findings = try reader.snapshot().verify().findings
    #expect(findings.contains { $0.error.code == .notFound }, "\(findings)")
  }

  /// A segment outlives the snapshot it came with, and the manifest file of that, under a tag.
  @Test func erasureReachesSegmentsOfTaggedSnapshots() throws {
    let (disk, store) = try makeStore(records: 3)
    var rows: [TestRow] = []
    for commit in 0..<4 {
      let batch = Fixture.rows(5, from: Int64(commit) * 10)
      rows += batch
      try store.append([Fixture.batch(batch)], to: "stats")
    }
    try store.tag("kept")
    let first = try #require(disk.paths.first { $0.contains("/manifest-") })
    try store.compact([], CompactionOptions(partitions: ["all"]))
    for commit in 4..<9 {
      try store.append([Fixture.batch(Fixture.rows(2, from: Int64(commit) * 10))], to: "stats")
    }
    try store.vacuum()
    #expect(!disk.paths.contains(first), "the first manifest file is still there")
    #expect(try store.snapshot(tagged: "kept").allRows().count == rows.count)
    try store.forget(2)
    let kept = try store.snapshot(tagged: "kept")
    let left = rows.filter { $0.key != 2 }
    #expect(left.count < rows.count)
    #expect(try kept.allRows().sorted() == left.sorted())
    #expect(kept.segments.values.joined().reduce(0) { $0 + $1.rows } == left.count)
    // Every file that is left is one that a snapshot names.
    let named = try Set(
      (Array(kept.segments.values.joined()) + store.snapshot().segments.values.joined())
        .map(store.layout.segment))
    #expect(Set(disk.paths.filter { $0.hasSuffix(".seg") }) == named)
  }
}
