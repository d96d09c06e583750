import LarderColumns
import LarderEncodings
import LarderKeys
import LarderOffline

/// Walks through the rows of a view in a range of event times, entity by entity, within an entity by
/// event time, created time and commit.
///
/// It holds only where it stands, so any number of rows can be walked in bounded memory.
struct RunCursor {
  /// A part of a run that is still to be walked.
  private struct Run {
    var segment: Int
    var row: Int
    var end: Int
  }

  private let tables: SearchTables
  private let timeline: EntityTimeline
  private let retired: RetiredIDs
  private let from: Int64
  private let through: Int64
  private let lastID: Int
  private var id: Int
  private var runs: [Run] = []

  /// - Parameters:
  ///   - from: the first event time, in ticks of the view.
  ///   - through: the last.
  ///   - retired: entities that are passed over.
  ///   - only: the one entity to walk through; nil for all.
  init(
    _ tables: SearchTables, _ timeline: EntityTimeline, from: Int64, through: Int64,
    retired: RetiredIDs, only: UInt32? = nil
  ) {
    id = only.map { Int($0) } ?? 0
    lastID = min(timeline.ids, only.map { Int($0) + 1 } ?? timeline.ids) - 1
    self.tables = tables
    self.timeline = timeline
    self.from = from
    self.through = through
    self.retired = retired
  }

  /// Appends the next rows to lists.
  ///
  /// - Parameter limit: how many at most.
  /// - Returns: false if there are no more.
  /// - Throws: `corrupt` if a page is damaged.
  mutating func next(_ limit: Int, into rows: inout PulledRows) throws(LarderError) -> Bool {
    while rows.count < limit {
      while runs.isEmpty {
        guard id <= lastID else { return false }
        if !retired.contains(UInt32(truncatingIfNeeded: id)) { try open() }
        id += 1
      }
      try walk(limit, &rows)
    }
    return true
  }

  /// Counts the rows that are left, and the entities that have any, without listing them.
  mutating func countAll() throws(LarderError) -> (rows: Int, entities: Int) {
    var rows = 0
    var entities = 0
    while id <= lastID {
      if !retired.contains(UInt32(truncatingIfNeeded: id)) { try open() }
      id += 1
      let own = runs.reduce(0) { $0 + $1.end - $1.row }
      rows += own
      entities += own > 0 ? 1 : 0
      runs.removeAll(keepingCapacity: true)
    }
    return (rows, entities)
  }

  /// Opens the runs of the next entity.
  private mutating func open() throws(LarderError) {
    for entry in try timeline.runs(of: id, tables) {
      guard entry.first <= through, entry.last >= from else { continue }
      let rows = entry.start..<entry.end
      let start =
        entry.first >= from
        ? entry.start : try tables.firstRow(of: entry.segment, rows, notBefore: from)
      let end: Int
      if entry.last <= through {
        end = entry.end
      } else {
        // `through` is below the last event here, so the next tick exists.
        end = try tables.firstRow(of: entry.segment, rows, notBefore: through + 1)
      }
      if start < end { runs.append(Run(segment: entry.segment, row: start, end: end)) }
    }
  }

  /// Takes rows from the open runs, least first.
  private mutating func walk(_ limit: Int, _ rows: inout PulledRows) throws(LarderError) {
    let owner = UInt32(truncatingIfNeeded: id - 1)
    while !runs.isEmpty, rows.count < limit {
      var least = 0
      for index in runs.indices.dropFirst() where try precedes(runs[index], runs[least]) {
        least = index
      }
      let run = runs[least]
      let taken = runs.count == 1 ? min(run.end - run.row, limit - rows.count) : 1
      for row in run.row..<run.row + taken { rows.append(owner, run.segment, row) }
      runs[least].row += taken
      if runs[least].row == run.end { runs.remove(at: least) }
    }
  }

  private func precedes(_ a: Run, _ b: Run) throws(LarderError) -> Bool {
    let x = try rank(a)
    let y = try rank(b)
    return (x.event, x.known, x.created, x.commit) < (y.event, y.known, y.created, y.commit)
  }

  private func rank(
    _ run: Run
  ) throws(LarderError) -> (event: Int64, known: Int, created: Int64, commit: UInt64) {
    let table = tables[run.segment]
    try table.eventColumn.ensureVerified(page: run.row >> 16)
    let event = unsafe table.times.time(at: run.row)
    try table.createdColumn?.ensureVerified(rows: run.row..<run.row + 1)
    let created = unsafe table.created?.time(at: run.row)
    return (event, created == nil ? 0 : 1, created ?? 0, table.lastCommit)
  }
}

/// Rows of segments, in the order in which they are to come out.
struct PulledRows {
  private(set) var ids: [UInt32] = []
  private(set) var segments: [UInt32] = []
  private(set) var rows: [UInt32] = []
  var count: Int { ids.count }

  mutating func append(_ id: UInt32, _ segment: Int, _ row: Int) {
    ids.append(id)
    segments.append(UInt32(truncatingIfNeeded: segment))
    rows.append(UInt32(truncatingIfNeeded: row))
  }

  /// The first rows, and the others.
  func split(at count: Int) -> (PulledRows, PulledRows) {
    var parts = (PulledRows(), PulledRows())
    for index in 0..<self.count {
      let (segment, row) = (Int(segments[index]), Int(rows[index]))
      if index < count {
        parts.0.append(ids[index], segment, row)
      } else {
        parts.1.append(ids[index], segment, row)
      }
    }
    return parts
  }

  mutating func removeAll() {
    ids.removeAll(keepingCapacity: true)
    segments.removeAll(keepingCapacity: true)
    rows.removeAll(keepingCapacity: true)
  }
}
