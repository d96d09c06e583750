import LarderColumns
import LarderKeys

/// Walks through the entities of a view and finds the latest row of each in a range of event times:
/// the point-in-time answer at the end of the range.
struct LatestCursor {
  private let tables: SearchTables
  private let timeline: EntityTimeline
  private let retired: RetiredIDs
  private let from: Int64
  private let through: Int64
  private let scratch = SearchScratch()
  private let verified: Lanes<UInt8>
  private let ids: Lanes<UInt32>
  private let touched: TouchedPages
  private var id = 0

  /// - Parameters: as for `RunCursor`.
  init(
    _ tables: SearchTables, _ timeline: EntityTimeline, from: Int64, through: Int64,
    retired: RetiredIDs
  ) {
    self.tables = tables
    self.timeline = timeline
    self.from = from
    self.through = through
    self.retired = retired
    verified = scratch.arena.lanes(max(1, tables.count))
    ids = scratch.arena.lanes(SearchScratch.chunkRows)
    touched = tables.touchedPages(scratch.arena)
  }

  /// Appends the latest rows of the next entities to lists.
  ///
  /// - Parameter limit: how many at most; a multiple of `SearchScratch.chunkRows`.
  /// - Returns: false if there are no more.
  /// - Throws: `corrupt` if a page is damaged.
  mutating func next(_ limit: Int, into rows: inout PulledRows) throws(LarderError) -> Bool {
    while rows.count + SearchScratch.chunkRows <= limit {
      guard id < timeline.ids else { return false }
      let count = min(SearchScratch.chunkRows, timeline.ids - id)
      scratch.flags.fill(BoundFlag.usual, count)
      scratch.upper.fill(through, count)
      scratch.lower.fill(from, count)
      for lane in 0..<count { ids[lane] = UInt32(truncatingIfNeeded: id + lane) }
      tables.noteVerified(verified)
      try EntitySearch(
        tables: tables, scratch: scratch, verified: verified, touched: touched,
        rules: SearchRules(), asKnown: false, wantsStatus: false, isOrdered: true
      ).run(timeline, ids, count)
      for lane in 0..<count {
        let segment = scratch.bestSegment[lane]
        let entity = UInt32(truncatingIfNeeded: id + lane)
        guard segment != SearchScratch.nothing, !retired.contains(entity) else { continue }
        rows.append(entity, Int(segment), Int(scratch.bestRow[lane]))
      }
      id += count
    }
    return true
  }
}
