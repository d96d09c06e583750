import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys
import Testing

@testable import LarderOffline

/// No plan overlooks what a dead process left, and nothing that it names goes.
///
/// A process that dies between a record's write and its publication leaves a whole record that STATE
/// does not name.
@Suite struct SettlingTests {
  private let options = Fixture.options()

  private func open(
    _ disk: SimulatedFileSystem, _ access: StoreAccess = .readWrite, keep: Duration? = nil
  ) throws -> Store {
    var options = self.options
    if let keep { options.keepSnapshots = keep }
    return try Store.open("/s", access: access, host: disk.host(), options: options)
  }

  /// Rows of keys that nobody has seen; the value is the key, so that a row under another's shows.
  private func strangers(_ keys: Range<Int64>) -> [TestRow] {
    keys.map { TestRow(key: $0, event: $0 * 1_000, created: nil, value: $0) }
  }

  /// Does what a process did that died before it published.
  private func dying(
    _ disk: SimulatedFileSystem, keep: Duration? = nil, _ step: (Store) throws -> Void
  ) throws {
    let page = try StatePage.openForWriting("/s/STATE", disk)
    let before = try #require(page.published)
    let process = disk.anotherProcess()
    try step(try open(process, keep: keep))
    process.kill()
    page.publish(before.word, chain: before.chain)
  }

  /// The next writer may bring as many keys as the dead one, fewer, or more: none of them gets an id
  /// that is another's.
  @Test(arguments: [1, 2, 3, 7]) func givesNoIDTwice(keys: Int64) throws {
    let base = try CrashBase(commits: 2, seed: 61)
    let dead = strangers(1_000..<1_002)
    try dying(base.disk) { try $0.append([Fixture.batch(dead)], to: "stats") }
    let mine = strangers(2_000..<2_000 + keys)
    let writer = try open(base.disk.anotherProcess())
    try writer.append([Fixture.batch(mine)], to: "stats")
    let fresh = try open(base.disk.anotherProcess(), .readOnly)
    for store in [writer, fresh] {
      let snapshot = try store.snapshot()
      #expect(try snapshot.allRows().sorted() == base.rows + dead + mine)
      #expect(try snapshot.verify(deep: true).findings.isEmpty)
    }
  }

  /// What destroys by what STATE says takes the dead process's files, which the next commit names.
  @Test(arguments: ["sweep", "vacuum", "repair", "compact", "forget a stranger"])
  func takesNothingOfAnUnsettledRecord(command: String) throws {
    let base = try CrashBase(commits: 4, seed: 62)
    let dead = strangers(1_000..<1_003)
    try dying(base.disk, keep: .zero) { store in
      try store.append([Fixture.batch(dead)], to: "stats")
      try store.compact(["stats"], CompactionOptions(partitions: ["all"]))
    }
    let writer = try open(base.disk.anotherProcess(), keep: .zero)
    switch command {
    case "sweep": try writer.sweep()
    case "vacuum": try writer.vacuum()
    case "repair": _ = try writer.repair(dryRun: false)
    case "compact": try writer.compact()
    default:
      let schema = try KeySchema([KeyColumn("driver_id", .int64)])
      let tail = withUnsafeBytes(of: Int64(77_777).littleEndian) { Array($0) }
      _ = try writer.eraseKeys(KeySelection(schema, tails: [tail]))
    }
    try writer.tag("next")
    let snapshot = try open(base.disk.anotherProcess(), .readOnly).snapshot()
    #expect(try snapshot.allRows().sorted() == base.rows + dead)
    #expect(try snapshot.verify(deep: true).findings.isEmpty)
  }

  /// A definition that was read before the lock may be another by the time of the commit.
  @Test func refusesRowsOfAnotherDefinition() throws {
    let base = try CrashBase(commits: 1, seed: 63)
    let store = try open(base.disk.anotherProcess())
    try store.apply(
      Fixture.definitions(Fixture.view(features: [Field("value", .int64), Field("x", .int32)])))
    let narrow = try store.snapshot().commit.id
    try store.apply(
      Fixture.definitions(Fixture.view(features: [Field("value", .int64), Field("x", .int64)])))
    let slow = try open(base.disk.anotherProcess()).appender(to: "stats")
    try slow.append(
      try RecordBatch([
        "driver_id": .int64([1]), "event": .timestamp([1]), "created": .timestamp([1]),
        "value": .int64([1]), "x": .int64([.max]),
      ]))
    try store.rollback(to: narrow)
    let head = try store.snapshot().commit
    #expect { try slow.finish() } throws: { ($0 as? LarderError)?.code == .conflict }
    #expect(try store.snapshot().commit == head, "nothing was written")
    #expect(try store.snapshot().verify(deep: true).findings.isEmpty)
  }

  /// STATE put back from a copy hides nothing: not from who has the store open, nor from who opens it.
  @Test func goesBackBehindNothing() throws {
    let base = try CrashBase(commits: 1, seed: 64)
    let page = try StatePage.openForWriting("/s/STATE", base.disk)
    let old = try #require(base.disk.contents(of: "/s/STATE"))
    let writer = try open(base.disk.anotherProcess())
    let rows = [strangers(1_000..<1_002), strangers(1_100..<1_101), strangers(1_200..<1_204)]
    for part in rows { try writer.append([Fixture.batch(part)], to: "stats") }
    let watcher = try open(base.disk.anotherProcess(), .readOnly)
    let all = base.rows + rows.flatMap { $0 }
    #expect(try watcher.snapshot().allRows().sorted() == all)
    try base.disk.open("/s/STATE", .update).write(old, at: 0)
    withExtendedLifetime(page) {}
    #expect(try watcher.snapshot().allRows().sorted() == all)
    #expect(try writer.snapshot().allRows().sorted() == all)
    let fresh = try open(base.disk.anotherProcess(), .readOnly)
    #expect(try fresh.snapshot().allRows().sorted() == all)
    #expect(fresh.unsettledCommits == 3)
    let more = strangers(3_000..<3_002)
    try open(base.disk.anotherProcess()).append([Fixture.batch(more)], to: "stats")
    for store in [watcher, writer, fresh] {
      #expect(try store.snapshot().allRows().sorted() == all + more)
    }
  }

