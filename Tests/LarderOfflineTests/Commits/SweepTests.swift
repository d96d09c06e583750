import LarderColumns
import LarderContract
import LarderFiles
import Synchronization
import Testing

@testable import LarderOffline

@Suite struct SweepTests {
  private func options(keep: Duration) -> StoreOptions {
    var options = Fixture.options()
    options.keepSnapshots = keep
    return options
  }

  private func segments(_ disk: SimulatedFileSystem) -> Int {
    disk.paths.filter { $0.hasSuffix(".seg") }.count
  }

  @Test func keepsWhatSnapshotsName() throws {
    let disk = SimulatedFileSystem(seed: 41)
    let store = try Store.open(
      "/s", access: .create, host: disk.host(), options: options(keep: .zero))
    try store.apply(Fixture.definitions(Fixture.view()))
    var rows: [TestRow] = []
    for commit in 0..<8 {
      let batch = Fixture.rows(3, from: Int64(commit) * 10)
      rows += batch
      try store.append([Fixture.batch(batch)], to: "stats")
    }
    let other = try Store.open(
      "/s", access: .readOnly, host: disk.anotherProcess().host(), options: options(keep: .zero))
    var pinned: Snapshot? = try other.snapshot()
    let id = try #require(pinned?.commit.id)
    #expect(segments(disk) == 8)
    try store.fold()
    try store.sweep()
    #expect(segments(disk) == 9, "a pin of another process keeps the old segments")
    #expect(try #require(pinned).allRows().sorted() == rows)
    // Another query of the same snapshot, whose segments are no longer open.
    let again = try Store.open(
      "/s", access: .readOnly, host: disk.anotherProcess().host(), options: options(keep: .zero))
    #expect(try again.snapshot().allRows().sorted() == rows)
    pinned = nil
    _ = pinned
    #expect(try store.sweep().files == 8)
    #expect(segments(disk) == 1)
    #expect(try store.snapshot().allRows().sorted() == rows)
    #expect { try store.snapshot(at: id) } throws: { ($0 as? LarderError)?.code == .notFound }
    #expect { try other.snapshot(at: id) } throws: { ($0 as? LarderError)?.code == .notFound }
  }

  @Test func keepsSnapshotsForATime() throws {
    let disk = SimulatedFileSystem(seed: 42)
    let clock = Mutex<Int64>(1_700_000_000_000_000)
    var host = disk.host()
    host.now = { clock.withLock { $0 } }
    let store = try Store.open(
      "/s", access: .create, host: host, options: options(keep: .seconds(3_600)))
    try store.apply(Fixture.definitions(Fixture.view()))
    var commits: [Commit] = []
    for index in 0..<6 {
      commits.append(
        try store.append([Fixture.batch(Fixture.rows(2, from: Int64(index) * 5))], to: "stats"))
      clock.withLock { $0 += 1_200_000_000 }
    }
    try store.replace([], in: "stats")
    #expect(try store.snapshot().allRows().isEmpty)
    #expect(try store.snapshot(at: commits[5].id).allRows().count == 12)
    try store.sweep()
    #expect(segments(disk) == 6, "a snapshot of the last hour names all")
    #expect { try store.snapshot(at: commits[0].id) } throws: {
      ($0 as? LarderError)?.code == .notFound
    }
    clock.withLock { $0 += 3_700_000_000 }
    try store.sweep()
    #expect(segments(disk) == 0)
  }

  /// A sweep of another process at any moment of an append, a fold or a replacement takes nothing
  /// that is in flight or just committed.
  @Test(arguments: [Step.append(3), .introduce(2), .replace(3), .fold])
  func passesOverFilesInFlight(_ step: Step) throws {
    let base = try CrashBase(commits: 8, seed: 43, options: options(keep: .zero))
    let disk = base.disk
    let watcher = WatchedFileSystem.Watcher()
    let run = StepRun(
      disk.anotherProcess(), rows: base.rows, options: base.options,
      files: { WatchedFileSystem(base: $0, watcher: watcher) })
    let sweeper = try Store.open(
      "/s", access: .readWrite, host: disk.anotherProcess().host(start: 1_700_003_000_000_000),
      options: base.options)
    #expect(try sweeper.sweep().files == 0)
    let failures = Mutex<[String]>([])
    let taken = Atomic(0)
    watcher.arm { operation, path in
      // Not every file between its making and its locking, or there is no end to it.
      if operation == "created", taken.wrappingAdd(1, ordering: .relaxed).oldValue > 2 { return }
      do { try sweeper.sweep() } catch {
        // Between the record and its publication a sweep waits: what it would remove may be named.
        let isCommit = operation == "sync" && path.contains("/manifest-")
        if isCommit, (error as? LarderError)?.code == .locked { return }
        failures.withLock { $0.append("\(operation) \(path): \(error)") }
      }
    }
    try run.perform(step)
    watcher.disarm()
    #expect(failures.withLock { $0 } == [])
    try checkAfterCrash(
      disk.crash(seed: 1, .nothing), allowed: [run.acknowledged], options: base.options)
  }

  @Test func removesWhatCrashesLeft() throws {
    let base = try CrashBase(commits: 2, seed: 44)
    let process = base.disk.anotherProcess()
    let run = StepRun(process, rows: base.rows, options: base.options)
    // Killed before the manifest's record is written: the segment is there, and nobody's.
    let whole = base.machine(seed: 1)
    let dry = StepRun(whole, rows: base.rows, options: base.options)
    try dry.perform(.append(3))
    let operation = try #require(
      whole.log.last { $0.kind == .write && $0.path.contains("manifest-") })
    let disk = base.machine(seed: 1)
    disk.killAtOperation(operation.number)
    let killed = StepRun(disk, rows: base.rows, options: base.options)
    do { try killed.perform(.append(3)) } catch {}
    _ = run
    #expect(segments(disk) == 3)
    let store = try Store.open(
      "/s", access: .readWrite, host: disk.anotherProcess().host(), options: base.options)
    try store.append([Fixture.batch(Fixture.rows(1, from: 900))], to: "stats")
    #expect(segments(disk) == 3)
  }

  @Test func dropsAView() throws {
    let disk = SimulatedFileSystem(seed: 45)
    let store = try Store.open(
      "/s", access: .create, host: disk.host(), options: options(keep: .zero))
    try store.apply(Fixture.definitions(Fixture.view(), Fixture.view("other")))
    try store.append([Fixture.batch(Fixture.rows(3, from: 0))], to: "stats")
    try store.append([Fixture.batch(Fixture.rows(2, from: 10))], to: "other")
    let dropped = try store.drop(view: "stats")
    #expect(dropped.changes.map(\.kind) == [.droppedView])
    #expect(disk.paths.filter { $0.contains("/v1/") }.isEmpty)
    #expect(try store.snapshot().allRows("other").count == 2)
    try store.apply(Fixture.definitions(Fixture.view()))
    let view = try #require(try store.snapshot().catalog.view(named: "stats"))
    #expect(view.id == 3)
    #expect(try store.snapshot().allRows().isEmpty)
    try store.append([Fixture.batch(Fixture.rows(1, from: 20))], to: "stats")
    #expect(try store.snapshot().allRows() == Fixture.rows(1, from: 20))
  }
}
