import CLarderKernels
import LarderColumns
import LarderEncodings
import LarderOffline

/// Finds for each spine row of a chunk the one row of history that answers it.
///
/// The runs of a row's entity are visited latest last event first. Runs that cannot answer are
/// passed over by their own first and last event; a run that ends in time answers with its last row
/// unread; others are searched, all active rows of the chunk together. A row is done when the next
/// run ends strictly before the best event so far. Segments may overlap in time in any way.
///
/// Entities whose only run is short take the fast path: it lies in the timeline's head, and is
/// searched without its first and last event.
struct EntitySearch {
  let tables: SearchTables
  let scratch: SearchScratch
  /// For each segment, 1 if all event times are verified.
  let verified: Lanes<UInt8>
  /// Which pages of event times were read.
  let touched: TouchedPages
  let rules: SearchRules
  /// Whether only rows count that had been created by the time asked for.
  let asKnown: Bool
  /// Whether `seen` must be complete, for statuses.
  let wantsStatus: Bool
  /// Whether the rows stand in the order of history.
  let isOrdered: Bool

  /// Searches the runs of entities by a timeline, within the bounds of each row.
  ///
  /// - Parameters:
  ///   - timeline: where the entities' runs are.
  ///   - ids: the entity of each row; `UInt32.max` where there is none.
  ///   - count: rows of the chunk.
  /// - Throws: `corrupt` if a page that must be read is damaged.
  func run(
    _ timeline: EntityTimeline, _ ids: Lanes<UInt32>, _ count: Int
  ) throws(LarderError) {
    scratch.bestSegment.fill(SearchScratch.nothing, count)
    scratch.seen.fill(0, count)
    try timeline.verifyHeads(ids, count)
    let opened = open(timeline, ids, count)
    try timeline.verifyEntries(scratch, opened.active)
    try search(timeline.entries, runs: opened.runs, active: opened.active)
  }

  /// Searches the entries that `cursor` and `end` name, within the bounds of each row.
  ///
  /// - Parameters:
  ///   - entries: what cursors count into.
  ///   - count: rows of the chunk.
  /// - Throws: `corrupt` if a page that must be read is damaged.
  func run(_ entries: Lanes<TimelineEntry>, _ count: Int) throws(LarderError) {
    let scratch = self.scratch
    scratch.bestSegment.fill(SearchScratch.nothing, count)
    var active = 0
    for lane in 0..<count {
      let hasRuns = scratch.cursor[lane] < scratch.end[lane]
      scratch.seen[lane] = hasRuns ? Seen.any : 0
      let isAsked = scratch.flags[lane] == BoundFlag.usual && hasRuns
      scratch.active[active] = UInt32(truncatingIfNeeded: lane)
      active &+= isAsked ? 1 : 0
    }
    try search(entries, runs: 0, active: active)
  }

  /// Takes short only runs from their heads, and notes where the entries of other entities are.
  private func open(
    _ timeline: EntityTimeline, _ ids: Lanes<UInt32>, _ count: Int
  ) -> (runs: Int, active: Int) {
    let scratch = self.scratch
    let known = timeline.ids
    let heads = timeline.heads
    let entries = timeline.entries
    let table = unsafe tables.table
    let ahead = 32
    for lane in 0..<min(ahead, count) { prefetch(heads, ids[lane], known) }
    var runs = 0
    var active = 0
    for lane in 0..<count {
      if lane &+ ahead < count { prefetch(heads, ids[lane &+ ahead], known) }
      let id = Int(ids[lane])
      scratch.cursor[lane] = 0
      scratch.end[lane] = 0
      guard id < known else { continue }
      let head = heads[id]
      if head.isRun {
        // Both are told apart from an unknown entity by `seen` alone.
        scratch.seen[lane] = Seen.any
        guard scratch.flags[lane] == BoundFlag.usual, unsafe table[head.segment].isOpen else {
          continue
        }
        scratch.runs[runs] = larder_run(
          head, lane: UInt32(truncatingIfNeeded: lane), key: scratch.upper[lane])
        runs &+= 1
        continue
      }
      let first = Int(head.firstEntry)
      let many = Int(head.entryCount)
      guard many > 0 else { continue }
      scratch.seen[lane] = Seen.any
      guard scratch.flags[lane] == BoundFlag.usual else { continue }
      scratch.cursor[lane] = UInt32(truncatingIfNeeded: first)
      scratch.end[lane] = UInt32(truncatingIfNeeded: first &+ many)
      scratch.active[active] = UInt32(truncatingIfNeeded: lane)
      active &+= 1
      unsafe larder_prefetch(entries.base + first)
      unsafe larder_prefetch(UnsafeRawPointer(entries.base + first) + 63)
    }
    return (runs, active)
  }

  @inline(__always) private func prefetch(
    _ heads: Lanes<TimelineHead>, _ id: UInt32, _ known: Int
  ) {
    if Int(id) < known { unsafe larder_prefetch(heads.base + Int(id)) }
  }

  /// Searches rounds of runs until no row has any left.
  ///
  /// - Parameters:
  ///   - runs: how many runs are there to begin with.
  ///   - active: how many rows have entries.
  private func search(
    _ entries: Lanes<TimelineEntry>, runs: Int, active: Int
  ) throws(LarderError) {
    var first = runs
    var active = active
    while true {
      active = active > 0 ? try advance(active, entries, from: first) : 0
      if first &+ active == 0 { return }
      try searchRuns(first &+ active)
      try offerAll(first &+ active)
      if rules.looksIntoOneRun { return }
      first = 0
    }
  }

