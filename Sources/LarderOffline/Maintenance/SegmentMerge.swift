import LarderColumns
import LarderContract
import LarderFiles

/// Which rows of a segment take part in a merge.
struct SegmentRows: Sendable {
  let segment: Segment
  /// A contiguous run of rows.
  let range: Range<Int>
  /// UInt32 offsets within `range` of those that take part; nil for all.
  let chosen: Buffer?

  var count: Int { chosen.map { $0.count / 4 } ?? range.count }

  init(_ segment: Segment, range: Range<Int>? = nil, chosen: Buffer? = nil) {
    self.segment = segment
    self.range = range ?? 0..<segment.rows
    self.chosen = chosen
  }

  /// Picks the rows that take part from a column of the whole range.
  func pick(_ column: Column) throws(LarderError) -> Column {
    guard let chosen else { return column }
    return unsafe try column.gathered(
      chosen.values(as: UInt32.self), in: ScratchMemory())
  }
}

/// Rows of several segments, the earlier commit first, as the source of new segments.
struct MergedRows: RowSource {
  let count: Int
  let ids: Buffer
  let events: Buffer
  let created: Column?
  let parts: [RowPart]
  private let inputs: [SegmentRows]
  private let types: [UInt32: DataType]

  /// Reads ids and times.
  ///
  /// - Parameters:
  ///   - inputs: in the order in which their rows win ties, the least first.
  ///   - fields: the view's; columns of dropped ones are left behind.
  init(
    _ inputs: [SegmentRows], fields: [Catalog.StoredField], unit: TimeUnit, hasCreated: Bool
  ) throws(LarderError) {
    self.inputs = inputs
    count = inputs.reduce(0) { $0 + $1.count }
    var ids: [Column] = []
    var events: [Column] = []
    var created: [Column] = []
    var present: Set<UInt32> = []
    for input in inputs {
      let segment = input.segment
      let rows = input.range
      ids.append(
        try input.pick(
          Column(
            type: .int32, count: rows.count, nullCount: 0, validity: nil,
            values: try segment.decodeIDs(rows: rows))))
      events.append(
        try input.pick(
          Column(
            type: .timestamp(unit), count: rows.count, nullCount: 0, validity: nil,
            values: try segment.decodeEvents(rows: rows))))
      if hasCreated {
        let times = try segment.decodeCreated(rows: rows)
        created.append(
          try input.pick(times ?? Column.nulls(of: .timestamp(unit), count: rows.count)))
      }
      for feature in segment.features { present.insert(feature.fieldID) }
    }
    self.ids = try Column.joined(ids).values
    self.events = try Column.joined(events).fixedBuffer
    self.created = created.isEmpty ? nil : try Column.joined(created)
    parts =
      (self.created == nil ? [] : [.created])
      + fields.map(\.id).filter(present.contains).map { .feature($0) }
    types = Dictionary(uniqueKeysWithValues: fields.map { ($0.id, $0.type) })
  }

  func gathered(
    _ part: RowPart, _ picks: RowPicks, in scratch: ScratchMemory
  ) throws(LarderError) -> Column {
    let rows = unsafe picks.rows.values(as: UInt32.self)
    switch part {
    case .created:
      guard let created else { break }
      return unsafe try created.gathered(rows, in: scratch)
    case .feature(let id):
      guard let type = types[id] else { break }
      return unsafe try column(id, type).gathered(rows, in: scratch)
    }
    throw LarderError(.corrupt, "The rows lack a column that they were said to have.")
  }

  /// A field's values, all rows.
  private func column(_ fieldID: UInt32, _ type: DataType) throws(LarderError) -> Column {
    var parts: [Column] = []
    for input in inputs {
      parts.append(
        try input.pick(
          try input.segment.decode(fieldID: fieldID, rows: input.range, as: type)))
    }
    return try Column.joined(parts)
  }
}

/// Merges segments of one view into new ones.
struct SegmentMerge {
  private let store: Store
  private let view: Catalog.View
  private let scratch = ScratchMemory()

  init(_ store: Store, view: Catalog.View) {
    self.store = store
    self.view = view
  }

