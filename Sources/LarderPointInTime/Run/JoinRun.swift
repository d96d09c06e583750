import LarderColumns
import LarderContract
import LarderFiles
import Synchronization

/// Answers ranges of a spine on several threads.
///
/// Threads take chunks from a common counter, so that none waits for another's slow chunk.
@safe final class JoinRun: @unchecked Sendable {
  let join: PreparedJoin
  let spine: RecordBatch
  let workers: [ChunkWorker]
  /// Bytes that a range takes in any case.
  let fixedBytes: Int
  /// Rows that a worker answers at a time.
  let chunkRows: Int
  private let done = Atomic<Int>(0)
  private let started = ContinuousClock.now

  /// Makes the workers.
  ///
  /// - Parameters:
  ///   - rangeRows: rows of the longest range that will be answered at once.
  ///   - heldBytes: memory of the engine's own that is taken beside the run, such as a made spine.
  /// - Throws: `limitExceeded` if the memory budget does not suffice for one thread.
  init(
    _ join: PreparedJoin, spine: RecordBatch, rangeRows: Int, heldBytes: Int = 0
  ) throws(LarderError) {
    self.join = join
    self.spine = spine
    chunkRows = JoinRun.chunkRows(spine.count)
    let chunks = (rangeRows + chunkRows - 1) / chunkRows
    var threads = join.plan.threads(chunks: chunks)
    let shared = JoinRun.sharedBytes(join, rows: rangeRows) + heldBytes
    let each = ChunkWorker.bytes(join)
    if let limit = join.plan.options.memoryBytes {
      let least = shared + each
      guard least <= limit else { throw MemoryBudget.exceeded(needed: least, limit: limit) }
      threads = min(threads, (limit - shared) / each)
    }
    fixedBytes = shared + threads * each
    workers = (0..<threads).map { _ in ChunkWorker(join, spine: spine) }
  }

  /// Bytes that a range takes however many threads there are: timelines and fixed-width columns.
  static func sharedBytes(_ join: PreparedJoin, rows: Int) -> Int {
    timelineBytes(join) + RangeOutput.bytes(join.plan.query, rows: rows)
  }

  /// Bytes of the timelines that are held in memory.
  static func timelineBytes(_ join: PreparedJoin) -> Int {
    var timelines: [ObjectIdentifier: Int] = [:]
    for source in join.sources {
      if let timeline = source.timeline {
        timelines[ObjectIdentifier(timeline)] = timeline.bytes
      }
    }
    return timelines.values.reduce(0, +)
  }

  /// Rows of a chunk: fewer for small spines, so that all threads have some.
  static func chunkRows(_ rows: Int) -> Int { rows < 65_536 ? 512 : SearchScratch.chunkRows }

  /// Answers a range of the spine's rows.
  ///
  /// - Throws: what reading throws; `cancelled`; `limitExceeded` if a column of texts is too long.
  func answer(_ rows: Range<Int>) throws(LarderError) -> RecordBatch {
    let budget = MemoryBudget(limit: join.plan.options.memoryBytes, fixed: fixedBytes)
    let isOrdered = isOrdered(rows.count)
    let scratch = isOrdered ? orderedBytes(orderedParts(rows.count).first?.count ?? 0) : 0
    try budget.checkMachine(fixedBytes + scratch)
    let output = RangeOutput(join, rows: rows, budget: budget)
    if isOrdered {
      for part in orderedParts(rows.count) { try answerOrdered(part, into: output) }
    } else {
      try forEachChunk(of: rows) { (worker, chunk, part) throws(LarderError) in
        try worker.answer(chunk, part, into: output)
        self.report(part.count)
      }
    }
    return try assemble(output, (rows.count + chunkRows - 1) / chunkRows, budget)
  }

  /// Does something with all chunks of some rows, on all threads.
  ///
  /// - Parameters:
  ///   - rows: rows of the spine, or positions in an order of it.
  ///   - body: gets the thread's worker, the number of the chunk, and its rows.
  /// - Throws: the first error of any chunk; `cancelled`.
  func forEachChunk(
    of rows: Range<Int>,
    _ body: @escaping @Sendable (ChunkWorker, Int, Range<Int>) throws(LarderError) -> Void
  ) throws(LarderError) {
    let chunks = (rows.count + chunkRows - 1) / chunkRows
    try forEachTask(chunks) { (worker, chunk) throws(LarderError) in
      let start = rows.lowerBound + chunk * self.chunkRows
      try body(worker, chunk, start..<min(rows.upperBound, start + self.chunkRows))
    }
  }

