import LarderColumns
import LarderContract
import LarderEncodings
import LarderKeys
import LarderOffline

/// A pull of the latest rows, or of all, over segments.
///
/// Rows come entity by entity, in the order in which entities first appeared, and within an entity by
/// event time, created time and commit.
package final class PullJob: RetrievalJob {
  /// The columns of the result.
  package let schema: Schema
  private let query: ResolvedPull
  private let history: ViewHistory
  private let timelines: TimelineCache
  private let latest: Bool
  private let options: PullOptions
  private let last = ForkSafeMutex<RetrievalReport?>(nil)

  /// Rows of the batches that `forEachBatch` hands out.
  private static let batchRows = 65_536

  /// Plans a pull.
  ///
  /// - Parameters:
  ///   - query: the pull with its names looked up.
  ///   - history: the view's history as of one commit.
  ///   - latest: whether only the latest row of each entity is wanted.
  ///   - options: the budget.
  ///   - timelines: where timelines are kept between queries of one store.
  package init(
    _ query: ResolvedPull, history: ViewHistory, latest: Bool,
    options: PullOptions = PullOptions(), timelines: TimelineCache = TimelineCache()
  ) {
    schema = query.schema
    self.query = query
    self.history = history
    self.latest = latest
    self.options = options
    self.timelines = timelines
  }

  package func explain() throws(LarderError) -> String {
    let rows = history.segments.reduce(0) { $0 + $1.rows }
    let what = latest ? "the latest row of each entity" : "every row"
    var lines: [String] = []
    if let pin = history.pin { lines.append("as of commit \(pin.commit.id)") }
    lines.append("pull of \(what) of \"\(query.view.name)\"")
    if let from = query.from { lines.append("  from \(from.ticks) \(from.unit), inclusive") }
    if let through = query.through {
      lines.append("  through \(through.ticks) \(through.unit), inclusive")
    }
    lines.append("  \(history.segments.count) segments with \(rows) rows")
    return lines.joined(separator: "\n")
  }

  package func collect() throws(LarderError) -> RecordBatch {
    let budget = MemoryBudget(limit: options.memoryBytes, fixed: 0)
    let result = latest ? try collectLatest(budget) : try collectAll(budget)
    note(result.count)
    return result
  }

  private func collectAll(_ budget: MemoryBudget) throws(LarderError) -> RecordBatch {
    guard let reader = try SpanReader(query, history) else { return empty() }
    var spans = PulledSpans()
    var cursor = try reader.cursor()
    if try cursor.next(Limits.batchRows, into: &spans) { throw PullJob.tooManyRows }
    return try reader.read(spans, BatchMemory(reuses: false), budget)
  }

  private func collectLatest(_ budget: MemoryBudget) throws(LarderError) -> RecordBatch {
    guard let reader = try PullReader(query, history, timelines) else { return empty() }
    var rows = PulledRows()
    var cursor = reader.latest()
    if try cursor.next(Limits.batchRows, into: &rows) { throw PullJob.tooManyRows }
    return try reader.read(rows, BatchMemory(reuses: false), budget)
  }

  private static var tooManyRows: LarderError {
    LarderError(
      .limitExceeded,
      "The result has more than \(Limits.batchRows) rows; take it batch by batch.")
  }

  package func forEachBatch(_ body: (RecordBatch) throws -> Void) throws {
    // Memory that is left from other streams would not be counted.
    let memory = options.memoryBytes == nil ? BatchMemories.shared.take() : BatchMemory()
    let rows = latest ? try streamLatest(memory, body) : try streamAll(memory, body)
    if options.memoryBytes == nil { BatchMemories.shared.give(memory) }
    note(rows)
  }

  private func streamAll(
    _ memory: BatchMemory, _ body: (RecordBatch) throws -> Void
  ) throws -> Int {
    guard let reader = try SpanReader(query, history) else { return 0 }
    let limit = batchRows(of: reader.rowBytes, heldBytes: reader.heldBytes)
    var cursor = try reader.cursor()
    return try stream(
      memory, body,
      next: { (spans: inout PulledSpans) throws(LarderError) in
        try cursor.next(limit, into: &spans)
      },
      read: { (spans, budget) throws(LarderError) in try reader.read(spans, memory, budget) })
  }

  private func streamLatest(
    _ memory: BatchMemory, _ body: (RecordBatch) throws -> Void
  ) throws -> Int {
    guard let reader = try PullReader(query, history, timelines) else { return 0 }
    let limit = batchRows(of: reader.rowBytes, heldBytes: reader.heldBytes)
    var cursor = reader.latest()
    return try stream(
      memory, body,
      next: { (rows: inout PulledRows) throws(LarderError) in
        try cursor.next(max(limit, SearchScratch.chunkRows), into: &rows)
      },
      read: { (rows, budget) throws(LarderError) in try reader.read(rows, memory, budget) })
  }

  /// Hands out what a cursor lists, batch by batch.
  private func stream<Rows: PulledList>(
    _ memory: BatchMemory, _ body: (RecordBatch) throws -> Void,
    next: (inout Rows) throws(LarderError) -> Bool,
    read: (Rows, MemoryBudget) throws(LarderError) -> RecordBatch
  ) throws -> Int {
    var rows = Rows()
    var total = 0
    var hasMore = true
    while hasMore {
      hasMore = try next(&rows)
      total += rows.count
      try handOut(rows, memory, body, read: read)
      rows.removeAll()
    }
    return total
  }

  /// Hands rows out as one batch, or as more if one does not fit the budget.
  private func handOut<Rows: PulledList>(
    _ rows: Rows, _ memory: BatchMemory, _ body: (RecordBatch) throws -> Void,
    read: (Rows, MemoryBudget) throws(LarderError) -> RecordBatch
  ) throws {
    guard rows.count > 0 else { return }
    let batch: RecordBatch
    do throws(LarderError) {
      memory.begin()
      batch = try read(rows, MemoryBudget(limit: options.memoryBytes, fixed: 0, isOfBatch: true))
    } catch {
      guard error.code == .limitExceeded, rows.count > 1 else { throw error }
      let (first, second) = rows.split(at: rows.count / 2)
      try handOut(first, memory, body, read: read)
      try handOut(second, memory, body, read: read)
      return
    }
    try body(batch)
  }

  /// Rows of a batch: as many as the memory budget allows, within bounds.
  private func batchRows(of rowBytes: Int, heldBytes: Int) -> Int {
    var rows = PullJob.batchRows
    guard let limit = options.memoryBytes else { return rows }
    // Half of the budget is left to texts and lists, whose size is not known before.
    while rows > 64, heldBytes + rows * (rowBytes + 20) > limit / 2 { rows /= 2 }
    return rows
  }

  package var report: RetrievalReport? { last.withLock { $0 } }

  private func note(_ rows: Int) {
    let view = RetrievalReport.View(
      name: query.view.name, matchedRows: rows, segments: history.segments.count)
    last.withLock {
      $0 = RetrievalReport(rows: rows, views: [view], threads: 1, seconds: [:], bytesTouched: 0)
    }
  }

  private func empty() -> RecordBatch {
    RecordBatch(
      unchecked: schema, columns: schema.fields.map { Column.nulls(of: $0.type, count: 0) },
      count: 0)
  }
}
