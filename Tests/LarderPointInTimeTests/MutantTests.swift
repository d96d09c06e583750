import LarderColumns
import LarderConformance
import LarderContract
import LarderFiles
import LarderPointInTime
import TestSupport
import Testing

/// Faults planted one at a time: each must be found by the random cases.
@Suite struct MutantTests {
  static let mutants: [(name: String, rules: SearchRules)] = [
    ("the upper bound is exclusive", with { $0.upperShift = -1 }),
    ("the upper bound is one late", with { $0.upperShift = 1 }),
    ("the lower bound is exclusive", with { $0.lowerShift = 1 }),
    ("the lower bound is one early", with { $0.lowerShift = -1 }),
    ("the time to live wraps round", with { $0.saturates = false }),
    ("created times are compared the wrong way", with { $0.reversesCreated = true }),
    ("the earlier commit wins", with { $0.reversesCommits = true }),
    ("a null created time wins", with { $0.nullCreatedWins = true }),
    ("the search stops at an equal event", with { $0.stopsOnEqual = true }),
    ("a null key matches", with { $0.nullKeyMatches = true }),
    ("times are rounded up", with { $0.roundsUp = true }),
    ("rows count before they were known", with { $0.ignoresCreated = true }),
    ("only the newest run is looked into", with { $0.looksIntoOneRun = true }),
    ("the loser is chosen", with { $0.choosesLoser = true }),
  ]

  private static func with(_ change: (inout SearchRules) -> Void) -> SearchRules {
    var rules = SearchRules()
    change(&rules)
    return rules
  }

  @Test(arguments: mutants.indices)
  func isCaught(_ index: Int) throws {
    let (name, rules) = MutantTests.mutants[index]
    for seed in 0..<UInt64(3_000) {
      do {
        try checkRandomCase(seed: seed) { _ in
          try TrialStore(
            files: SimulatedFileSystem(seed: seed), root: "/trial", seed: seed, rules: rules)
        }
      } catch is ConformanceFailure {
        return
      }
    }
    Issue.record("No case found out that \(name).")
  }
}
