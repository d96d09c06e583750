import LarderColumns
import LarderContract

/// A point-in-time query over segments: planned, pinned to a commit, and not yet answered.
///
/// The histories hold what they need of the snapshot alive, so a job can be run at any time, and
/// any number of times, with the same answer.
package final class PointInTimeJob: RetrievalJob {
  /// The columns of the result.
  package let schema: Schema
  private let plan: JoinPlan
  private let spine: RecordBatch?
  private let prepared = ForkSafeMutex<PreparedJoin?>(nil)
  private let last = ForkSafeMutex<RetrievalReport?>(nil)

  /// Rows of the batches that `forEachBatch` hands out.
  static let batchRows = 65_536

  /// Plans a query.
  ///
  /// - Parameters:
  ///   - query: the query with its names looked up.
  ///   - spine: the caller's spine; nil if one is to be made.
  ///   - histories: for each source of the query, its view's history as of one commit.
  ///   - options: how it is asked.
  ///   - timelines: where timelines are kept between queries of one store.
  ///   - rules: changed only by tests.
  /// - Throws: `invalidArgument` if keys cannot be made of the view's definitions.
  package init(
    _ query: ResolvedQuery, spine: RecordBatch?, histories: [ViewHistory],
    options: RetrievalOptions, timelines: TimelineCache, rules: SearchRules = SearchRules()
  ) throws(LarderError) {
    schema = query.schema
    self.spine = spine
    plan = try JoinPlan(query, histories, options, rules: rules, timelines: timelines)
  }

  package func explain() throws(LarderError) -> String {
    try explanation(of: plan, spine: spine)
  }

  package func collect() throws(LarderError) -> RecordBatch {
    try withSoundTimelines { (join) throws(LarderError) in
      let (spine, held) = try spine(of: join)
      let run = try JoinRun(join, spine: spine, rangeRows: spine.count, heldBytes: held)
      let result = try run.answer(0..<spine.count)
      last.withLock { $0 = run.report() }
      return result
    }
  }

  package func forEachBatch(_ body: (RecordBatch) throws -> Void) throws {
    var run = try startRun()
    var start = 0
    while start < run.run.spine.count {
      let rows = start..<min(run.run.spine.count, start + run.rows)
      let batch: RecordBatch
      do throws(LarderError) { batch = try run.run.answer(rows) } catch {
        guard plan.timelines.refuse(error) else { throw error }
        prepared.withLock { $0 = nil }
        run = try startRun()
        continue
      }
      try body(batch)
      start = rows.upperBound
    }
    last.withLock { $0 = run.run.report() }
  }

  /// A run for batches, and how many rows they have.
  private func startRun() throws(LarderError) -> (run: JoinRun, rows: Int) {
    try withSoundTimelines { (join) throws(LarderError) in
      let (spine, held) = try spine(of: join)
      let rows = batchRows(join, held)
      let run = try JoinRun(
        join, spine: spine, rangeRows: min(rows, spine.count), heldBytes: held)
      return (run, rows)
    }
  }

  /// The caller's spine, or one that is made, with the memory that it takes.
  private func spine(of join: PreparedJoin) throws(LarderError) -> (RecordBatch, Int) {
    if let given = self.spine { return (given, 0) }
    let made = try makeSpine(join)
    return (made, made.columns.reduce(0) { $0 + $1.values.count + ($1.bytes?.count ?? 0) })
  }

  /// Does something with everything opened; once more, with timelines made again, if one that was
  /// read from a file turns out to be damaged.
  private func withSoundTimelines<Result>(
    _ body: (PreparedJoin) throws(LarderError) -> Result
  ) throws(LarderError) -> Result {
    while true {
      do throws(LarderError) { return try body(try prepare()) } catch {
        guard plan.timelines.refuse(error) else { throw error }
        prepared.withLock { $0 = nil }
      }
    }
  }

  package var report: RetrievalReport? { last.withLock { $0 } }

  /// Rows of a batch: as many as the memory budget allows, within bounds.
  private func batchRows(_ join: PreparedJoin, _ held: Int) -> Int {
    guard let limit = plan.options.memoryBytes else { return PointInTimeJob.batchRows }
    var rows = PointInTimeJob.batchRows
    // Half of the budget is left to texts and lists, whose size is not known before.
    let fixed = held + ChunkWorker.bytes(join)
    while rows > 512, JoinRun.sharedBytes(join, rows: rows) + fixed > limit / 2 {
      rows /= 2
    }
    return rows
  }

  private func prepare() throws(LarderError) -> PreparedJoin {
    if let known = prepared.withLock({ $0 }) { return known }
    let made = try PreparedJoin(plan, spine: spine)
    prepared.withLock { $0 = made }
    return made
  }
}
