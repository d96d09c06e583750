import LarderColumns

/// Rows in the order of a segment: by id, event time, created time (none first), then as they came.
///
/// Ids are dense, so a counting pass by id does most of the work; what is left is a sort of each id's
/// few rows by time, which is no work at all where the rows came in time order.
struct SortedRows: Sendable {
  /// How many rows.
  var count: Int
  /// UInt32: where each row was.
  var rows: Buffer
  /// UInt32: the rows' ids, ascending.
  var ids: Buffer
  /// Int64: the rows' event times, ascending within an id.
  var events: Buffer
}

/// A row on its way: 16 bytes, so that one line of memory takes four.
struct SortItem {
  var event: Int64
  var id: UInt32
  var row: UInt32

  /// Whether an item comes before another by id and time.
  @inline(__always) static func precedes(_ a: SortItem, _ b: SortItem) -> Bool {
    a.id < b.id || (a.id == b.id && a.event < b.event)
  }
}

/// Sorts rows of one append or one merge.
struct RowSort {
  /// UInt32 per row.
  let ids: Buffer
  /// Int64 per row.
  let events: Buffer
  /// The created times, if the view has them.
  let created: BatchedColumn?
  let threads: Int
  let scratch: ScratchMemory

  /// Sorts some rows, or all.
  ///
  /// - Parameters:
  ///   - chosen: UInt32 row numbers in rising order; nil for all.
  ///   - count: how many.
  /// - Complexity: O(rows) and a sort of each id's rows that did not come in time order.
  func sort(_ chosen: Buffer?, count: Int) throws(LarderError) -> SortedRows {
    let items = scratch.take(count * MemoryLayout<SortItem>.stride)
    let rows = scratch.take(count * 4)
    let sortedIDs = scratch.take(count * 4)
    let sortedEvents = scratch.take(count * 8)
    guard count > 0 else {
      return SortedRows(count: 0, rows: rows, ids: sortedIDs, events: sortedEvents)
    }
    let input = RowInput(ids: ids, events: events, chosen: chosen, count: count)
    let buckets = RowBuckets(input, threads: threads)
    try buckets.scatter(into: items)
    let starts = buckets.starts
    let parts = Self.parts(of: starts, rows: count, threads: threads)
    let ties = created.map { TieOrder($0) }
    let workers = threads
    try runTasks(parts.count, threads: threads) { part throws(LarderError) in
      let item = unsafe items.mutableValues(as: SortItem.self)
      let start = unsafe starts.values(as: UInt32.self)
      let outRows = unsafe rows.mutableValues(as: UInt32.self)
      let outIDs = unsafe sortedIDs.mutableValues(as: UInt32.self)
      let outEvents = unsafe sortedEvents.mutableValues(as: Int64.self)
      var sorter = RunSorter(threads: parts.count == 1 ? workers : 1)
      for bucket in parts[part] {
        let run = unsafe Int(start[bucket])..<Int(start[bucket + 1])
        if run.count > 1 {
          unsafe try sorter.sort(UnsafeMutableBufferPointer(rebasing: item[run]))
          unsafe try ties?.order(UnsafeMutableBufferPointer(rebasing: item[run]), with: &sorter)
        }
        for index in run {
          unsafe outRows[index] = item[index].row
          unsafe outIDs[index] = item[index].id
          unsafe outEvents[index] = item[index].event
        }
      }
    }
    return SortedRows(count: count, rows: rows, ids: sortedIDs, events: sortedEvents)
  }

  /// Splits buckets into ranges of about equally many rows, a few for each thread.
  private static func parts(of starts: Buffer, rows: Int, threads: Int) -> [Range<Int>] {
    let start = unsafe starts.values(as: UInt32.self)
    let buckets = start.count - 1
    let wanted = threads == 1 || rows < 65_536 ? 1 : threads * 8
    var parts: [Range<Int>] = []
    var first = 0
    for part in 1...wanted {
      let goal = rows / wanted * part + (part == wanted ? rows % wanted : 0)
      var last = first
      if part == wanted {
        last = buckets
      } else {
        // The first bucket boundary at or past the goal.
        var low = first
        var high = buckets
        while low < high {
          let middle = (low + high) / 2
          if unsafe Int(start[middle]) < goal { low = middle + 1 } else { high = middle }
        }
        last = low
      }
      if last > first { parts.append(first..<last) }
      first = max(first, last)
    }
    return parts
  }
}
