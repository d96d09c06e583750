import Dispatch
import LarderColumns
import LarderConformance
import LarderContract
import LarderFiles
import LarderPointInTime
import Synchronization
import TestSupport
import Testing

@Suite struct DifferentialTests {
  @Test(arguments: [false, true])
  func agreesWithTheReference(probing: Bool) throws {
    let rules = searchRules(probing: probing)
    try forEachSeed(caseCount(300, full: 4_000), from: probing ? 500_000 : 0) { seed in
      try checkRandomCase(seed: seed) { _ in
        try TrialStore(
          files: SimulatedFileSystem(seed: seed), root: "/trial", seed: seed, rules: rules)
      }
    }
  }
}

private func searchRules(probing: Bool) -> SearchRules {
  var rules = SearchRules()
  rules.probesAlways = probing
  return rules
}

/// Runs a check for many seeds on all cores; throws what the least failing seed threw.
func forEachSeed(
  _ count: Int, from first: UInt64, _ check: @escaping @Sendable (UInt64) throws -> Void
) throws {
  let failure = Mutex<(seed: UInt64, error: any Error)?>(nil)
  DispatchQueue.concurrentPerform(iterations: count) { index in
    let seed = first + UInt64(index)
    guard failure.withLock({ $0 == nil }) else { return }
    do { try check(seed) } catch {
      failure.withLock { if seed < $0?.seed ?? .max { $0 = (seed, error) } }
    }
  }
  if let (seed, error) = failure.withLock({ $0 }) {
    Issue.record("seed \(seed): \(error)")
    throw error
  }
}
