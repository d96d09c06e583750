import LarderColumns
import LarderContract
import LarderEncodings
import LarderKeys
import LarderOffline

/// Reads the columns of rows that lie anywhere in the segments: the latest of each entity, or those
/// of one entity.
struct PullReader {
  private let query: ResolvedPull
  let tables: SearchTables
  let timeline: EntityTimeline
  let keys: KeyDirectory
  private let features: [FeatureGather]
  private let from: Int64
  private let through: Int64

  /// Opens what a pull needs; nil if there is nothing to pull.
  init?(
    _ query: ResolvedPull, _ history: ViewHistory, _ timelines: TimelineCache
  ) throws(LarderError) {
    guard let bounds = query.bounds else { return nil }
    let all = SegmentChoice(history.segments, range: bounds)
    guard let keys = history.keys, all.isNeeded.contains(true) else { return nil }
    // A timeline that covers more is taken as it is; one that is yet to be made covers what is
    // needed.
    let folder = history.timelines
    var choice = SegmentChoice(all.needed, range: nil)
    if timelines.holds(all.segments) { choice = all }
    if try timelines.file(of: all.segments, in: folder) != nil { choice = all }
    var features: [FeatureGather] = []
    for case .feature(let position) in query.outputs {
      var columns: [SegmentColumn?] = []
      for (segment, isNeeded) in zip(choice.segments, choice.isNeeded) {
        let fieldID = history.fieldIDs[position]
        columns.append(isNeeded ? try segment.column(fieldID: fieldID) : nil)
      }
      features.append(
        try FeatureGather(columns, as: query.view.features[position].type))
    }
    self.query = query
    self.keys = keys
    self.features = features
    tables = try SearchTables(choice)
    timeline = try PullReader.verified(timelines, choice.segments, folder)
    from = bounds.lowerBound
    through = bounds.upperBound
  }

  /// A timeline, all of which is verified; made again if its file turns out to be damaged.
  private static func verified(
    _ timelines: TimelineCache, _ segments: [Segment], _ folder: TimelineFolder?
  ) throws(LarderError) -> EntityTimeline {
    while true {
      let timeline = try timelines.timeline(of: segments, in: folder)
      do throws(LarderError) {
        try timeline.file?.ensureVerified()
        return timeline
      } catch {
        guard timelines.refuse(error) else { throw error }
      }
    }
  }

  /// The latest rows, from the first entity on.
  func latest() -> LatestCursor {
    LatestCursor(tables, timeline, from: from, through: through, retired: keys.retired)
  }

  /// Bytes that any batch needs.
  var heldBytes: Int { timeline.bytes }

  /// Bytes of a row of the result, without texts and lists, and of what is known of it before.
  var rowBytes: Int {
    var bits = 12 * 8
    for type in query.schema.fields.map(\.type) {
      bits += OutputColumn.valueBytes(type, 64, isCoded: false) / 8 + 1
    }
    return (bits + 7) / 8
  }

  /// The columns of some rows.
  ///
  /// - Throws: `limitExceeded` if the budget, or a column's 2 GiB, do not suffice; `corrupt`.
  func read(
    _ rows: PulledRows, _ memory: BatchMemory = BatchMemory(reuses: false),
    _ budget: MemoryBudget = MemoryBudget(limit: nil, fixed: 0)
  ) throws(LarderError) -> RecordBatch {
    _ = budget.take(heldBytes + rowBytes * rows.count)
    try budget.check()
    let keyColumns = try KeyFill(keys: keys).read(keyRuns(rows), rows: rows.count, memory)
    _ = budget.take(keyColumns.reduce(0) { $0 + ($1.bytes?.count ?? 0) })
    var outputs: [OutputColumn] = []
    for case .feature(let position) in query.outputs {
      let type = query.view.features[position].type
      outputs.append(features[outputs.count].output(type, rows: rows.count, budget: budget))
    }
    var gathered = try gatherRows(rows, features, outputs, budget).makeIterator()
    var columns: [Column] = []
    for output in query.outputs {
      switch output {
      case .key(let index): columns.append(keyColumns[index])
      case .feature: if let column = gathered.next() { columns.append(column) }
      case .event: columns.append(try readEvents(rows))
      case .created: columns.append(try readCreated(rows))
      }
    }
    return RecordBatch(unchecked: query.schema, columns: columns, count: rows.count)
  }

  /// Whose the rows are.
  private func keyRuns(_ rows: PulledRows) -> [KeyRun] {
    var spans = PulledSpans()
    for id in rows.ids { spans.appendKey(id, 1) }
    return spans.keys
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
      type: .timestamp(query.view.timeUnit), count: rows.count, nullCount: 0, validity: nil,
      values: buffer)
  }

  private func readCreated(_ rows: PulledRows) throws(LarderError) -> Column {
    let output = OutputColumn(.timestamp(query.view.timeUnit), rows: rows.count)
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
