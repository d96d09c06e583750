import LarderColumns
import LarderContract
import LarderFiles
import Synchronization
import Testing

@testable import LarderOffline

/// Who sees what, and when: STATE, adoption, poison, copies, reboots.
@Suite struct VisibilityTests {
  private let options = Fixture.options()

  private func open(
    _ disk: SimulatedFileSystem, _ access: StoreAccess = .readWrite, at path: String = "/s"
  ) throws -> Store {
    try Store.open(path, access: access, host: disk.host(), options: options)
  }

  private func manifests(_ disk: SimulatedFileSystem) -> [String] {
    disk.paths.filter { $0.hasPrefix("/s/manifest-") }
  }

  /// A word that names less than there is: the record behind it was synced, and never published.
  @Test func adoptsAWholeRecordBeyondTheWord() throws {
    let base = try CrashBase(commits: 2, seed: 31)
    let page = try StatePage.openForWriting("/s/STATE", base.disk)
    let before = try #require(page.published)
    let writer = try open(base.disk.anotherProcess())
    let rows = Fixture.rows(3, from: 500)
    try writer.append([Fixture.batch(rows)], to: "stats")
    // Who had the store open goes on by what was published.
    let old = try open(base.disk.anotherProcess(), .readOnly)
    page.publish(before.word, chain: before.chain)
    #expect(try old.snapshot().allRows().sorted() == base.rows + rows, "it saw the commit")
    // Who opens it now is shown what the next writer will make history of.
    let reader = try open(base.disk.anotherProcess(), .readOnly)
    #expect(try reader.snapshot().allRows().sorted() == base.rows + rows)
    #expect(reader.unsettledCommits == 1)
    let count = manifests(base.disk).count
    let next = try open(base.disk.anotherProcess())
    let more = Fixture.rows(2, from: 700)
    try next.append([Fixture.batch(more)], to: "stats")
    #expect(manifests(base.disk).count == count + 1, "it was adopted through a new file")
    #expect(try reader.snapshot().allRows().sorted() == base.rows + rows + more)
    #expect(reader.unsettledCommits == 0)
  }

  /// Readers of another process never see a commit before it is synced, nor after the reboot that
  /// made STATE stale.
  @Test(arguments: [false, true]) func showsNothingUnsynced(afterReboot: Bool) throws {
    let base = try CrashBase(commits: 2, seed: 32)
    let disk = afterReboot ? base.machine(seed: 3) : base.disk
    let watcher = WatchedFileSystem.Watcher()
    var host = disk.anotherProcess().host()
    host.files = WatchedFileSystem(base: host.files, watcher: watcher)
    let writer = try Store.open("/s", access: .readWrite, host: host, options: options)
    let reader = try open(disk.anotherProcess(), .readOnly)
    let seen = Mutex<[String]>([])
    let expected = base.rows
    let fresh = disk.anotherProcess()
    let options = self.options
    watcher.arm { operation, path in
      do {
        let old = try reader.snapshot().allRows().sorted()
        let new = try Store.open("/s", access: .readOnly, host: fresh.host(), options: options)
          .snapshot().allRows().sorted()
        if old != expected || new != expected {
          seen.withLock { $0.append("\(operation) \(path): \(old.count) and \(new.count) rows") }
        }
      } catch {
        seen.withLock { $0.append("\(operation) \(path): \(error)") }
      }
    }
    let rows = Fixture.rows(3, from: 500)
    try writer.append([Fixture.batch(rows)], to: "stats")
    watcher.disarm()
    #expect(seen.withLock { $0 } == [])
    #expect(try reader.snapshot().allRows().sorted() == expected + rows)
  }