  /// An old STATE does not know what was swept since, so what is gone is no damage.
  ///
  /// Neither to who reads beside it, nor after the next writer settled what it does not name. What is
  /// lost later is damage.
  @Test func takesNoSweepForDamage() throws {
    let base = try CrashBase(commits: 6, seed: 68)
    let old = try #require(base.disk.contents(of: "/s/STATE"))
    let writer = try open(base.disk.anotherProcess(), keep: .zero)
    try writer.compact(["stats"], CompactionOptions(partitions: ["all"]))
    try writer.append([Fixture.batch(strangers(1_000..<1_002))], to: "stats")
    #expect(try writer.sweep().files + base.disk.log.filter { $0.kind == .remove }.count > 0)
    try base.disk.open("/s/STATE", .update).write(old, at: 0)
    func findings(_ access: StoreAccess) throws -> [Finding] {
      try open(base.disk.anotherProcess(), access).snapshot().verify(deep: true).findings
    }
    #expect(try findings(.readOnly).isEmpty)
    try open(base.disk.anotherProcess()).tag("next")
    #expect(try findings(.readOnly).isEmpty)
    #expect(try findings(.readWrite).isEmpty)
    // From here on the page knows again.
    let now = try open(base.disk.anotherProcess())
    try now.append([Fixture.batch(strangers(2_000..<2_002))], to: "stats")
    let segments = base.disk.paths.filter { $0.hasSuffix(".seg") }
    try now.compact(["stats"], CompactionOptions(partitions: ["all"]))
    try base.disk.remove(try #require(segments.last { base.disk.paths.contains($0) }))
    #expect(try !findings(.readOnly).isEmpty)
  }

  /// Every byte of STATE that changes makes it untrusted, or changes nothing: never a finding.
  @Test func trustsNoTornPage() throws {
    let base = try CrashBase(commits: 2, seed: 65)
    let whole = try #require(base.disk.contents(of: "/s/STATE"))
    for position in Array(0..<72) + Array(128..<136) + Array(192..<288) + Array(320..<392) {
      let disk = base.disk
      let file = try disk.open("/s/STATE", .update)
      try file.write([whole[position] ^ 0x41], at: UInt64(position))
      let reader = try open(disk.anotherProcess(), .readOnly)
      #expect(try reader.snapshot().allRows().sorted() == base.rows, "byte \(position)")
      #expect(try reader.snapshot().verify().findings.isEmpty, "byte \(position)")
      try file.write(whole, at: 0)
    }
  }

  /// Where everything is settled, settling costs a look: nothing is locked, written or synced.
  @Test func costsNothingWhereThereIsNothing() throws {
    let base = try CrashBase(commits: 2, seed: 66)
    let process = base.disk.anotherProcess()
    let store = try open(process)
    try store.settle()
    let before = base.disk.log.count
    try store.settle()
    let kinds = base.disk.log[before...].map(\.kind)
    #expect(kinds.count <= 3)
    #expect(!kinds.contains { $0 == .write || $0 == .sync || $0 == .create || $0 == .remove })
  }

  /// A later version's STATE is no word of version 1, and the reverse: each finds the other's page
  /// untrusted and reads the manifest, by which version 1 learns that it is too old.
  @Test func isNoStateOfVersion1() throws {
    let base = try CrashBase(commits: 2, seed: 67)
    let whole = try #require(base.disk.contents(of: "/s/STATE"))
    #expect(whole[64..<72].allSatisfy { $0 == 0 }, "where version 1 has its word")
    #expect(whole[..<8] != [0x89, 0x4C, 0x53, 0x54, 0x0D, 0x0A, 0x1A, 0x0A])
    let path = try #require(base.disk.paths.last { $0.contains("/manifest-") })
    let head = try #require(base.disk.contents(of: path)).prefix(64)
    #expect(head[8] == 2 && head[9] == 0, "the format that version 1 refuses")
    // A page of version 1 whose every field fits.
    var old = whole
    old.replaceSubrange(0..<8, with: [0x89, 0x4C, 0x53, 0x54, 0x0D, 0x0A, 0x1A, 0x0A])
    let magic: UInt64 = 0x0A1A_0A0D_5453_4C89
    withUnsafeBytes(of: XXH3.hash64(Array(old[..<56]), seed: magic).littleEndian) {
      old.replaceSubrange(56..<64, with: $0)
    }
    withUnsafeBytes(of: (UInt64(1) << 32 | 4_096).littleEndian) {
      old.replaceSubrange(64..<72, with: $0)
    }
    try base.disk.open("/s/STATE", .update).write(old, at: 0)
    let reader = try open(base.disk.anotherProcess(), .readOnly)
    #expect(try reader.snapshot().allRows().sorted() == base.rows)
    let rows = strangers(1_000..<1_002)
    try open(base.disk.anotherProcess()).append([Fixture.batch(rows)], to: "stats")
    #expect(try reader.snapshot().allRows().sorted() == base.rows + rows)
  }
}
