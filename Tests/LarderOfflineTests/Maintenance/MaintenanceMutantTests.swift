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
    for steps in [[Step.compact], [.fold], [.expire], [.replace(3)]] {
      pairs += rewriting.map { Pair(steps: steps, mutation: $0) }
    }
    for steps in [[Step.append(2), .rollback], [.tag]] {
      pairs += recording.map { Pair(steps: steps, mutation: $0) }
    }
    pairs += (rewriting + [.skipsKeyLogSync, .skipsKeyFolderSync, .keepsRemovedFiles]).map {
      Pair(steps: [.forget(3)], mutation: $0)
    }
    pairs.append(Pair(steps: [.compact, .vacuum], mutation: .keepsRemovedFiles))
    return pairs
  }()

  @Test(arguments: pairs) func isNoticed(_ pair: Pair) throws {
    let found = try notice(pair.steps) { MutantFileSystem(base: $0, mutation: pair.mutation) }
    #expect(found != nil, "\(pair.mutation) in \(pair.steps) was not noticed")
    print("mutant \(pair.mutation) of \(pair.steps): \(found ?? "NOT NOTICED")")
  }

  @Test(arguments: [
    [Step.compact], [.fold], [.expire], [.replace(3)], [.append(2), .rollback], [.tag],
    [.forget(3)], [.compact, .vacuum],
  ])
  func theProtocolItselfIsNot(_ steps: [Step]) throws {
    #expect(try notice(steps) { $0 } == nil)
  }

  /// Runs short searches until one finds something.
  private func notice(
    _ steps: [Step], _ files: (any FileSystem) -> any FileSystem
  ) throws -> String? {
    let base = try CrashBase(commits: 4, seed: 61)
    if let found = try crash(base, steps, files) { return found }
    for kind in [SimulatedFault.Kind.lostSync, .noSpace, .io] {
      if let found = try fail(base, steps, kind, files) { return found }
    }
    return nil
  }

  /// Steps that the power is cut in, at every change, and right after.
  private func crash(
    _ base: CrashBase, _ steps: [Step], _ files: (any FileSystem) -> any FileSystem
  ) throws -> String? {
    let whole = base.machine(seed: 77)
    let dry = StepRun(whole, rows: base.rows, options: base.options, files: files)
    do { for step in steps { try dry.perform(step) } } catch { return "without a crash: \(error)" }
    if let found = try lasting(base, steps, whole) { return found }
    for number in whole.log.filter(\.kind.isChange).map(\.number) + [whole.operations + 1] {
      let disk = base.machine(seed: 77)
      disk.crashAtOperation(number)
      let run = StepRun(disk, rows: base.rows, options: base.options, files: files)
      do { for step in steps { try run.perform(step) } } catch {}
      for (seed, survival) in CrashTests.survivals {
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
    let sound = base.machine(seed: 77)
    let run = StepRun(sound, rows: base.rows, options: base.options)
    for step in steps { try run.perform(step) }
    let before = Set(base.disk.paths.filter(Self.isTruth))
    let gone = before.subtracting(sound.crash(seed: 4, .nothing).paths)
    let left = gone.intersection(after.paths)
    let erases = steps.contains { if case .forget = $0 { true } else { false } }
    if erases || steps.contains(.vacuum) {
      #expect(!gone.isEmpty, "\(steps) removes nothing")
      if let path = left.min() { return "\(path) is still there" }
    }
    return nil
  }

  private static func isTruth(_ path: String) -> Bool {
    path.hasSuffix(".seg") || path.contains("/keys/")
  }

  private func fail(
    _ base: CrashBase, _ steps: [Step], _ kind: SimulatedFault.Kind,
    _ files: (any FileSystem) -> any FileSystem
  ) throws -> String? {
    let whole = base.machine(seed: 77)
    let dry = StepRun(whole, rows: base.rows, options: base.options, files: files)
    for step in steps { try dry.perform(step) }
    for operation in whole.log where kind.applies(to: operation.kind) {
      for isSticky in [false, true] {
        let disk = base.machine(seed: 77)
        disk.inject(SimulatedFault(kind, at: operation.number, isSticky: isSticky))
        let run = StepRun(disk, rows: base.rows, options: base.options, files: files)
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
