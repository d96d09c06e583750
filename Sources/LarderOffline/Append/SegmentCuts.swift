import LarderColumns

/// Cuts sorted rows into segments, so that no two rows of one id and time are parted and the boxes
/// of the segments are disjoint.
enum SegmentCuts {
  /// The rows of each segment.
  ///
  /// Cuts lie between ids. Only an id with more rows than fit is cut between times, and its
  /// segments hold nothing else.
  ///
  /// - Parameters:
  ///   - most: rows of a segment at most.
  ///   - multiple: where there are several, a multiple of this many is tried for, so that threads
  ///     have equal shares.
  /// - Throws: `limitExceeded` if more rows than fit share one id and one time.
  /// - Complexity: O(segments x log rows).
  static func cut(
    _ sorted: SortedRows, most: Int, multiple: Int
  ) throws(LarderError) -> [Range<Int>] {
    let count = sorted.count
    guard count > most else { return count > 0 ? [0..<count] : [] }
    let least = (count + most - 1) / most
    let wanted = (least + multiple - 1) / multiple * multiple
    let share = min(most, (count + wanted - 1) / wanted)
    let ids = unsafe sorted.ids.values(as: UInt32.self)
    let events = unsafe sorted.events.values(as: Int64.self)
    var cuts: [Range<Int>] = []
    var start = 0
    while start < count {
      guard count - start > share else {
        cuts.append(start..<count)
        break
      }
      let id = unsafe ids[start + share]
      let run = unsafe runStart(ids, id, start + share)..<runEnd(ids, id, start + share)
      if run.lowerBound > start {
        // The id at the goal starts the next segment.
        cuts.append(start..<run.lowerBound)
        start = run.lowerBound
      } else if run.upperBound - start <= most {
        cuts.append(start..<run.upperBound)
        start = run.upperBound
      } else {
        try unsafe cutRun(run, events, most, &cuts)
        start = run.upperBound
      }
    }
    return cuts
  }

  private static func cutRun(
    _ run: Range<Int>, _ events: UnsafeBufferPointer<Int64>, _ most: Int,
    _ cuts: inout [Range<Int>]
  ) throws(LarderError) {
    var start = run.lowerBound
    while run.upperBound - start > most {
      var end = start + most
      let time = unsafe events[end]
      while unsafe end > start && events[end - 1] == time { end -= 1 }
      guard end > start else {
        throw LarderError(
          .limitExceeded,
          "More than \(most) rows have one key and one event time; a segment cannot hold them.")
      }
      cuts.append(start..<end)
      start = end
    }
    cuts.append(start..<run.upperBound)
  }

  private static func runStart(
    _ ids: UnsafeBufferPointer<UInt32>, _ id: UInt32, _ row: Int
  ) -> Int {
    var low = 0
    var high = row
    while low < high {
      let middle = (low + high) / 2
      if unsafe ids[middle] < id { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private static func runEnd(
    _ ids: UnsafeBufferPointer<UInt32>, _ id: UInt32, _ row: Int
  ) -> Int {
    var low = row
    var high = ids.count
    while low < high {
      let middle = (low + high) / 2
      if unsafe ids[middle] <= id { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
