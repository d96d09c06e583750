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

  private let arena: LaneArena

  init(_ arena: LaneArena) {
    self.arena = arena
    lane = arena.lanes(SearchScratch.chunkRows)
    segment = arena.lanes(SearchScratch.chunkRows)
    row = arena.lanes(SearchScratch.chunkRows)
  }

  /// Collects what a search found.
  mutating func collect(_ scratch: SearchScratch, _ rows: Int) {
    var count = 0
    for lane in 0..<rows {
      let segment = scratch.bestSegment[lane]
      self.lane[count] = UInt32(truncatingIfNeeded: lane)
      self.segment[count] = segment
      row[count] = scratch.bestRow[lane]
      count &+= segment == SearchScratch.nothing ? 0 : 1
    }
    self.count = count
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
