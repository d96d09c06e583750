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
  /// The ways to an answer: as the engine chooses, without timelines, and always or never in the
  /// order of history.
  enum Way: UInt64, CaseIterable {
    case chosen, probing, ordered, unordered

    var rules: SearchRules {
      var rules = SearchRules()
      switch self {
      case .chosen: break
      case .probing: rules.probesAlways = true
      case .ordered:
        rules.ordersFrom = 1
        rules.ordersAtOnce = 64
      case .unordered: rules.ordersFrom = .max
      }
      return rules
    }
  }

  @Test(arguments: Way.allCases)
  func agreesWithTheReference(way: Way) throws {
    try forEachSeed(caseCount(200, full: 2_000), from: way.rawValue * 500_000) { seed in
      try checkRandomCase(seed: seed) { _ in
        try TrialStore(
          files: SimulatedFileSystem(seed: seed), root: "/trial", seed: seed, rules: way.rules)
      }
    }
  }
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
