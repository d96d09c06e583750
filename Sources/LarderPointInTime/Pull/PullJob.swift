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
    var lines = ["pull of \(what) of \"\(question.view.name)\""]
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

/// Where the rows of a pull come from.
enum PullSource {
  case latest(LatestCursor)
  case all(RunCursor)

  mutating func next(_ limit: Int, into rows: inout PulledRows) throws(LarderError) -> Bool {
    switch self {
    case .latest(var cursor):
      let hasMore = try cursor.next(limit, into: &rows)
      self = .latest(cursor)
      return hasMore
    case .all(var cursor):
      let hasMore = try cursor.next(limit, into: &rows)
      self = .all(cursor)
      return hasMore
    }
  }
}

/// Reads the columns of pulled rows.
struct PullReader {
  private let question: ResolvedPull
  private let tables: SearchTables
  private let timeline: EntityTimeline
  private let keys: KeyDirectory
  private let features: [FeatureGather]
  private let from: Int64
  private let through: Int64

  /// Opens what a pull needs; nil if there is nothing to pull.
  init?(
    _ question: ResolvedPull, _ history: ViewHistory, _ timelines: TimelineCache
  ) throws(LarderError) {
    guard let bounds = question.bounds else { return nil }
    guard let keys = history.keys, !history.segments.isEmpty else { return nil }
    let segments = inOrder(history.segments)
    var features: [FeatureGather] = []
    for case .feature(let position) in question.outputs {
      var columns: [SegmentColumn?] = []
      for segment in segments {
        columns.append(try segment.column(fieldID: history.fieldIDs[position]))
      }
      features.append(
        try FeatureGather(columns, as: question.view.features[position].type))
    }
    self.question = question
    self.keys = keys
    self.features = features
    tables = try SearchTables(segments)
    timeline = try timelines.timeline(of: segments)
    from = bounds.lowerBound
    through = bounds.upperBound
  }

  /// The rows, from the first on.
  func source(latest: Bool) -> PullSource {
    latest
      ? .latest(
        LatestCursor(tables, timeline, from: from, through: through, retired: keys.retired))
      : .all(RunCursor(tables, timeline, from: from, through: through, retired: keys.retired))
  }

  /// The columns of some rows.
  func read(_ rows: PulledRows) throws(LarderError) -> RecordBatch {
    let outputs = try gather(rows)
    var gathered = outputs.makeIterator()
    let keyColumns = try readKeys(rows)
    let chunks = (rows.count + SearchScratch.chunkRows - 1) / SearchScratch.chunkRows
    var columns: [Column] = []
    for output in question.outputs {
      switch output {
      case .key(let index): columns.append(keyColumns[index])
      case .feature:
        if let column = gathered.next() {
          columns.append(try column.finish(chunks: chunks).expanded())
        }
      case .event: columns.append(try readEvents(rows))
      case .created: columns.append(try readCreated(rows))
      }
    }
    return RecordBatch(unchecked: question.schema, columns: columns, count: rows.count)
  }

  private func gather(_ rows: PulledRows) throws(LarderError) -> [OutputColumn] {
    var outputs: [OutputColumn] = []
    var ordinal = 0
    for case .feature(let position) in question.outputs {
      var dictionary: Column?
      if case .codes(_, let union) = features[ordinal] { dictionary = union.values }
      ordinal += 1
      outputs.append(
        OutputColumn(
          question.view.features[position].type, rows: rows.count, dictionary: dictionary))
    }
    let gathering = FeatureGathering(features)
    var matches = Matches(LaneArena())
    for (chunk, start) in stride(from: 0, to: rows.count, by: SearchScratch.chunkRows).enumerated()
    {
      let place = start..<min(rows.count, start + SearchScratch.chunkRows)
      matches.copy(rows, place)
      try gathering.gather(matches, chunk, place, outputs)
    }
    return outputs
  }

  private func readKeys(_ rows: PulledRows) throws(LarderError) -> [Column] {
    var columns = KeyColumns(keys)
    var start = 0
    while start < rows.count {
      var end = start + 1
      while end < rows.count, rows.ids[end] == rows.ids[start] { end += 1 }
      try columns.append(rows.ids[start], times: end - start)
      start = end
    }
    return columns.finish()
  }

  private func readEvents(_ rows: PulledRows) throws(LarderError) -> Column {
    let buffer = Buffer(uninitializedBytes: rows.count * 8)
    let target = Lanes<Int64>(buffer)
    for index in 0..<rows.count {
      let segment = Int(rows.segments[index])
      let row = Int(rows.rows[index])
      target[index] = try tables.eventTime(segment, row)
    }
    return Column(
      type: .timestamp(question.view.timeUnit), count: rows.count, nullCount: 0, validity: nil,
      values: buffer)
  }

  private func readCreated(_ rows: PulledRows) throws(LarderError) -> Column {
    let output = OutputColumn(.timestamp(question.view.timeUnit), rows: rows.count)
    let valid = output.open(0..<rows.count).validity
    let target = Lanes<Int64>(output.values)
    for index in 0..<rows.count {
      let segment = Int(rows.segments[index])
      let row = Int(rows.rows[index])
      guard let created = tables[segment].created else { continue }
      try tables[segment].eventColumn.ensureVerified(page: row >> 16)
      try tables[segment].createdColumn?.ensureVerified(rows: row..<row + 1)
      guard let time = unsafe created.time(at: row) else { continue }
      target[index] = time
      valid[index >> 6] |= 1 << UInt64(index & 63)
    }
    return try output.finish(chunks: 0)
  }
}
