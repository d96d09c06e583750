import LarderColumns
import LarderEncodings
import LarderKeys
import LarderOffline

/// Walks through the rows of a view in a range of event times, entity by entity, within an entity by
/// event time, created time and commit, and hands them out as spans.
///
/// The segments' entity indexes are merged as it goes; where an entity's rows lie in one segment, no
/// row is looked at. It holds only where it stands, so any number of rows can be walked in bounded
/// memory.
struct SpanCursor {
  /// A segment's entities that are still to come.
  private struct Input {
    let index: EntityIndexView
    let segment: Int
    /// Whether all event times lie within the range.
    let isWhole: Bool
    /// The first and the last event time.
    let first: Int64
    let last: Int64
    var position = 0
  }
  /// A part of an entity's rows in one segment that is still to be merged with others.
  private struct Run {
    var segment: Int
    var row: Int
    var end: Int
    /// The event time of `row`.
    var event: Int64
  }
  private let tables: SearchTables
  private let retired: RetiredIDs
  private let from: Int64
  private let through: Int64
  /// Those with earlier times first.
  private var inputs: [Input] = []
  /// For each input its next id; `UInt32.max` at its end, which is no id.
  private var heads: [UInt32] = []
  private var runs: [Run] = []
  /// Whether the times of the runs' segments do not meet: the runs follow one another as the segments
  /// do, and no row is looked at.
  private var areApart = true
  /// How many of the runs are done, where they follow one another.
  private var done = 0
  private var owner: UInt32 = 0
  /// Rows of the next entity that were handed out already, if there is one input and no bound.
  private var taken = 0

  /// - Parameters:
  ///   - tables: the segments, all open.
  ///   - range: event times in ticks of the view.
  ///   - retired: entities that are passed over.
  /// - Throws: `corrupt` if an entity index is damaged.
  init(
    _ tables: SearchTables, _ range: ClosedRange<Int64>, retired: RetiredIDs
  ) throws(LarderError) {
    self.tables = tables
    self.retired = retired
    from = range.lowerBound
    through = range.upperBound
    for ordinal in 0..<tables.count where tables.isOpen[ordinal] {
      let segment = tables[ordinal].segment
      let bounds = segment.description
      let isWhole = bounds.minEvent >= from && bounds.maxEvent <= through
      inputs.append(
        Input(
          index: try segment.entityIndex(), segment: ordinal, isWhole: isWhole,
          first: bounds.minEvent, last: bounds.maxEvent))
    }
    inputs.sort { $0.first < $1.first }
    heads = inputs.map { unsafe $0.index.count > 0 ? $0.index.ids[0] : .max }
  }

  /// Appends the next rows to lists.
  ///
  /// - Parameter limit: how many at most.
  /// - Returns: false if there are no more.
  /// - Throws: `corrupt` if a page is damaged.
  mutating func next(_ limit: Int, into rows: inout PulledSpans) throws(LarderError) -> Bool {
    if inputs.count == 1, inputs[0].isWhole { return nextOfOne(limit, &rows) }
    while rows.count < limit {
      while runs.isEmpty {
        guard let id = heads.min(), id != .max else { return false }
        try open(id)
      }
      if runs.count == 1 || areApart {
        let run = runs[done]
        let count = min(run.end - run.row, limit - rows.count)
        rows.append(owner, run.segment, run.row, count)
        runs[done].row += count
        if run.row + count == run.end { done += 1 }
        if done == runs.count {
          runs.removeAll(keepingCapacity: true)
          done = 0
        }
      } else {
        try merge(limit, &rows)
      }
    }
    return true
  }

  /// The next rows where there is one segment and all of it is wanted.
  private mutating func nextOfOne(_ limit: Int, _ rows: inout PulledSpans) -> Bool {
    let index = inputs[0].index
    var position = inputs[0].position
    defer { inputs[0].position = position }
    while rows.count < limit {
      guard position < index.count else { return false }
      let id = unsafe index.ids[position]
      let start = unsafe Int(index.starts[position]) + taken
      let left = unsafe Int(index.starts[position + 1]) - start
      let isHidden = !retired.isEmpty && retired.contains(id)
      let count = isHidden ? left : min(left, limit - rows.count)
      if !isHidden { rows.append(id, inputs[0].segment, start, count) }
      taken = count == left ? 0 : taken + count
      position += count == left ? 1 : 0
    }
    return true
  }

