/// The rows of one chunk that found an answer, in spine order.
struct Matches {
  /// The row within the chunk.
  let lane: Lanes<UInt32>
  /// The ordinal of the segment.
  let segment: Lanes<UInt32>
  /// The row of the segment.
  let row: Lanes<UInt32>
  /// How many.
  private(set) var count = 0
  /// The lanes alone.
  var lanes: MatchLanes { MatchLanes(lane: lane, segment: segment, row: row) }

  private let arena: LaneArena

  init(_ arena: LaneArena) {
    self.arena = arena
    lane = arena.lanes(SearchScratch.chunkRows)
    segment = arena.lanes(SearchScratch.chunkRows)
    row = arena.lanes(SearchScratch.chunkRows)
  }

  /// Collects what a search found.
  mutating func collect(_ scratch: SearchScratch, _ rows: Int) {
    count = compact(lanes, scratch.bestSegment, scratch.bestRow, rows)
  }

  /// Notes the pages that the matches lie on.
  func note(in pages: TouchedPages) {
    for match in 0..<count { pages.note(Int(segment[match]), Int(row[match])) }
  }

  /// Takes rows that are already known, as one chunk.
  mutating func copy(_ rows: PulledRows, _ range: Range<Int>) {
    for (lane, index) in range.enumerated() {
      self.lane[lane] = UInt32(truncatingIfNeeded: lane)
      segment[lane] = rows.segments[index]
      row[lane] = rows.rows[index]
    }
    count = range.count
  }
}

/// Lists the lanes that have a best row, without a branch on whether they have.
private func compact(
  _ matches: MatchLanes, _ segments: Lanes<UInt32>, _ rows: Lanes<UInt32>, _ lanes: Int
) -> Int {
  var count = 0
  for lane in 0..<lanes {
    let segment = segments[lane]
    matches.lane[count] = UInt32(truncatingIfNeeded: lane)
    matches.segment[count] = segment
    matches.row[count] = rows[lane]
    count &+= segment == SearchScratch.nothing ? 0 : 1
  }
  return count
}
