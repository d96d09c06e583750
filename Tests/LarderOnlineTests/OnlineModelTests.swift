import Glibc
import LarderColumns
import LarderConformance
import LarderContract
import LarderFiles
import LarderOnline
import TestSupport
import Testing

/// The store against the reference over long random lives, with everything that must not change an
/// answer in between: compaction, reopening, the end of the process, the end of power.
@Suite struct OnlineModelTests {
  /// How many operations; `LARDER_MODEL_OPERATIONS` sets another number.
  private var operations: Int {
    getenv("LARDER_MODEL_OPERATIONS").flatMap { Int(String(cString: $0)) } ?? 15_000
  }

  @Test func randomLivesGiveTheReferencesAnswers() throws {
    var done = 0
    var seed: UInt64 = getenv("LARDER_MODEL_SEED").flatMap { UInt64(String(cString: $0)) } ?? 1
    while done < operations {
      done += try live(seed: seed)
      seed += 1
    }
    if operations > 100_000 { print("\(done) operations, seeds up to \(seed - 1), 0 differences") }
  }

  private func live(seed: UInt64) throws -> Int {
    var run = OnlineCase(seed: seed)
    var random = SeededRandom(seed: seed)
    // LARDER_MODEL_TRACE says what is done.
    let isTraced = getenv("LARDER_MODEL_TRACE") != nil
    if isTraced { run.trace = { print($0) } }
    run.keys = random.int(1...300)
    run.batchRows = random.int(1...60)
    var machine = SimulatedFileSystem(seed: seed)
    machine.keepLog(false)
    let durability: OnlineDurability = random.chance(0.5) ? .batch : .process
    let options = smallOptions(durability: durability)
    var store = openStore(machine.host(), "/online", clock: run.clock, options: options)
    try run.begin(store)
    for step in 0..<400 {
      do { try run.step(store) } catch {
        Issue.record("seed \(seed), step \(step): \(error)")
        return run.operations
      }
      let event = random.int(1...60)
      if isTraced, event < 7 { print("step \(step): event \(event)") }
      switch event {
      case 1:
        try store.close()
        store = openStore(machine.host(), "/online", clock: run.clock, options: options)
      case 2:
        machine.kill()
        machine = machine.anotherProcess()
        store = openStore(machine.host(), "/online", clock: run.clock, options: options)
      case 3:
        // What a killed process wrote is not this one's, so the view is synced and not the store.
        if durability == .process { try store.sync(run.view) }
        machine = machine.crash(seed: random.next())
        machine.keepLog(false)
        store = openStore(machine.host(), "/online", clock: run.clock, options: options)
      case 4...5:
        try store.compact(run.view)
        try run.reference.compact(run.view)
      case 6:
        let reader = openStore(
          machine.anotherProcess().host(), "/online", clock: run.clock, isReadOnly: true,
          options: options)
        try run.compareAll(reader)
      default: break
      }
    }
    try run.compareAll(store)
    let found = try store.verify(run.view)
    #expect(found.findings.isEmpty, "seed \(seed)")
    return run.operations
  }
}
