import LarderColumns

/// The working memory of one worker's searches: one lane for each spine row of a chunk.
struct SearchScratch {
  /// Spine rows of a chunk.
  static let chunkRows = 2_048
  /// No row found.
  static let nothing = UInt32.max

  let arena = LaneArena()
  /// The entity of each row; `UInt32.max` where the key is null or unknown.
  let ids: Lanes<UInt32>
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
  /// The runs to search in this round.
  let items: SearchItems

  init() {
    let rows = SearchScratch.chunkRows
    ids = arena.lanes(rows)
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
    items = SearchItems(arena, rows)
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

/// The runs that one round searches, one for each active row.
@safe struct SearchItems {
  /// The spine row's lane.
  let lane: Lanes<UInt32>
  /// The segment's ordinal.
  let segment: Lanes<UInt32>
  /// The first row of the run.
  let start: Lanes<UInt32>
  /// The first row that may be the winner, and the one after the last.
  let low: Lanes<UInt32>
  let high: Lanes<UInt32>
  /// The run's first and last event, for guessing at its ends.
  let first: Lanes<Int64>
  let last: Lanes<Int64>
  /// The tick searched for.
  let key: Lanes<Int64>
  /// The fences within the run, and how many of them are not later than the key.
  let fences: Lanes<UnsafePointer<Int64>?>
  let fenceCount: Lanes<UInt32>
  let notLater: Lanes<UInt32>
  /// Where the winner is looked for first.
  let guess: Lanes<UInt32>
  /// The winner: its row, or `nothing`; and its event time.
  let row: Lanes<UInt32>
  let event: Lanes<Int64>

  init(_ arena: LaneArena, _ count: Int) {
    lane = arena.lanes(count)
    segment = arena.lanes(count)
    start = arena.lanes(count)
    low = arena.lanes(count)
    high = arena.lanes(count)
    first = arena.lanes(count)
    last = arena.lanes(count)
    key = arena.lanes(count)
    unsafe fences = arena.lanes(count)
    fenceCount = arena.lanes(count)
    notLater = arena.lanes(count)
    guess = arena.lanes(count)
    row = arena.lanes(count)
    event = arena.lanes(count)
  }
}
