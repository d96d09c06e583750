import CLarderKernels
import LarderColumns
import LarderEncodings
import LarderOffline

// Within a run: fences narrow it down to a block of 64 rows, a guess to some rows of the block.

extension EntitySearch {
  /// Rows searched to either side of a guess.
  private static var window: Int { 8 }
  /// Runs that go through their fences together.
  private static var together: Int { 128 }

  /// Finds the block of each run that its winner lies in, and guesses where.
  func locateBlocks(_ count: Int) {
    let items = scratch.items
    var first = 0
    while first < count {
      let lanes = min(EntitySearch.together, count &- first)
      unsafe larder_count_not_greater(
        UnsafeRawPointer(items.fences.base + first)
          .assumingMemoryBound(to: Optional<UnsafePointer<Int64>>.self),
        items.fenceCount.base + first, items.key.base + first, items.notLater.base + first, lanes)
      first &+= lanes
    }
    let table = unsafe tables.table
    for item in 0..<count { unsafe narrow(item, items, table) }
  }

  @inline(__always) private func narrow(
    _ item: Int, _ items: SearchItems, _ table: UnsafePointer<SearchedTimes>
  ) {
    let start = Int(items.start[item])
    let end = Int(items.high[item])
    let fenceCount = Int(items.fenceCount[item])
    let notLater = Int(items.notLater[item])
    let firstFence = (start &+ 63) &>> 6
    let fences = unsafe items.fences[item]
    var low = start
    var leftTime = items.first[item]
    if notLater > 0, let fences = unsafe fences {
      low = (firstFence &+ notLater &- 1) &<< 6
      leftTime = unsafe fences[notLater &- 1]
    }
    var high = end
    var rightRow = end &- 1
    var rightTime = items.last[item]
    if notLater < fenceCount, let fences = unsafe fences {
      high = (firstFence &+ notLater) &<< 6
      rightRow = high
      rightTime = unsafe fences[notLater]
    }
    items.low[item] = UInt32(truncatingIfNeeded: low)
    items.high[item] = UInt32(truncatingIfNeeded: high)
    let span = Double(rightTime) - Double(leftTime)
    let part = Double(items.key[item]) - Double(leftTime)
    var guess = low
    if part > 0, span > part { guess = low &+ Int(part / span * Double(rightRow &- low)) }
    if span <= part { guess = high &- 1 }
    let clamped = min(max(guess, low), high &- 1)
    items.guess[item] = UInt32(truncatingIfNeeded: clamped)
    let segment = Int(items.segment[item])
    unsafe larder_prefetch(table[segment].times.lanes.headers + clamped &>> 10)
  }

  /// Brings the lines around each guess closer.
  func prefetchWindows(_ count: Int) {
    let items = scratch.items
    let table = unsafe tables.table
    for item in 0..<count {
      let segment = Int(items.segment[item])
      let guess = Int(items.guess[item])
      let low = max(Int(items.low[item]), guess &- EntitySearch.window)
      let high = min(Int(items.high[item]) &- 1, guess &+ EntitySearch.window)
      let lanes = unsafe table[segment].times.lanes
      unsafe prefetchLane(lanes, low)
      unsafe prefetchLane(lanes, guess)
      unsafe prefetchLane(lanes, high)
    }
  }

  /// Finds the winner of each run within its block: the last row that is not later than the key.
  ///
  /// - Throws: `corrupt` if a page is damaged.
  func resolve(_ count: Int) throws(LarderError) {
    let items = scratch.items
    let table = unsafe tables.table
    let verified = self.verified
    for item in 0..<count {
      let segment = Int(items.segment[item])
      let low = Int(items.low[item])
      // A block of 64 rows lies within one page and one vector.
      if verified[segment] == 0 { try tables.verify(segment, row: low) }
      let times = unsafe table[segment].times
      let high = Int(items.high[item])
      let guess = Int(items.guess[item])
      let key = items.key[item]
      let row: Int
      if let block = unsafe PackedBlock(times, low) {
        row = block.lastRow(notAfter: key, low, high, guess)
      } else {
        row = AnyBlock(times).lastRow(notAfter: key, low, high, guess)
      }
      guard row >= low else {
        items.row[item] = SearchScratch.nothing
        continue
      }
      let event = unsafe times.fences[row &>> 6] &+ readLane(times.lanes, row)
      items.row[item] = UInt32(truncatingIfNeeded: row)
      items.event[item] = event
      if asKnown {
        try walkBack(item, tables[segment])
      } else if rules.choosesLoser, row > Int(items.start[item]) {
        items.row[item] = UInt32(truncatingIfNeeded: row &- 1)
      }
    }
  }
}

/// Rows of event times in which a time can be looked up.
private protocol TimeBlock {
  /// The event time of a row of the block.
  func time(_ row: Int) -> Int64
}

extension TimeBlock {
  /// The last row of `low..<high` whose time is not after a key; `low - 1` if there is none.
  ///
  /// Times ascend. The rows near the guess are tried first.
  @inline(__always) func lastRow(
    notAfter key: Int64, _ low: Int, _ high: Int, _ guess: Int
  ) -> Int {
    var from = low
    var to = high
    let near = max(low, guess &- 8)
    let far = min(high, guess &+ 9)
    if near > low, time(near) > key {
      to = near
    } else {
      from = near
      if far < high {
        if time(far) > key { to = far } else { from = far }
      }
    }
    // From here on: rows before `from` are not after the key, rows from `to` on are.
    while from < to {
      let middle = (from &+ to) &>> 1
      if time(middle) <= key { from = middle &+ 1 } else { to = middle }
    }
    return from &- 1
  }
}

/// A block of 64 rows of a plain vector, or a frame: one fence, one base, one width.
@safe private struct PackedBlock: TimeBlock {
  private let fence: Int64
  private let base: Int64
  private let scale: Int64
  /// Where the packed number of row `first` would start.
  private let start: UnsafeRawPointer
  private let first: Int
  private let width: Int
  private let mask: UInt64

  /// The block that a row lies in; nil if its vector is of another kind, or has patches.
  @inline(__always) @unsafe init?(_ times: TimeView, _ row: Int) {
    let header = unsafe times.lanes.headers[row &>> 10]
    let kind = header.kind.rawValue
    guard kind & 6 == 0 else { return nil }
    unsafe fence = times.fences[row &>> 6]
    unsafe scale = times.lanes.scales[row &>> 16]
    width = Int(header.width)
    mask = laneMask(width)
    let body = unsafe times.lanes.body + Int(header.offset) &<< 3
    if kind & 1 == 0 {
      base = header.base
      unsafe start = body
      first = row & ~1_023
    } else {
      let baseBytes = header.frameBaseBytes
      let frame = unsafe body + ((row & 1_023) &>> 6) &* (width &* 8 &+ baseBytes)
      let own = unsafe frame.loadUnaligned(as: UInt64.self) & laneMask(baseBytes &* 8)
      base = header.base &+ Int64(bitPattern: own)
      unsafe start = frame + baseBytes
      first = row & ~63
    }
  }

  @inline(__always) func time(_ row: Int) -> Int64 {
    let bit = (row &- first) &* width
    let word = unsafe (start + bit &>> 3).loadUnaligned(as: UInt64.self) &>> UInt64(bit & 7)
    return fence &+ (base &+ Int64(bitPattern: word & mask)) &* scale
  }
}

/// Rows of any column of event times.
@safe private struct AnyBlock: TimeBlock {
  private let times: TimeView

  @inline(__always) init(_ times: TimeView) { self.times = times }

  @inline(__always) func time(_ row: Int) -> Int64 { unsafe times.time(at: row) }
}