  private var unit: TimeUnit { view.definition.timeUnit }
  private var hasCreated: Bool { view.definition.createdTimestamp != nil }

  /// Merges segments whole into one, or into as many as its rows need.
  ///
  /// - Parameters:
  ///   - segments: the earlier commit first.
  ///   - commits: the hull of their intervals.
  func whole(
    _ segments: [Segment], commits: ClosedRange<UInt64>, into output: SegmentOutput
  ) throws(LarderError) {
    let rows = try MergedRows(
      segments.map { SegmentRows($0) }, fields: view.fields, unit: unit, hasCreated: hasCreated)
    try write(rows, partition: nil, commits: commits, into: output)
  }

  /// Writes the rows of a segment before or after a range of time, with its own interval.
  func remainder(
    of segment: Segment, where isKept: (Int64) -> Bool, into output: SegmentOutput
  ) throws(LarderError) {
    let events = try segment.decodeEvents(rows: 0..<segment.rows)
    let times = unsafe events.values(as: Int64.self)
    var chosen: [UInt32] = []
    for row in 0..<segment.rows where unsafe isKept(times[row]) { chosen.append(UInt32(row)) }
    guard !chosen.isEmpty else { return }
    try write(chosen, of: segment, partition: nil, into: output)
  }

  /// Writes some rows of a segment, with its own interval.
  ///
  /// - Parameter chosen: ascending.
  func write(
    _ chosen: [UInt32], of segment: Segment, partition: Range<Int64>?,
    into output: SegmentOutput
  ) throws(LarderError) {
    let rows = try MergedRows(
      [SegmentRows(segment, chosen: Buffer(copying: chosen))], fields: view.fields, unit: unit,
      hasCreated: hasCreated)
    let description = segment.description
    try write(
      rows, partition: partition, commits: description.firstCommit...description.lastCommit,
      into: output)
  }

  /// Merges sorted runs of one commit into segments split by partition and id, in the memory of
  /// one segment and the runs' ids and times.
  func split(_ runs: [Segment], into output: SegmentOutput) throws(LarderError) {
    var events: [(values: Buffer, count: Int)] = []
    for run in runs { events.append((try run.decodeEvents(rows: 0..<run.rows), run.rows)) }
    let split = PartitionSplit(
      events, unit: unit, width: view.definition.partition,
      pieceRows: store.options.pieceRows, segmentRows: store.options.segmentRows)
    for (group, info) in split.groups.enumerated() {
      let members =
        split.groups.count == 1
        ? nil : events.map { rowsOf(group, in: $0.values, $0.count, split) }
      for ids in try idRanges(runs, members, rows: info.rows) {
        let inputs = try choose(runs, members, ids)
        guard !inputs.isEmpty else { continue }
        let rows = try MergedRows(
          inputs, fields: view.fields, unit: unit, hasCreated: hasCreated)
        try write(rows, partition: info.partition, commits: nil, into: output)
      }
    }
  }

  private func write(
    _ rows: MergedRows, partition: Range<Int64>?, commits: ClosedRange<UInt64>?,
    into output: SegmentOutput
  ) throws(LarderError) {
    try write(rows, sort(rows), partition: partition, commits: commits, into: output)
  }

  private func sort(_ rows: MergedRows) throws(LarderError) -> SortedRows {
    try RowSort(
      ids: rows.ids, events: rows.events, created: rows.created.map { BatchedColumn($0) },
      threads: threadCount(store.options.threads), scratch: scratch
    ).sort(nil, count: rows.count)
  }

  private func write(
    _ rows: MergedRows, _ sorted: SortedRows, partition: Range<Int64>?,
    commits: ClosedRange<UInt64>?, into output: SegmentOutput
  ) throws(LarderError) {
    let cuts = try SegmentCuts.cut(sorted, most: store.options.segmentRows, multiple: 1)
    try output.write(
      cuts.map {
        SegmentOutput.Piece(
          sorted: sorted, range: $0, partition: partition, commits: commits)
      }, from: rows, in: scratch)
  }

