import LarderColumns
import LarderContract
import LarderFiles
import Synchronization
import Testing

@testable import LarderOffline

/// The crash and fault tests can fail: each break of the protocol is noticed by one of them.
@Suite struct MutantTests {
  @Test(arguments: Mutation.allCases) func isNoticed(_ mutation: Mutation) throws {
    let finding = try notice { MutantFileSystem(base: $0, mutation: mutation) }
    #expect(finding != nil, "\(mutation) was not noticed")
    print("mutant \(mutation): \(finding ?? "NOT NOTICED")")
  }

  @Test func theProtocolItselfIsNot() throws {
    #expect(try notice { $0 } == nil)
  }

  /// Runs short searches until one finds something.
  private func notice(_ files: (any FileSystem) -> any FileSystem) throws -> String? {
    if let found = try oldState(files) { return found }
    if let found = try race(files) { return found }
    if let found = crashFirstCommits(files) { return found }
    if let found = try crashTwice(files) { return found }
    if let found = try crash([.append(3), .introduce(2)], files) { return found }
    for kind in [SimulatedFault.Kind.lostSync, .noSpace, .io] {
      if let found = try fail([.append(3), .introduce(2)], kind, files) { return found }
    }
    return nil
  }

  private func crash(
    _ steps: [Step], _ files: (any FileSystem) -> any FileSystem
  ) throws -> String? {
    let base = try CrashBase(commits: 2, seed: 51)
    let whole = base.machine(seed: 77)
    let dry = StepRun(whole, rows: base.rows, options: base.options, files: files)
    do { for step in steps { try dry.perform(step) } } catch { return "without a crash: \(error)" }
    let changes = whole.log.filter(\.kind.isChange).map(\.number)
    for number in changes + [whole.operations + 1] {
      let disk = base.machine(seed: 77)
      disk.crashAtOperation(number)
      let run = StepRun(disk, rows: base.rows, options: base.options, files: files)
      do { for step in steps { try run.perform(step) } } catch {}
      for (seed, survival) in CrashTests.survivals {
        let after = disk.crash(seed: seed &+ UInt64(number) &* 16, survival)
        do {
          try checkAfterCrash(
            after, allowed: [run.acknowledged] + run.pending, options: base.options, files: files)
        } catch { return "crash \(number) of \(steps): \(error)" }
      }
    }
    return nil
  }

  /// The first commits of a store, whose folders are new.
  private func crashFirstCommits(_ files: (any FileSystem) -> any FileSystem) -> String? {
    func perform(_ disk: SimulatedFileSystem, _ done: inout Bool) throws {
      var host = disk.host()
      host.files = files(host.files)
      let store = try Store.open("/s", access: .create, host: host, options: Fixture.options())
      try store.apply(Fixture.definitions(Fixture.view()))
      try store.append([Fixture.batch(Fixture.rows(3, from: 0))], to: "stats")
      done = true
    }
    let disk = SimulatedFileSystem(seed: 52)
    var done = false
    do {
      try perform(disk, &done)
      for (seed, survival) in CrashTests.survivals {
        try checkAfterCrash(
          disk.crash(seed: seed, survival), allowed: [Fixture.rows(3, from: 0)],
          options: Fixture.options(), files: files)
      }
    } catch { return "the first commits: \(error)" }
    return nil
  }

  /// A crash in an append, then an append that crashes too: what the first left must not surface.
  private func crashTwice(_ files: (any FileSystem) -> any FileSystem) throws -> String? {
    let base = try CrashBase(commits: 2, seed: 53)
    let file = try #require(base.disk.paths.last { $0.contains("/manifest-") })
    let disk = base.disk
    let end = try #require(try StatePage.openForWriting("/s/STATE", disk).published).word.length
    // A torn record of three blocks, and then one that needs a single block.
    let garbage = [UInt8](repeating: 0x5A, count: 3 * 4_096)
    try disk.open(file, .update).write(garbage, at: end)
    let run = StepRun(disk.anotherProcess(), rows: base.rows, options: base.options, files: files)
    do { try run.perform(.append(1)) } catch { return "torn tail: \(error)" }
    let left = try #require(disk.contents(of: file))
    let rest = left.suffix(from: min(left.count, Int(end) + 4_096))
    return rest.contains { $0 != 0 } ? "a torn tail was left behind" : nil
  }