  /// Takes an entity's rows out of the segments that have it next.
  private mutating func open(_ id: UInt32) throws(LarderError) {
    owner = id
    areApart = true
    var last: Int64?
    let isHidden = !retired.isEmpty && retired.contains(id)
    for number in heads.indices where heads[number] == id {
      let input = inputs[number]
      let place = input.position
      inputs[number].position += 1
      unsafe heads[number] = place + 1 < input.index.count ? input.index.ids[place + 1] : .max
      if isHidden { continue }
      var start = unsafe Int(input.index.starts[place])
      var end = unsafe Int(input.index.starts[place + 1])
      if !input.isWhole {
        let rows = start..<end
        start = try tables.firstRow(of: input.segment, rows, notBefore: from)
        if through < .max {
          end = try tables.firstRow(of: input.segment, rows, notBefore: through + 1)
        }
      }
      if let last, last >= input.first { areApart = false }
      last = max(last ?? .min, input.last)
      if start < end { runs.append(Run(segment: input.segment, row: start, end: end, event: 0)) }
    }
    if runs.count < 2 || areApart { return }
    for index in runs.indices {
      let run = runs[index]
      try tables[run.segment].eventColumn.ensureVerified(rows: run.row..<run.end)
      runs[index].event = unsafe tables[run.segment].times.time(at: run.row)
    }
  }

  /// Takes rows of one of the open runs: the least, and those after it that come before all others.
  private mutating func merge(_ limit: Int, _ rows: inout PulledSpans) throws(LarderError) {
    var least = 0
    for index in runs.indices.dropFirst() where try precedes(runs[index], runs[least]) {
      least = index
    }
    var other = Int64.max
    for index in runs.indices where index != least { other = min(other, runs[index].event) }
    let run = runs[least]
    let times = tables[run.segment].times
    let bound = min(run.end, run.row + (limit - rows.count))
    // Of the rows up to `low` it is known that they come before; that of `high` does not.
    var low = run.row
    var high = bound
    var step = 1
    while low + step < high {
      if unsafe times.time(at: low + step) < other {
        low += step
        step *= 2
      } else {
        high = low + step
        break
      }
    }
    while high - low > 1 {
      let middle = (low + high) / 2
      if unsafe times.time(at: middle) < other { low = middle } else { high = middle }
    }
    rows.append(owner, run.segment, run.row, low + 1 - run.row)
    if low + 1 == run.end {
      runs.remove(at: least)
    } else {
      runs[least].row = low + 1
      unsafe runs[least].event = times.time(at: low + 1)
    }
  }

  private func precedes(_ a: Run, _ b: Run) throws(LarderError) -> Bool {
    if a.event != b.event { return a.event < b.event }
    let (x, y) = (try known(a), try known(b))
    return (x.isKnown, x.created, x.commit) < (y.isKnown, y.created, y.commit)
  }

  /// What decides between equal event times.
  private func known(
    _ run: Run
  ) throws(LarderError) -> (isKnown: Int, created: Int64, commit: UInt64) {
    let table = tables[run.segment]
    try table.createdColumn?.ensureVerified(rows: run.row..<run.row + 1)
    let created = unsafe table.created?.time(at: run.row)
    return (created == nil ? 0 : 1, created ?? 0, table.lastCommit)
  }
}

extension SearchTables {
  /// The first of an entity's rows in a segment whose event is not before a time; the end if there
  /// is none.
  ///
  /// - Throws: `corrupt` if a page is damaged.
  func firstRow(
    of ordinal: Int, _ rows: Range<Int>, notBefore time: Int64
  ) throws(LarderError) -> Int {
    let table = self[ordinal]
    try table.eventColumn.ensureVerified(rows: rows)
    var low = rows.lowerBound
    var high = rows.upperBound
    while low < high {
      let middle = (low + high) / 2
      if unsafe table.times.time(at: middle) < time { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