  /// A failed sync is not tried again on the same file, not even by the next process.
  @Test func poisonOutlivesItsProcess() throws {
    let base = try CrashBase(commits: 2, seed: 33)
    let disk = base.machine(seed: 4)
    let first = disk.anotherProcess()
    let writer = try open(first)
    try writer.append([Fixture.batch(Fixture.rows(2, from: 300))], to: "stats")
    let file = try #require(manifests(disk).last)
    // The next sync of the manifest is the one of the commit's record.
    var poisoned = false
    for ahead in 1..<40 where !poisoned {
      disk.removeFaults()
      disk.inject(SimulatedFault(.lostSync, at: disk.operations + ahead))
      do {
        try writer.append([Fixture.batch(Fixture.rows(2, from: 400))], to: "stats")
      } catch {
        poisoned = error.code == .outcomeUnknown
      }
    }
    disk.removeFaults()
    #expect(poisoned)
    #expect {
      try writer.append([Fixture.batch(Fixture.rows(1, from: 450))], to: "stats")
    } throws: {
      ($0 as? LarderError)?.code == .poisoned
    }
    first.kill()
    let bytes = disk.contents(of: file)
    let next = try open(disk.anotherProcess())
    try next.append([Fixture.batch(Fixture.rows(2, from: 600))], to: "stats")
    #expect(disk.contents(of: file) == bytes || disk.contents(of: file) == nil)
    #expect(try #require(manifests(disk).last) != file)
  }

  /// `cp -r` in the same boot: the copy's STATE speaks of another file, and both go on apart.
  @Test func copiesGoTheirOwnWays() throws {
    let base = try CrashBase(commits: 3, seed: 34)
    let disk = base.disk
    func copy(_ from: String, _ to: String) throws {
      try disk.makeDirectory(to)
      for name in try disk.names(in: from) {
        let status = try #require(try disk.status(of: "\(from)/\(name)"))
        if status.kind == .directory {
          try copy("\(from)/\(name)", "\(to)/\(name)")
        } else {
          let bytes = try #require(disk.contents(of: "\(from)/\(name)"))
          try disk.open("\(to)/\(name)", .create).write(bytes, at: 0)
        }
      }
    }
    try copy("/s", "/t")
    // The original goes on; its STATE must not speak for the copy.
    let one = try open(disk.anotherProcess())
    let rows = Fixture.rows(2, from: 800)
    try one.append([Fixture.batch(rows)], to: "stats")
    #expect(
      try open(disk.anotherProcess(), .readOnly, at: "/t").snapshot().allRows().sorted()
        == base.rows)
    let two = try open(disk.anotherProcess(), at: "/t")
    let others = Fixture.rows(4, from: 900)
    try two.append([Fixture.batch(others)], to: "stats")
    #expect(try two.snapshot().allRows().sorted() == base.rows + others)
    #expect(try one.snapshot().allRows().sorted() == base.rows + rows)
  }

  /// A torn record is gone for good: what is shorter and comes after it leaves nothing of it behind.
  @Test func clearsATornTail() throws {
    let base = try CrashBase(commits: 2, seed: 35)
    let file = try #require(manifests(base.disk).last)
    let page = try StatePage.openForWriting("/s/STATE", base.disk)
    let end = try #require(page.published).word.length
    let torn = (0..<9_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) }
    try base.disk.open(file, .update).write(torn, at: end)
    let rows = Fixture.rows(1, from: 500)
    let writer = try open(base.disk.anotherProcess())
    #expect(try writer.snapshot().allRows().sorted() == base.rows)
    try writer.append([Fixture.batch(rows)], to: "stats")
    let bytes = try #require(base.disk.contents(of: file))
    #expect(!bytes.suffix(from: Int(end) + 4_096).contains { $0 != 0 })
    #expect(
      try open(base.disk.anotherProcess(), .readOnly).snapshot().allRows().sorted()
        == base.rows + rows)
  }

  /// Every damaged byte of the manifest is found, or changes nothing; no record is lost silently.
  @Test func refusesADamagedManifest() throws {
    let base = try CrashBase(commits: 3, seed: 36)
    let file = try #require(manifests(base.disk).last)
    let whole = try #require(base.disk.contents(of: file))
    let end = Int(
      try #require(try StatePage.openForWriting("/s/STATE", base.disk).published).word.length)
    var refused = 0
    for position in stride(from: 0, to: end, by: 37) {
      let disk = base.machine(seed: 9)
      try disk.open(file, .update).write([whole[position] ^ 0x40], at: UInt64(position))
      do {
        let rows = try open(disk, .readOnly).snapshot().allRows().sorted()
        // Only the last record may look like a torn tail, once a reboot has made STATE void.
        #expect(rows == base.rows || rows == Array(base.rows.dropLast(4)), "byte \(position)")
        if rows != base.rows { #expect(position >= end - 4_096, "byte \(position)") }
      } catch let error as LarderError {
        refused += 1
        #expect(error.code == .corrupt || error.code == .unsupportedVersion, "\(error)")
      }
    }
    #expect(refused > 200)
    // In the boot that wrote it, STATE knows better than to take the last record for torn.
    try base.disk.open(file, .update).write([whole[end - 1] ^ 1], at: UInt64(end - 1))
    #expect { try open(base.disk.anotherProcess(), .readOnly).snapshot() } throws: {
      ($0 as? LarderError)?.code == .corrupt
    }
  }
}