  /// Moves each active row to the next run that must be searched; rows without one drop out.
  ///
  /// - Parameter first: where in `scratch.runs` the runs go.
  /// - Returns: how many rows are still active, and runs are there from `first` on.
  private func advance(
    _ active: Int, _ entries: Lanes<TimelineEntry>, from first: Int
  ) throws(LarderError) -> Int {
    let scratch = self.scratch
    let asKnown = self.asKnown
    var kept = 0
    for position in 0..<active {
      let lane = Int(scratch.active[position])
      var cursor = Int(scratch.cursor[lane])
      let end = Int(scratch.end[lane])
      let upper = scratch.upper[lane]
      let lower = scratch.lower[lane]
      var seen = scratch.seen[lane]
      var found = false
      while cursor < end {
        let entry = entries[cursor]
        seen |= Seen.any
        if entry.first > upper {
          cursor &+= 1
          continue
        }
        seen |= Seen.notLater
        if entry.last < lower || isBeaten(entry.last, lane) {
          cursor = end
          break
        }
        cursor &+= 1
        if asKnown {
          if !wantsStatus, cannotBeKnown(entry.segment, upper) { continue }
        } else if entry.last <= upper {
          let row = entry.end &- 1 &- (rules.choosesLoser && entry.rows > 1 ? 1 : 0)
          try offer(lane, entry.segment, row, entry.last)
          continue
        }
        scratch.runs[first &+ kept] = larder_run(
          entry, lane: UInt32(truncatingIfNeeded: lane), key: upper)
        found = true
        break
      }
      scratch.cursor[lane] = UInt32(truncatingIfNeeded: cursor)
      scratch.seen[lane] = seen
      scratch.active[kept] = UInt32(truncatingIfNeeded: lane)
      kept &+= found ? 1 : 0
    }
    return kept
  }

  /// Whether a run that ends at an event cannot beat the best row so far.
  @inline(__always) private func isBeaten(_ last: Int64, _ lane: Int) -> Bool {
    guard scratch.bestSegment[lane] != SearchScratch.nothing else { return false }
    let best = scratch.bestEvent[lane]
    // An equal event may still win by its created time or its commit.
    return last < best || rules.stopsOnEqual && last == best
  }

  private func cannotBeKnown(_ segment: Int, _ upper: Int64) -> Bool {
    let table = unsafe tables.table
    guard unsafe table[segment].hasCreated, !rules.ignoresCreated else { return false }
    guard let least = unsafe table[segment].minCreated else { return true }
    return least > upper
  }

  /// Takes the winner of each searched run into account.
  private func offerAll(_ count: Int) throws(LarderError) {
    let scratch = self.scratch
    for item in 0..<count {
      let run = scratch.runs[item]
      guard run.row != SearchScratch.nothing else { continue }
      let lane = Int(run.lane)
      scratch.seen[lane] |= Seen.notLater
      // The winner of a run is its latest row in time: if it is too old, so are the others.
      guard run.event >= scratch.lower[lane] else { continue }
      try offer(lane, Int(run.segment), Int(run.row), run.event)
    }
  }

  /// Makes a row the best of its lane if it beats the best so far.
  @inline(__always) private func offer(
    _ lane: Int, _ segment: Int, _ row: Int, _ event: Int64
  ) throws(LarderError) {
    if scratch.bestSegment[lane] != SearchScratch.nothing {
      let best = scratch.bestEvent[lane]
      if event < best { return }
      if event == best {
        let bestSegment = Int(scratch.bestSegment[lane])
        let bestRow = Int(scratch.bestRow[lane])
        guard try winsTie(segment, row, against: bestSegment, bestRow) else { return }
      }
    }
    scratch.bestSegment[lane] = UInt32(truncatingIfNeeded: segment)
    scratch.bestRow[lane] = UInt32(truncatingIfNeeded: row)
    scratch.bestEvent[lane] = event
  }

  /// Whether a row of an equal event time in another segment wins: by the greater created time,
  /// null least, then by the later commits.
  private func winsTie(
    _ segment: Int, _ row: Int, against bestSegment: Int, _ bestRow: Int
  ) throws(LarderError) -> Bool {
    let own = try createdTime(segment, row)
    let other = try createdTime(bestSegment, bestRow)
    switch (own, other) {
    case (let own?, let other?) where own != other:
      return rules.reversesCreated ? own < other : own > other
    case (_?, nil): return !rules.nullCreatedWins
    case (nil, _?): return rules.nullCreatedWins
    default:
      let isLater = tables[segment].lastCommit > tables[bestSegment].lastCommit
      return rules.reversesCommits ? !isLater : isLater
    }
  }

  private func createdTime(_ segment: Int, _ row: Int) throws(LarderError) -> Int64? {
    guard let created = tables[segment].created else { return nil }
    try tables[segment].eventColumn.ensureVerified(rows: row..<row + 1)
    try tables[segment].createdColumn?.ensureVerified(rows: row..<row + 1)
    return unsafe created.time(at: row)
  }
}
