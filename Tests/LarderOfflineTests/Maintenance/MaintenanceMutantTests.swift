import LarderColumns
import LarderFiles
import Testing

@testable import LarderOffline

/// The crash and fault tests of maintenance can fail: each break of the protocol in a command's own
/// steps is noticed, with nothing but that command at work.
@Suite struct MaintenanceMutantTests {
  /// A command and what is broken in it.
  struct Pair: Sendable, CustomTestStringConvertible {
    var steps: [Step]
    var mutation: Mutation
    var testDescription: String { "\(steps) with \(mutation)" }
  }

  private static let rewriting: [Mutation] = [
    .skipsSegmentSync, .skipsManifestSync, .skipsViewFolderSync, .syncsSegmentsAfterTheManifest,
    .swallowsSyncErrors, .swallowsWriteErrors, .swallowsDirectorySyncErrors,
  ]
  private static let recording: [Mutation] = [
    .skipsManifestSync, .swallowsSyncErrors, .swallowsWriteErrors,
  ]

  static let pairs: [Pair] = {
    var pairs: [Pair] = []
    // A merge that is lost is only a merge less; with what it replaced, rows are lost.
    for steps in [[Step.compact, .vacuum], [.fold, .vacuum], [.expire], [.replace(3)]] {
      for mutation in rewriting where !(steps[0] == .compact && mutation == .swallowsWriteErrors) {
        pairs.append(Pair(steps: steps, mutation: mutation))
      }
    }
    for steps in [[Step.append(2), .rollback], [.tag]] {
      pairs += recording.map { Pair(steps: steps, mutation: $0) }
    }
    pairs += (rewriting + [.skipsKeyLogSync, .skipsKeyFolderSync, .keepsRemovedFiles]).map {
      Pair(steps: [.forget(2)], mutation: $0)
    }
    pairs.append(Pair(steps: [.compact, .vacuum], mutation: .keepsRemovedFiles))
    return pairs
  }()

  private static let survivals: [(UInt64, SimulatedSurvival)] = [
    (1, .nothing), (3, .random), (4, .random),
  ]

  @Test(arguments: pairs) func isNoticed(_ pair: Pair) throws {
    let found = try notice(pair.steps) { MutantFileSystem(base: $0, mutation: pair.mutation) }
    #expect(found != nil, "\(pair.mutation) in \(pair.steps) was not noticed")
    print("mutant \(pair.mutation) of \(pair.steps): \(found ?? "NOT NOTICED")")
  }

  /// Compaction reads what it wrote before it commits, and a record that is not there takes nothing
  /// away: swallowed errors cost the merge, and no row.
  @Test func compactionFindsSwallowedWritesItself() throws {
    let found = try notice([.compact, .vacuum]) {
      MutantFileSystem(base: $0, mutation: .swallowsWriteErrors)
    }
    #expect(found == nil)
  }

  @Test(arguments: [
    [Step.compact, .vacuum], [.fold, .vacuum], [.expire], [.replace(3)], [.append(2), .rollback],
    [.tag], [.forget(2)],
  ])
  func theProtocolItselfIsNot(_ steps: [Step]) throws {
    #expect(try notice(steps) { $0 } == nil)
  }

  /// Runs short searches until one finds something.
  private func notice(
    _ steps: [Step], _ files: (any FileSystem) -> any FileSystem
  ) throws -> String? {
    let base = try CrashBase(commits: 8, seed: 61)
    if let found = try crash(base, steps, files) { return found }
    for kind in [SimulatedFault.Kind.lostSync, .noSpace, .io] {
      if let found = try fail(base, steps, kind, files) { return found }
    }
    return nil
  }

  /// A machine whose writer of before has ended: its STATE is trusted, so that the steps do not
  /// begin by writing a manifest again.
  private func machine(_ base: CrashBase) throws -> (SimulatedFileSystem, rows: [TestRow]) {
    let disk = base.machine(seed: 77)
    let writer = StepRun(disk, rows: base.rows, options: base.options)
    try writer.perform(.append(1))
    writer.close()
    return (disk, writer.acknowledged)
  }

