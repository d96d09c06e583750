import CLarderKernels
import LarderColumns
import LarderEncodings
import LarderOffline

extension EntitySearch {
  /// Goes back from the last row in time to the first that had been created by then.
  ///
  /// Rows of a run are ordered by event and created time, so the first that is met is the one that
  /// wins. Vectors of which nothing can have been created yet are passed over whole.
  ///
  /// - Parameter item: a run whose `row` and `event` are those of the last row in time; they become
  ///   those of the row that was known, or `nothing`.
  /// - Throws: `corrupt` if a page is damaged.
  func walkBack(_ item: Int, _ segment: SearchedSegment) throws(LarderError) {
    guard let created = segment.created, let column = segment.createdColumn,
      !rules.ignoresCreated
    else { return }
    let run = scratch.runs[item]
    let lane = Int(run.lane)
    let lower = scratch.lower[lane]
    let upper = run.key
    let start = Int(run.start)
    var row = Int(run.row)
    unsafe scratch.runs.base[item].row = SearchScratch.nothing
    scratch.seen[lane] |= Seen.notLater
    guard run.event >= lower else { return }
    scratch.seen[lane] |= Seen.alive
    var checkedVector = -1
    while row >= start {
      if row &>> 10 != checkedVector {
        checkedVector = row &>> 10
        try verify(max(start, checkedVector &<< 10)..<row + 1, segment, column)
        let first = max(start, checkedVector &<< 10)
        if segment.createdIsBounded, unsafe isNotYetKnown(first, upper, segment.times, created) {
          row = first &- 1
          continue
        }
      }
      let event = unsafe segment.times.time(at: row)
      if event < lower { return }
      if let time = unsafe created.time(at: row), time <= upper {
        unsafe scratch.runs.base[item].row = UInt32(truncatingIfNeeded: row)
        unsafe scratch.runs.base[item].event = event
        return
      }
      row &-= 1
    }
  }

  private func verify(
    _ rows: Range<Int>, _ segment: SearchedSegment, _ column: SegmentColumn
  ) throws(LarderError) {
    if !segment.eventColumn.isVerified(page: rows.lowerBound >> 16) {
      try segment.eventColumn.ensureVerified(rows: rows)
    }
    try column.ensureVerified(rows: rows)
  }

  /// Whether no row of a vector from `first` on was created by a time: the vector's least
  /// difference, added to the earliest event, is later.
  @unsafe private func isNotYetKnown(
    _ first: Int, _ upper: Int64, _ times: TimeView, _ created: CreatedView
  ) -> Bool {
    let base = unsafe created.lanes.headers[first >> 10].base
    let scale = unsafe created.lanes.scales[first >> 16]
    let (difference, wraps) = base.multipliedReportingOverflow(by: scale)
    let (least, overflow) = unsafe times.time(at: first).addingReportingOverflow(difference)
    return scale > 0 && !wraps && !overflow && least > upper
  }
}
