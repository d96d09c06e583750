import LarderColumns
import LarderContract
import LarderEncodings
import LarderKeys
import LarderOffline
import Synchronization

/// A pull of the latest rows, or of all, over segments.
///
/// Rows come entity by entity, in the order in which entities first appeared, and within an entity by
/// event time, created time and commit.
package final class PullJob: RetrievalJob {
  /// The columns of the result.
  package let schema: Schema
  private let question: ResolvedPull
  private let history: ViewHistory
  private let timelines: TimelineCache
  private let latest: Bool
  private let last = Mutex<RetrievalReport?>(nil)

  /// Rows of the batches that `forEachBatch` hands out.
  private static let batchRows = 65_536

  /// Plans a pull.
  ///
  /// - Parameters:
  ///   - question: the pull with its names looked up.
  ///   - history: the view's history as of one commit.
  ///   - latest: whether only the latest row of each entity is wanted.
  ///   - timelines: where timelines are kept between questions of one store.
  package init(
    _ question: ResolvedPull, history: ViewHistory, latest: Bool,
    timelines: TimelineCache = TimelineCache()
  ) {
    schema = question.schema
    self.question = question
    self.history = history
    self.latest = latest
    self.timelines = timelines
  }

  package func explain() throws(LarderError) -> String {
    let rows = history.segments.reduce(0) { $0 + $1.rows }
    let what = latest ? "the latest row of each entity" : "every row"
    var lines: [String] = []
    if let pin = history.pin { lines.append("as of commit \(pin.commit.id)") }
    lines.append("pull of \(what) of \"\(question.view.name)\"")
    if let from = question.from { lines.append("  from \(from.ticks) \(from.unit), inclusive") }
    if let through = question.through {
      lines.append("  through \(through.ticks) \(through.unit), inclusive")
    }
    lines.append("  \(history.segments.count) segments with \(rows) rows")
    return lines.joined(separator: "\n")
  }

  package func collect() throws(LarderError) -> RecordBatch {
    var whole = PulledRows()
    guard let reader = try PullReader(question, history, timelines) else {
      return try empty()
    }
    var source = reader.source(latest: latest)
    while try source.next(Limits.batchRows, into: &whole) {
      throw LarderError(
        .limitExceeded,
        "The result has more than \(Limits.batchRows) rows; take it batch by batch.")
    }
    let result = try reader.read(whole)
    note(result.count)
    return result
  }

  package func forEachBatch(_ body: (RecordBatch) throws -> Void) throws {
    guard let reader = try PullReader(question, history, timelines) else {
      note(0)
      return
    }
    var source = reader.source(latest: latest)
    var rows = PulledRows()
    var total = 0
    var hasMore = true
    while hasMore {
      hasMore = try source.next(PullJob.batchRows, into: &rows)
      if rows.count > 0 { try body(try reader.read(rows)) }
      total += rows.count
      rows.removeAll()
    }
    note(total)
  }

  package var report: RetrievalReport? { last.withLock { $0 } }

  private func note(_ rows: Int) {
    let view = RetrievalReport.View(
      name: question.view.name, matchedRows: rows, segments: history.segments.count)
    last.withLock {
      $0 = RetrievalReport(rows: rows, views: [view], threads: 1, seconds: [:], bytesTouched: 0)
    }
  }

  private func empty() throws(LarderError) -> RecordBatch {
    note(0)
    return RecordBatch(
      unchecked: schema, columns: schema.fields.map { Column.nulls(of: $0.type, count: 0) },
      count: 0)
  }
}
