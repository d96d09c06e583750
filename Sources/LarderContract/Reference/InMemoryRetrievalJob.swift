import LarderColumns

/// A query to the in-memory reference, answered again at each run.
final class InMemoryRetrievalJob: RetrievalJob {
  let schema: Schema
  private let plan: String
  private let run: @Sendable () throws(LarderError) -> RecordBatch
  private let views: [String]
  private let last = ForkSafeMutex<RetrievalReport?>(nil)

  init(
    schema: Schema, plan: String, views: [String],
    run: @escaping @Sendable () throws(LarderError) -> RecordBatch
  ) {
    self.schema = schema
    self.plan = plan
    self.views = views
    self.run = run
  }

  func explain() throws(LarderError) -> String { plan }

  func collect() throws(LarderError) -> RecordBatch {
    let result = try run()
    last.withLock {
      $0 = RetrievalReport(
        rows: result.count,
        views: views.map { RetrievalReport.View(name: $0, matchedRows: 0, segments: 0) },
        threads: 1, seconds: [:], bytesTouched: 0)
    }
    return result
  }

  func forEachBatch(_ body: (RecordBatch) throws -> Void) throws {
    let result = try collect()
    let rows = 1_000
    for start in stride(from: 0, to: result.count, by: rows) {
      try body(result.slice(start..<min(start + rows, result.count)))
    }
  }

  var report: RetrievalReport? { last.withLock { $0 } }
}