  private func fail(
    _ steps: [Step], _ kind: SimulatedFault.Kind, _ files: (any FileSystem) -> any FileSystem
  ) throws -> String? {
    let base = try CrashBase(commits: 2, seed: 54)
    let whole = base.machine(seed: 77)
    let dry = StepRun(whole, rows: base.rows, options: base.options, files: files)
    for step in steps { try dry.perform(step) }
    for operation in whole.log where kind.applies(to: operation.kind) {
      for isSticky in [false, true] {
        let disk = base.machine(seed: 77)
        disk.inject(SimulatedFault(kind, at: operation.number, isSticky: isSticky))
        let run = StepRun(disk, rows: base.rows, options: base.options, files: files)
        do { for step in steps { try run.perform(step) } } catch let error as LarderError {
          run.stepFailed(error)
          if kind == .io, [.notFound, .notAStore].contains(error.code) {
            return "a failure at \(operation) was taken for a missing file"
          }
        }
        disk.removeFaults()
        disk.evictCleanPages()
        do {
          try checkAfterCrash(
            disk.crash(seed: 5, .nothing), allowed: [run.acknowledged] + run.pending,
            options: base.options, files: files)
        } catch { return "\(kind) at \(operation), sticky \(isSticky): \(error)" }
      }
    }
    return nil
  }

  /// Sweeps and pins of other processes in the midst of a rewrite.
  private func race(_ files: (any FileSystem) -> any FileSystem) throws -> String? {
    var options = Fixture.options()
    options.keepSnapshots = .zero
    let base = try CrashBase(commits: 8, seed: 55, options: options)
    let disk = base.disk
    var start: Int64 = 1_700_003_000_000_000
    func open(_ access: StoreAccess) throws -> Store {
      start += 1_000_000_000
      var host = disk.anotherProcess().host(start: start)
      host.files = files(host.files)
      return try Store.open("/s", access: access, host: host, options: options)
    }
    let watcher = WatchedFileSystem.Watcher()
    let run = StepRun(
      disk.anotherProcess(), rows: base.rows, options: options,
      files: { WatchedFileSystem(base: files($0), watcher: watcher) })
    do {
      let pinned = try open(.readOnly).snapshot()
      options.lockTimeout = .zero
      let sweeper = try open(.readWrite)
      let other = Mutex<[TestRow]>([])
      watcher.arm { operation, _ in
        if operation == "created" { return }
        do {
          try sweeper.sweep()
          let count = other.withLock { $0.count }
          let row = TestRow(key: 1, event: 5, created: nil, value: 800_000 + Int64(count))
          try sweeper.append([Fixture.batch([row])], to: "stats")
          other.withLock { $0.append(row) }
        } catch {}
      }
      try run.perform(.append(3))
      run.note(other.withLock { $0 })
      watcher.arm { operation, _ in
        if operation == "created" { return }
        do { try sweeper.sweep() } catch {}
      }
      try run.perform(.fold)
      watcher.disarm()
      try run.perform(.sweep)
      let seen = try open(.readOnly).snapshot()
      if try seen.allRows().sorted() != run.acknowledged { return "rows are gone after a sweep" }
      for segment in pinned.segments.values.joined()
      where try disk.status(of: pinned.store.layout.segment(segment)) == nil {
        return "a sweep took a pinned file"
      }
    } catch { return "race: \(error)" }
    return nil
  }

  /// An earlier STATE beside a manifest of a later boot, and beside a copy of the manifest.
  private func oldState(_ files: (any FileSystem) -> any FileSystem) throws -> String? {
    let base = try CrashBase(commits: 2, seed: 56)
    let disk = base.disk
    let writer = StepRun(
      disk.anotherProcess(), rows: base.rows, options: base.options, files: files)
    try writer.perform(.append(1))
    let file = try #require(disk.paths.last { $0.contains("/manifest-") })
    let state = try #require(disk.contents(of: "/s/STATE"))
    try writer.perform(.append(1))
    // The copy has everything that was committed, and the STATE of before.
    let new = try #require(disk.contents(of: file))
    let after = disk.crash(seed: 1, .everything)
    try after.remove("/s/STATE")
    try after.open("/s/STATE", .create).write(state, at: 0)
    do {
      var host = after.host()
      host.files = files(host.files)
      let store = try Store.open("/s", access: .readOnly, host: host, options: base.options)
      if try store.snapshot().allRows().sorted() != writer.acknowledged {
        return "the STATE of another boot was trusted"
      }
    } catch { return "reboot: \(error)" }
    try disk.remove(file)
    try disk.open(file, .create).write(new, at: 0)
    try disk.remove("/s/STATE")
    try disk.open("/s/STATE", .create).write(state, at: 0)
    do {
      var host = disk.anotherProcess().host()
      host.files = files(host.files)
      let store = try Store.open("/s", access: .readOnly, host: host, options: base.options)
      if try store.snapshot().allRows().sorted() != writer.acknowledged {
        return "the STATE of another file was trusted"
      }
    } catch { return "copy: \(error)" }
    return nil
  }
}
