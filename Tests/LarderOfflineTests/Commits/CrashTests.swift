import LarderColumns
import LarderFiles
import Testing

@testable import LarderOffline

/// A crash before every operation of every short workload, from a store that holds commits.
@Suite struct CrashTests {
  static let workloads: [[Step]] = [
    [.append(3)],
    [.append(3), .append(5)],
    [.append(2), .reopen, .append(4)],
    [.introduce(3), .introduce(2)],
    [.replace(3)],
    [.append(3), .replace(4), .append(2)],
    [.fold],
    [.append(3), .fold, .sweep, .append(2)],
    [.apply, .append(2)],
    [.fold, .reopen, .replace(2), .sweep],
    [.compact],
    [.append(3), .compact, .append(2), .vacuum],
    [.expire, .append(2)],
    [.append(2), .expire, .vacuum, .compact],
    [.append(3), .rollback, .append(2)],
    [.tag, .append(2), .compact, .vacuum, .rollback],
    [.forget(2)],
    [.forget(2), .append(4), .forget(1)],
    [.fold, .forget(2), .reopen, .append(3)],
    [.introduce(2), .forget(0), .fold, .sweep],
    [.append(2), .compact, .forget(2), .rollback],
  ]

  static let survivals: [(UInt64, SimulatedSurvival)] = [
    (1, .nothing), (2, .everything), (3, .random), (4, .random), (5, .random),
  ]

  @Test(arguments: workloads) func losesNothing(_ steps: [Step]) throws {
    let base = try CrashBase(commits: 8, seed: 11)
    let states = try crashEverywhere(base, steps)
    print("crash states of \(steps):", states)
    #expect(states > 20)
  }

  @Test func losesNothingOverRotation() throws {
    var options = Fixture.options()
    options.manifestRecords = 3
    let base = try CrashBase(commits: 8, seed: 12, options: options)
    let states = try crashEverywhere(
      base, [.append(1), .append(2), .apply, .append(1), .fold, .append(2)])
    print("crash states of rotation:", states)
  }

  /// Crashes before each operation that changes something, and checks each outcome.
  private func crashEverywhere(_ base: CrashBase, _ steps: [Step]) throws -> Int {
    let whole = base.machine(seed: 77)
    let dry = StepRun(whole, rows: base.rows, options: base.options)
    for step in steps { try dry.perform(step) }
    let changes = whole.log.filter(\.kind.isChange)
    var states = 0
    for operation in changes {
      let disk = base.machine(seed: 77)
      disk.crashAtOperation(operation.number)
      let run = StepRun(disk, rows: base.rows, options: base.options)
      do {
        for step in steps { try run.perform(step) }
      } catch {}
      #expect(disk.isDown)
      for (seed, survival) in Self.survivals {
        states += 1
        let after = disk.crash(seed: seed &+ UInt64(operation.number) &* 16, survival)
        do {
          try checkAfterCrash(
            after, allowed: [run.acknowledged] + run.pending, options: base.options)
        } catch {
          Issue.record("\(steps), crash before \(operation), seed \(seed) \(survival): \(error)")
        }
      }
    }
    return states
  }

  /// The creation of a store, and its first commits.
  @Test func creationLosesNothing() throws {
    let options = Fixture.options()
    func perform(_ disk: SimulatedFileSystem, _ done: inout Int) throws {
      let host = disk.host()
      let store = try Store.open("/s", access: .create, host: host, options: options)
      done = 1
      try store.apply(Fixture.definitions(Fixture.view()))
      done = 2
      try store.append([Fixture.batch(Fixture.rows(3, from: 0))], to: "stats")
      done = 3
    }
    let whole = SimulatedFileSystem(seed: 5)
    var done = 0
    try perform(whole, &done)
    var states = 0
    for operation in whole.log.filter(\.kind.isChange) {
      let disk = SimulatedFileSystem(seed: 5)
      disk.crashAtOperation(operation.number)
      done = 0
      do { try perform(disk, &done) } catch {}
      for (seed, survival) in Self.survivals {
        states += 1
        let after = disk.crash(seed: seed &+ UInt64(operation.number) &* 16, survival)
        do {
          try checkCreation(after, done: done, options)
        } catch {
          Issue.record(
            "crash before \(operation), seed \(seed) \(survival), done \(done): \(error)")
        }
      }
    }
    print("crash states of creation:", states)
  }

  private func checkCreation(
    _ disk: SimulatedFileSystem, done: Int, _ options: StoreOptions
  ) throws {
    if done >= 1 {
      _ = try Store.open("/s", access: .readOnly, host: disk.host(), options: options).snapshot()
    }
    let store = try Store.open("/s", access: .create, host: disk.host(), options: options)
    let names = try store.snapshot().catalog.views.map(\.name)
    guard done < 2 || names == ["stats"] else {
      throw CrashFinding(description: "the view is lost")
    }
    try store.apply(Fixture.definitions(Fixture.view()))
    let seen = try store.snapshot().allRows().sorted()
    let rows = Fixture.rows(3, from: 0)
    guard seen == rows || (done < 3 && seen.isEmpty) else {
      throw CrashFinding(description: "\(seen.count) rows after \(done) steps")
    }
    let more = Fixture.rows(2, from: 50)
    try store.append([Fixture.batch(more)], to: "stats")
    guard try store.snapshot().allRows().sorted() == (seen + more).sorted() else {
      throw CrashFinding(description: "a later append is wrong")
    }
  }
}
