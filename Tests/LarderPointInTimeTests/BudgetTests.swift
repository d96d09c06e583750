import LarderColumns
import LarderContract
import LarderFiles
import LarderPointInTime
import Synchronization
import TestSupport
import Testing

/// Memory budget, cancellation and progress.
@Suite struct BudgetTests {
  private func job(
    _ change: (inout RetrievalOptions) -> Void
  ) throws -> any RetrievalJob {
    let workload = try Workload(.dense, .XS, seed: 5)
    let store = try StoreUnderTest.simulated(seed: 2, views: workload.views)
    for (view, rows) in zip(workload.views, workload.history) {
      _ = try store.append(rows, to: view)
    }
    var options = RetrievalOptions(withStatus: true)
    change(&options)
    return try store.historicalFeatures(
      for: workload.spine, views: workload.views, features: workload.features, options: options)
  }

  @Test func namesTheLeastMemoryThatWorks() throws {
    let expected = try job { _ in }.collect()
    var bytes = 1_000
    var attempts = 0
    while true {
      attempts += 1
      do {
        let found = try job { $0.memoryBytes = bytes }.collect()
        #expect((0..<expected.count).allSatisfy { expected.row($0) == found.row($0) })
        break
      } catch let error as LarderError {
        #expect(error.code == .limitExceeded)
        let named = error.message.split(separator: " ").compactMap { Int($0) }
        let least = try #require(named.first)
        #expect(least > bytes)
        bytes = least
      }
    }
    // At first the fixed parts are too much; then, at most once, the texts.
    #expect(attempts == 2 || attempts == 3)
    #expect(throws: LarderError.self) { try job { $0.memoryBytes = bytes - 1 }.collect() }
  }

  @Test func streamsInBoundedMemory() throws {
    let expected = try job { _ in }.collect()
    var rows = 0
    try job { $0.memoryBytes = 4 << 20 }.forEachBatch { batch in
      for row in 0..<batch.count { #expect(batch.row(row) == expected.row(rows + row)) }
      rows += batch.count
    }
    #expect(rows == expected.count)
  }

  @Test func stopsWhenAskedTo() throws {
    let asked = Atomic<Int>(0)
    let job = try job { options in
      options.threads = 1
      options.isCancelled = { asked.add(1, ordering: .relaxed).newValue > 1 }
    }
    #expect { try job.collect() } throws: { ($0 as? LarderError)?.code == .cancelled }
  }

  @Test func reportsProgressAndWhatItDid() throws {
    let most = Atomic<Int>(0)
    let job = try job { options in
      options.progress = { done, of in
        #expect(done <= of)
        most.max(done, ordering: .relaxed)
      }
    }
    #expect(job.report == nil)
    let result = try job.collect()
    #expect(most.load(ordering: .relaxed) == result.count)
    let report = try #require(job.report)
    #expect(report.rows == result.count && report.views[0].segments > 0)
    let matched = (0..<result.count).filter { result["fv0__status"]?[$0] == .string("present") }
    #expect(report.views[0].matchedRows == matched.count)
    let plan = try job.explain()
    #expect(plan.contains("fv0") && plan.contains("segments"))
  }
}
