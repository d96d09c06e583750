import LarderColumns
import LarderContract
import TestSupport
import Testing

@Suite struct WorkloadTests {
  @Test(arguments: Workload.Shape.allCases)
  func isAskedAndAnswered(_ shape: Workload.Shape) throws {
    let workload = try Workload(shape, .XS, seed: 3)
    let store = InMemoryOfflineStore()
    for (view, rows) in zip(workload.views, workload.history) {
      try store.append(rows, to: view)
    }
    let answer = try store.historicalFeatures(
      for: workload.spine.slice(0..<200), views: workload.views, features: workload.features,
      options: RetrievalOptions()
    ).collect()
    // The first of the eight views lives for an hour and matches next to nothing.
    let view = workload.views[shape == .views ? 6 : 0]
    let first = try #require(answer[view.features[0].name])
    #expect(first.nullCount > 0 && first.nullCount < 200)
    let again = try Workload(shape, .XS, seed: 3)
    #expect(again.spine.row(77) == workload.spine.row(77))
    #expect(again.history[0].row(777) == workload.history[0].row(777))
  }
}
