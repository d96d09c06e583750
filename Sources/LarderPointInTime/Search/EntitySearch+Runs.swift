import CLarderKernels
import LarderColumns
import LarderEncodings
import LarderOffline

// Within a run: fences narrow it down to a block of 64 rows, a guess to some rows of the block.

extension EntitySearch {
  /// Finds the winner of each run: the last row that is not later than its key and, if asked, was
  /// known by then.
  ///
  /// - Throws: `corrupt` if a page is damaged.
  func searchRuns(_ count: Int) throws(LarderError) {
    let runs = scratch.runs
    unsafe larder_locate_blocks(runs.base, count, tables.times)
    try verifyBlocks(count)
    let unread =
      isOrdered
      ? unsafe larder_find_rows_in_order(runs.base, count, tables.times)
      : unsafe larder_find_rows(runs.base, count, tables.times)
    if unread == 0, !asKnown, !rules.choosesLoser { return }
    for item in 0..<count {
      if runs[item].row == LARDER_UNREAD_ROW { readBlock(item) }
      guard runs[item].row != SearchScratch.nothing else { continue }
      if asKnown {
        try walkBack(item, tables[Int(runs[item].segment)])
      } else if rules.choosesLoser, runs[item].row > runs[item].start {
        unsafe runs.base[item].row -= 1
      }
    }
  }

  /// Verifies the pages of the blocks, and notes them.
  private func verifyBlocks(_ count: Int) throws(LarderError) {
    let runs = scratch.runs
    var last = -1
    var lastSegment = -1
    for item in 0..<count {
      let segment = Int(runs[item].segment)
      let low = Int(runs[item].low)
      // A block of 64 rows lies within one page and one vector.
      touched.note(segment, low)
      // Neighbours often lie on one page: only the first asks.
      guard verified[segment] == 0, low >> 16 != last || segment != lastSegment else { continue }
      try tables.verify(segment, row: low)
      last = low >> 16
      lastSegment = segment
    }
  }

  /// Finds a row in a block of runs or patches, which the kernel does not read.
  private func readBlock(_ item: Int) {
    let run = scratch.runs[item]
    let times = unsafe tables.table[Int(run.segment)].times
    let row = lastRow(times, Int(run.low)..<Int(run.high), notAfter: run.key)
    unsafe scratch.runs.base[item].row = row.map { UInt32(truncatingIfNeeded: $0) } ?? .max
    if let row { unsafe scratch.runs.base[item].event = times.time(at: row) }
  }
}

/// The last of some rows of a run whose event time is not after a key; nil if there is none.
func lastRow(_ times: TimeView, _ rows: Range<Int>, notAfter key: Int64) -> Int? {
  var low = rows.lowerBound
  var high = rows.upperBound
  while low < high {
    let middle = (low + high) / 2
    if unsafe times.time(at: middle) <= key { low = middle + 1 } else { high = middle }
  }
  return low > rows.lowerBound ? low - 1 : nil
}

/// The portable twin of `larder_locate_blocks` and `larder_find_rows` together.
///
/// - Parameters:
///   - runs: `key`, `start`, `end` and `segment` are read; `row` and `event` are set.
///   - times: the segments by ordinal, all of whose pages are verified.
package func findRows(_ runs: UnsafeMutableBufferPointer<larder_run>, _ times: [TimeView]) {
  for index in runs.indices {
    let run = unsafe runs[index]
    let view = times[Int(run.segment)]
    let row = lastRow(view, Int(run.start)..<Int(run.end), notAfter: run.key)
    unsafe runs[index].row = row.map { UInt32(truncatingIfNeeded: $0) } ?? .max
    if let row { unsafe runs[index].event = view.time(at: row) }
  }
}

extension larder_run {
  /// The run of an entry.
  @inline(__always) init(_ entry: TimelineEntry, lane: UInt32, key: Int64) {
    self.init(
      key: key, first: entry.first, last: entry.last, event: 0,
      start: UInt32(truncatingIfNeeded: entry.start), end: UInt32(truncatingIfNeeded: entry.end),
      low: 0, high: 0, guess: 0, segment: UInt32(truncatingIfNeeded: entry.segment), lane: lane,
      row: 0)
  }

  /// The run in a head, too short for its first and last event to be needed.
  @inline(__always) init(_ head: TimelineHead, lane: UInt32, key: Int64) {
    let start = UInt32(truncatingIfNeeded: head.start)
    self.init(
      key: key, first: 0, last: 0, event: 0, start: start,
      end: start &+ UInt32(truncatingIfNeeded: head.rows), low: 0, high: 0, guess: 0,
      segment: UInt32(truncatingIfNeeded: head.segment), lane: lane, row: 0)
  }
}