  /// Merges chosen rows of segments into one, or into as many as its rows need, with the hull of
  /// their intervals.
  ///
  /// - Parameters:
  ///   - inputs: in the order in which their rows win ties, the least first.
  ///   - dropsRepeated: whether rows are left out that the next one repeats in id, event and created
  ///     time.
  ///   - sums: rows left out are taken away from them.
  func write(
    _ inputs: [SegmentRows], partition: Range<Int64>?, dropsRepeated: Bool,
    into output: SegmentOutput, _ sums: inout ContentSums
  ) throws(LarderError) {
    let bounds = inputs.map(\.segment.description)
    guard let first = bounds.map(\.firstCommit).min(), let last = bounds.map(\.lastCommit).max()
    else { return }
    let rows = try MergedRows(inputs, fields: view.fields, unit: unit, hasCreated: hasCreated)
    var sorted = try sort(rows)
    if dropsRepeated {
      let (kept, dropped) = sorted.withoutRepeated(created: rows.created)
      if !dropped.isEmpty {
        try sums.remove(dropped, of: rows)
        sorted = kept
      }
    }
    try write(rows, sorted, partition: partition, commits: first...last, into: output)
  }

  // MARK: Choosing rows of runs

  /// The rows of a run that are in a group, in order.
  private func rowsOf(
    _ group: Int, in events: Buffer, _ count: Int, _ split: PartitionSplit
  ) -> [UInt32] {
    let times = unsafe events.values(as: Int64.self)
    var rows: [UInt32] = []
    for row in 0..<count where unsafe split.group(of: times[row]) == group {
      rows.append(UInt32(row))
    }
    return rows
  }

  /// Ranges of ids with about as many rows of a group as a segment holds.
  private func idRanges(
    _ runs: [Segment], _ members: [[UInt32]]?, rows: Int
  ) throws(LarderError) -> [ClosedRange<UInt32>] {
    let most = store.options.segmentRows
    guard rows > most else { return [0...UInt32.max] }
    var counts: [UInt32: Int] = [:]
    for (index, run) in runs.enumerated() {
      let view = try run.entityIndex()
      var member = 0
      for entity in 0..<view.count {
        let end = unsafe Int(view.starts[entity + 1])
        var count = unsafe end - Int(view.starts[entity])
        if let rows = members?[index] {
          count = 0
          while member < rows.count && Int(rows[member]) < end {
            count += 1
            member += 1
          }
        }
        if count > 0 { unsafe counts[view.ids[entity], default: 0] += count }
      }
    }
    var ranges: [ClosedRange<UInt32>] = []
    var first: UInt32 = 0
    var sum = 0
    var last: UInt32 = 0
    for (id, count) in counts.sorted(by: { $0.key < $1.key }) {
      if sum > 0, sum + count > most {
        ranges.append(first...last)
        first = id
        sum = 0
      }
      sum += count
      last = id
    }
    ranges.append(first...UInt32.max)
    return ranges
  }

  /// The rows of each run that are in a group and a range of ids.
  private func choose(
    _ runs: [Segment], _ members: [[UInt32]]?, _ ids: ClosedRange<UInt32>
  ) throws(LarderError) -> [SegmentRows] {
    var inputs: [SegmentRows] = []
    for (index, run) in runs.enumerated() {
      let view = try run.entityIndex()
      var low = 0
      var high = view.count
      while low < high {
        let middle = (low + high) / 2
        if unsafe view.ids[middle] < ids.lowerBound { low = middle + 1 } else { high = middle }
      }
      let firstEntity = low
      high = view.count
      while low < high {
        let middle = (low + high) / 2
        if unsafe view.ids[middle] <= ids.upperBound { low = middle + 1 } else { high = middle }
      }
      guard low > firstEntity else { continue }
      let range = unsafe Int(view.starts[firstEntity])..<Int(view.starts[low])
      guard let rows = members?[index] else {
        inputs.append(SegmentRows(run, range: range))
        continue
      }
      let chosen = rows.filter { range.contains(Int($0)) }.map { $0 - UInt32(range.lowerBound) }
      if !chosen.isEmpty {
        inputs.append(SegmentRows(run, range: range, chosen: Buffer(copying: chosen)))
      }
    }
    return inputs
  }
}
