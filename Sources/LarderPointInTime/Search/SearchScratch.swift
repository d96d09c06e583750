import CLarderKernels
import LarderColumns

/// The working memory of one worker's searches: one lane for each spine row of a chunk.
struct SearchScratch {
  /// Spine rows of a chunk.
  static let chunkRows = 2_048
  /// No row found.
  static let nothing = UInt32.max

  let arena = LaneArena()
  /// The last tick that may answer.
  let upper: Lanes<Int64>
  /// The first tick that may answer.
  let lower: Lanes<Int64>
  /// A `BoundFlag` each.
  let flags: Lanes<UInt8>
  /// The next of the row's entries, and the one after its last.
  let cursor: Lanes<UInt32>
  let end: Lanes<UInt32>
  /// The best row so far: its segment's ordinal (`nothing` for none), its row and its event time.
  let bestSegment: Lanes<UInt32>
  let bestRow: Lanes<UInt32>
  let bestEvent: Lanes<Int64>
  /// What was seen: see `Seen`.
  let seen: Lanes<UInt8>
  /// Rows that still have entries to look at.
  let active: Lanes<UInt32>
  /// The runs to search in this round, at most one for each row.
  let runs: Lanes<larder_run>

  init() {
    let rows = SearchScratch.chunkRows
    upper = arena.lanes(rows)
    lower = arena.lanes(rows)
    flags = arena.lanes(rows)
    cursor = arena.lanes(rows)
    end = arena.lanes(rows)
    bestSegment = arena.lanes(rows)
    bestRow = arena.lanes(rows)
    bestEvent = arena.lanes(rows)
    seen = arena.lanes(rows)
    active = arena.lanes(rows)
    runs = arena.lanes(rows)
  }
}

/// What the search met on its way, for statuses.
enum Seen {
  /// The entity has a row.
  static let any: UInt8 = 1
  /// The entity has a row that is not later than asked for.
  static let notLater: UInt8 = 2
  /// The entity has a row within the time to live.
  static let alive: UInt8 = 4
}
