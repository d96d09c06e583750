import LarderColumns
import LarderFiles
import Testing

@testable import LarderOffline

/// A failure of every operation of short workloads, once and from then on, from a store that holds
/// commits; then the store is opened again, after more faults and after a crash.
@Suite struct FaultTests {
  static let workloads: [[Step]] = [
    [.append(3), .introduce(2)],
    [.replace(3)],
    [.fold, .append(2)],
    [.apply, .sweep],
    [.compact, .append(2)],
    [.expire, .vacuum],
    [.tag, .append(1), .rollback],
    [.forget(2), .append(2)],
  ]

  @Test(arguments: workloads, [SimulatedFault.Kind.io, .noSpace, .shortWrite, .lostSync])
  func losesNothing(_ steps: [Step], _ kind: SimulatedFault.Kind) throws {
    let base = try CrashBase(commits: 8, seed: 21)
    let whole = base.machine(seed: 78)
    let dry = StepRun(whole, rows: base.rows, options: base.options)
    for step in steps { try dry.perform(step) }
    var faults = 0
    var survivedFaults = 0
    for operation in whole.log where kind.applies(to: operation.kind) {
      for isSticky in [false, true] {
        faults += 1
        let disk = base.machine(seed: 78)
        disk.inject(SimulatedFault(kind, at: operation.number, isSticky: isSticky))
        do {
          if try runWithFault(disk, base, steps) { survivedFaults += 1 }
        } catch {
          Issue.record("\(steps), \(kind) sticky \(isSticky) at \(operation): \(error)")
        }
      }
    }
    print("faults \(kind) in \(steps): \(faults), survived without an error: \(survivedFaults)")
  }

  /// A commit whose sync failed may be whole all the same, and is then kept by whoever opens the
  /// store next: so none of its files may be gone.
  @Test(arguments: workloads)
  func keepsTheFilesOfACommitThatMayBeWhole(_ steps: [Step]) throws {
    let base = try CrashBase(commits: 8, seed: 21)
    let whole = base.machine(seed: 78)
    let dry = StepRun(whole, rows: base.rows, options: base.options)
    for step in steps { try dry.perform(step) }
    var unknown = 0
    for operation in whole.log where operation.kind == .sync {
      let disk = base.machine(seed: 78)
      disk.inject(SimulatedFault(.io, at: operation.number, isSticky: false))
      let run = StepRun(disk, rows: base.rows, options: base.options)
      do {
        for step in steps { try run.perform(step) }
      } catch let error as LarderError {
        run.stepFailed(error)
        if error.code == .outcomeUnknown { unknown += 1 }
      }
      disk.removeFaults()
      do {
        try checkAfterCrash(
          disk.crash(seed: 8, .everything), allowed: [run.acknowledged] + run.pending,
          options: base.options)
      } catch {
        Issue.record("\(steps), failed sync at \(operation): \(error)")
      }
    }
    #expect(unknown > 0)
  }

  /// Runs steps to the first error and checks what is there then.
  ///
  /// - Returns: whether there was no error.
  private func runWithFault(
    _ disk: SimulatedFileSystem, _ base: CrashBase, _ steps: [Step]
  ) throws -> Bool {
    let run = StepRun(disk, rows: base.rows, options: base.options)
    var failure: LarderError?
    do {
      for step in steps { try run.perform(step) }
    } catch let error as LarderError {
      failure = error
      run.stepFailed(error)
    }
    disk.removeFaults()
    // What a failed sync dropped must not be what the store relies on.
    disk.evictCleanPages()
    let allowed = [run.acknowledged] + run.pending
    let crashed = disk.crash(seed: 5, .nothing)
    try checkAfterCrash(crashed, allowed: allowed, options: base.options)
    let random = disk.crash(seed: 6, .random)
    try checkAfterCrash(random, allowed: allowed, options: base.options)
    // The process goes on, with the same store where it may.
    do {
      try run.perform(.append(2))
    } catch let error as LarderError where error.code == .poisoned {
      run.close()
      run.stepFailed(error)
      try run.perform(.append(2))
    }
    if failure?.code != .outcomeUnknown {
      try checkAfterCrash(
        disk.crash(seed: 7, .nothing), allowed: [run.acknowledged], options: base.options)
    }
    return failure == nil
  }
}