  /// Does something with numbered tasks, on all threads; those of low numbers first.
  ///
  /// - Throws: the first error of any task; `cancelled`.
  func forEachTask(
    _ count: Int, _ body: @escaping @Sendable (ChunkWorker, Int) throws(LarderError) -> Void
  ) throws(LarderError) {
    let next = Atomic<Int>(0)
    let failure = ForkSafeMutex<LarderError?>(nil)
    let threads = min(workers.count, max(1, count))
    let work: @Sendable (Int) -> Void = { thread in
      do throws(LarderError) {
        while true {
          let task = next.add(1, ordering: .relaxed).oldValue
          guard task < count, failure.withLock({ $0 == nil }) else { return }
          try self.checkCancelled()
          try body(self.workers[thread], task)
        }
      } catch {
        failure.withLock { $0 = $0 ?? error }
      }
    }
    if threads == 1 {
      work(0)
    } else {
      concurrently(threads, work)
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }

  private func checkCancelled() throws(LarderError) {
    if let isCancelled = join.plan.options.isCancelled, isCancelled() {
      throw LarderError(.cancelled, "The query was cancelled.")
    }
  }

  /// Counts rows as answered.
  func report(_ rows: Int) {
    guard let progress = join.plan.options.progress else { return }
    let total = done.add(rows, ordering: .relaxed).newValue
    progress(total, spine.count)
  }

  private func assemble(
    _ output: RangeOutput, _ chunks: Int, _ budget: MemoryBudget
  ) throws(LarderError) -> RecordBatch {
    let query = join.plan.query
    let keepsAllCodes = join.plan.options.dictionaryStrings
    if join.plan.options.memoryBytes != nil {
      for column in output.columns {
        _ = budget.take(column?.finishingBytes(expands: !keepsAllCodes) ?? 0)
      }
      try budget.check()
    }
    var columns: [Column] = []
    for (index, source) in query.outputs.enumerated() {
      if case .spine(let position) = source {
        let column = spine.columns[position]
        let isWhole = output.rows.count == spine.count
        columns.append(isWhole ? column : column.slice(output.rows))
        continue
      }
      guard let made = output.columns[index] else { continue }
      let column = try made.finish(chunks: chunks)
      let keepsCodes = keepsAllCodes || !column.isDictionary
      columns.append(keepsCodes ? column : try column.expanded(threads: workers.count))
    }
    return RecordBatch(unchecked: query.schema, columns: columns, count: output.rows.count)
  }

  /// What the run did so far.
  func report() -> RetrievalReport {
    let elapsed = ContinuousClock.now - started
    let (seconds, attoseconds) = elapsed.components
    var steps = ["keys": 0.0, "search": 0.0, "gather": 0.0]
    for worker in workers {
      for (step, name) in [(StepClock.Step.keys, "keys"), (.search, "search"), (.gather, "gather")]
      {
        steps[name, default: 0] += Double(worker.clock.nanoseconds[step.rawValue]) / 1e9
      }
    }
    steps["total"] = Double(seconds) + Double(attoseconds) / 1e18
    steps["prepare"] = join.seconds
    var views: [RetrievalReport.View] = []
    var touched: UInt64 = 0
    for (index, source) in join.sources.enumerated() {
      for worker in workers.dropFirst() {
        workers[0].read[index].add(worker.read[index])
        workers[0].matchedPages[index].add(worker.matchedPages[index])
      }
      touched += JoinRun.touchedBytes(
        source, read: workers[0].read[index], matched: workers[0].matchedPages[index],
        asKnown: join.plan.options.asKnown)
      views.append(
        RetrievalReport.View(
          name: source.asked.name,
          matchedRows: workers.reduce(0) { $0 + $1.matched[index] },
          segments: source.tables?.isOpen.count { $0 } ?? 0))
    }
    return RetrievalReport(
      rows: spine.count, views: views, threads: workers.count, seconds: steps,
      bytesTouched: touched)
  }
}
