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
struct EntitySearch {
  let tables: SearchTables
  let scratch: SearchScratch
  /// For each segment, 1 if all event times are verified.
  let verified: Lanes<UInt8>
  let rules: SearchRules
  /// Whether only rows count that had been created by the time asked for.
  let asKnown: Bool
  /// Whether `seen` must be complete, for statuses.
  let wantsStatus: Bool

  /// Searches the entries that `cursor` and `end` name, within the bounds of each row.
  ///
  /// - Parameters:
  ///   - entries: what cursors count into.
  ///   - count: rows of the chunk.
  /// - Throws: `corrupt` if a page that must be read is damaged.
  func run(_ entries: Lanes<TimelineEntry>, _ count: Int) throws(LarderError) {
    let scratch = self.scratch
    scratch.bestSegment.fill(SearchScratch.nothing, count)
    scratch.seen.fill(0, count)
    var active = 0
    for lane in 0..<count {
      let isAsked =
        scratch.flags[lane] == BoundFlag.usual && scratch.cursor[lane] < scratch.end[lane]
      scratch.active[active] = UInt32(truncatingIfNeeded: lane)
      active &+= isAsked ? 1 : 0
    }
    while active > 0 {
      active = try advance(active, entries)
      if active == 0 { break }
      locateBlocks(active)
      prefetchWindows(active)
      try resolve(active)
      try offerAll(active)
      if rules.looksIntoOneRun { break }
    }
  }

  /// Moves each active row to the next run that must be searched; rows without one drop out.
  ///
  /// - Returns: how many rows are still active: the first items, in the same order.
  private func advance(
    _ active: Int, _ entries: Lanes<TimelineEntry>
  ) throws(LarderError) -> Int {
    let scratch = self.scratch
    let items = scratch.items
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
        add(entry, lane: lane, upper, to: items, at: kept)
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

  private func add(
    _ entry: TimelineEntry, lane: Int, _ upper: Int64, to items: SearchItems, at item: Int
  ) {
    items.lane[item] = UInt32(truncatingIfNeeded: lane)
    items.segment[item] = UInt32(truncatingIfNeeded: entry.segment)
    items.low[item] = UInt32(truncatingIfNeeded: entry.start)
    items.high[item] = UInt32(truncatingIfNeeded: entry.end)
    items.start[item] = UInt32(truncatingIfNeeded: entry.start)
    items.first[item] = entry.first
    items.last[item] = entry.last
    items.key[item] = upper
    let firstFence = (entry.start &+ 63) &>> 6
    let afterFences = (entry.end &+ 63) &>> 6
    unsafe items.fences[item] = tables.table[entry.segment].times.fences + firstFence
    items.fenceCount[item] = UInt32(truncatingIfNeeded: afterFences &- firstFence)
  }

  /// Takes the winner of each searched run into account.
  private func offerAll(_ count: Int) throws(LarderError) {
    let items = scratch.items
    let lowers = scratch.lower
    for item in 0..<count {
      let row = items.row[item]
      guard row != SearchScratch.nothing else { continue }
      let lane = Int(items.lane[item])
      let event = items.event[item]
      // The winner of a run is its latest row in time: if it is too old, so are the others.
      guard event >= lowers[lane] else { continue }
      try offer(lane, Int(items.segment[item]), Int(row), event)
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
