import LarderColumns
import LarderConformance
import LarderContract
import LarderFiles
import LarderPointInTime
import TestSupport
import Testing

@Suite struct DifferentialTests {
  @Test func agreesWithTheReference() throws {
    var shape = CaseShape.small
    shape.hasLists = false
    for seed in 0..<UInt64(caseCount(400)) {
      try checkRandomCase(seed: seed, shape: shape) { _ in
        try TrialStore(files: SimulatedFileSystem(seed: seed), root: "/trial", seed: seed)
      }
    }
  }
}