  private func run(
    _ disk: SimulatedFileSystem, _ rows: [TestRow], _ base: CrashBase,
    _ files: (any FileSystem) -> any FileSystem = { $0 }
  ) -> StepRun {
    StepRun(disk.anotherProcess(), rows: rows, options: base.options, files: files)
  }

  /// Steps that the power is cut in, at every change, and right after.
  private func crash(
    _ base: CrashBase, _ steps: [Step], _ files: (any FileSystem) -> any FileSystem
  ) throws -> String? {
    let (whole, rows) = try machine(base)
    let start = whole.log.count
    let dry = run(whole, rows, base, files)
    do { for step in steps { try dry.perform(step) } } catch { return "without a crash: \(error)" }
    if let found = try lasting(base, steps, whole) { return found }
    let changes = whole.log.dropFirst(start).filter(\.kind.isChange).map(\.number)
    for number in changes + [whole.operations + 1] {
      let (disk, rows) = try machine(base)
      disk.crashAtOperation(number)
      let run = run(disk, rows, base, files)
      do { for step in steps { try run.perform(step) } } catch {}
      for (seed, survival) in Self.survivals {
        let after = disk.crash(seed: seed &+ UInt64(number) &* 16, survival)
        do {
          try checkAfterCrash(
            after, allowed: [run.acknowledged] + run.pending, options: base.options, files: files)
        } catch { return "crash \(number): \(error)" }
      }
    }
    return nil
  }

  /// What a step that was acknowledged did besides rows: tags, and files that are gone.
  private func lasting(
    _ base: CrashBase, _ steps: [Step], _ disk: SimulatedFileSystem
  ) throws -> String? {
    let after = disk.crash(seed: 4, .nothing)
    if steps.contains(.tag) {
      do {
        let store = try Store.open(
          "/s", access: .readOnly, host: after.host(start: 1_700_002_000_000_000),
          options: base.options)
        _ = try store.snapshot(tagged: "kept")
      } catch { return "the tag: \(error)" }
    }
    // The same steps, unbroken, on the same machine say which files go.
    let (sound, rows) = try machine(base)
    let run = run(sound, rows, base)
    for step in steps { try run.perform(step) }
    let before = Set(base.disk.paths.filter(Self.isTruth))
    let erases = steps.contains { if case .forget = $0 { true } else { false } }
    guard erases || steps.contains(.vacuum) else { return nil }
    // What was erased stays gone after a power cut too; space may come back later.
    let gone = before.subtracting(erases ? sound.crash(seed: 4, .nothing).paths : sound.paths)
    #expect(!gone.isEmpty, "\(steps) removes nothing")
    let left = gone.intersection(erases ? after.paths : disk.paths)
    return left.min().map { "\($0) is still there" }
  }

  private static func isTruth(_ path: String) -> Bool {
    path.hasSuffix(".seg") || path.contains("/keys/")
  }

  private func fail(
    _ base: CrashBase, _ steps: [Step], _ kind: SimulatedFault.Kind,
    _ files: (any FileSystem) -> any FileSystem
  ) throws -> String? {
    let (whole, rows) = try machine(base)
    let start = whole.log.count
    let dry = run(whole, rows, base, files)
    for step in steps { try dry.perform(step) }
    for operation in whole.log.dropFirst(start) where kind.applies(to: operation.kind) {
      for isSticky in [false, true] {
        let (disk, rows) = try machine(base)
        disk.inject(SimulatedFault(kind, at: operation.number, isSticky: isSticky))
        let run = run(disk, rows, base, files)
        var isDone = false
        do {
          for step in steps { try run.perform(step) }
          isDone = true
        } catch let error as LarderError { run.stepFailed(error) }
        disk.removeFaults()
        disk.evictCleanPages()
        let after = disk.crash(seed: 5, .nothing)
        do {
          try checkAfterCrash(
            after, allowed: [run.acknowledged] + run.pending, options: base.options, files: files)
        } catch { return "\(kind) at \(operation), sticky \(isSticky): \(error)" }
        if isDone, let found = try lasting(base, steps, disk) {
          return "\(kind) at \(operation), sticky \(isSticky): \(found)"
        }
      }
    }
    return nil
  }
}
