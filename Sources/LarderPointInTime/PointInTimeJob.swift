import LarderColumns
import LarderContract
import Synchronization

/// A point-in-time question over segments: planned, pinned to a commit, and not yet answered.
///
/// The histories hold what they need of the snapshot alive, so a job can be run at any time, and
/// any number of times, with the same answer.
package final class PointInTimeJob: RetrievalJob {
  /// The columns of the result.
  package let schema: Schema
  private let plan: JoinPlan
  private let spine: RecordBatch?
  private let prepared = Mutex<PreparedJoin?>(nil)
  private let last = Mutex<RetrievalReport?>(nil)

  /// Rows of the batches that `forEachBatch` hands out.
  static let batchRows = 65_536

  /// Plans a question.
  ///
  /// - Parameters:
  ///   - question: the question with its names looked up.
  ///   - spine: the caller's spine; nil if one is to be made.
  ///   - histories: for each source of the question, its view's history as of one commit.
  ///   - options: how it is asked.
  ///   - timelines: where timelines are kept between questions of one store.
  ///   - rules: changed only by tests.
  /// - Throws: `invalidArgument` if keys cannot be made of the view's definitions.
  package init(
    _ question: ResolvedQuestion, spine: RecordBatch?, histories: [ViewHistory],
    options: RetrievalOptions, timelines: TimelineCache, rules: SearchRules = SearchRules()
  ) throws(LarderError) {
    schema = question.schema
    self.spine = spine
    plan = try JoinPlan(question, histories, options, rules: rules, timelines: timelines)
  }

  package func explain() throws(LarderError) -> String { explanation(of: plan, spine: spine) }

  package func collect() throws(LarderError) -> RecordBatch {
    let join = try prepare()
    let spine = if let given = self.spine { given } else { try makeSpine(join) }
    let run = try JoinRun(join, spine: spine, rangeRows: spine.count)
    let result = try run.answer(0..<spine.count)
    last.withLock { $0 = run.report() }
    return result
  }

  package func forEachBatch(_ body: (RecordBatch) throws -> Void) throws {
    let join = try prepare()
    let spine = if let given = self.spine { given } else { try makeSpine(join) }
    let rows = batchRows(join)
    let run = try JoinRun(join, spine: spine, rangeRows: min(rows, spine.count))
    for start in stride(from: 0, to: spine.count, by: rows) {
      try body(try run.answer(start..<min(spine.count, start + rows)))
    }
    last.withLock { $0 = run.report() }
  }

  package var report: RetrievalReport? { last.withLock { $0 } }

  /// Rows of a batch: as many as the memory budget allows, within bounds.
  private func batchRows(_ join: PreparedJoin) -> Int {
    guard let limit = plan.options.memoryBytes else { return PointInTimeJob.batchRows }
    var rows = PointInTimeJob.batchRows
    // Half of the budget is left to texts and lists, whose size is not known before.
    while rows > 512, JoinRun.sharedBytes(join, rows: rows) + ChunkWorker.bytes > limit / 2 {
      rows /= 2
    }
    return rows
  }

  private func prepare() throws(LarderError) -> PreparedJoin {
    if let known = prepared.withLock({ $0 }) { return known }
    let made = try PreparedJoin(plan, spineRows: spine?.count)
    prepared.withLock { $0 = made }
    return made
  }
}
