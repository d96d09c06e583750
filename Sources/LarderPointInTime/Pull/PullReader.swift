import LarderColumns
import LarderContract
import LarderEncodings
import LarderKeys
import LarderOffline

/// Reads the columns of pulled rows.
struct PullReader {
  private let question: ResolvedPull
  let tables: SearchTables
  let timeline: EntityTimeline
  let keys: KeyDirectory
  private let features: [FeatureGather]
  private let from: Int64
  private let through: Int64

  /// Opens what a pull needs; nil if there is nothing to pull.
  init?(
    _ question: ResolvedPull, _ history: ViewHistory, _ timelines: TimelineCache
  ) throws(LarderError) {
    guard let bounds = question.bounds else { return nil }
    let all = SegmentChoice(history.segments, range: bounds)
    guard let keys = history.keys, all.isNeeded.contains(true) else { return nil }
    // A timeline that covers more is taken as it is; one that is yet to be made covers what is
    // needed.
    let folder = history.timelines
    var choice = SegmentChoice(all.needed, range: nil)
    if timelines.holds(all.segments) { choice = all }
    if try timelines.file(of: all.segments, in: folder) != nil { choice = all }
    var features: [FeatureGather] = []
    for case .feature(let position) in question.outputs {
      var columns: [SegmentColumn?] = []
      for (segment, isNeeded) in zip(choice.segments, choice.isNeeded) {
        let fieldID = history.fieldIDs[position]
        columns.append(isNeeded ? try segment.column(fieldID: fieldID) : nil)
      }
      features.append(
        try FeatureGather(columns, as: question.view.features[position].type))
    }
    self.question = question
    self.keys = keys
    self.features = features
    tables = try SearchTables(choice)
    timeline = try PullReader.verified(timelines, choice.segments, folder)
    from = bounds.lowerBound
    through = bounds.upperBound
  }

  /// A timeline, all of which is verified; made anew if its file turns out to be damaged.
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
