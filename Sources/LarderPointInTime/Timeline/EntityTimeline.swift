import LarderColumns
import LarderEncodings
import LarderOffline

/// Which segments hold an entity, and where: for each id its runs, latest last event first.
///
/// Made from the segments' entity indexes alone, so it can always be made again.
@safe final class EntityTimeline: @unchecked Sendable {
  /// For each id, where its entries start; one more than there are ids.
  let offsets: Lanes<UInt32>
  /// The entries of all ids.
  let entries: Lanes<TimelineEntry>
  /// Ids below this may have entries.
  let ids: Int
  /// Bytes of memory.
  var bytes: Int { buffers.reduce(0) { $0 + $1.count } }
  private let buffers: [Buffer]

  /// Merges the entity indexes of segments.
  ///
  /// - Parameter segments: in the order of their ordinals.
  /// - Throws: `corrupt` if an index or a page of event times is damaged; `limitExceeded` above
  ///   2^19 segments or 2^32 runs.
  /// - Complexity: O(ids + runs).
  init(merging segments: [Segment]) throws(LarderError) {
    guard segments.count < TimelineEntry.segments else {
      throw LarderError(
        .limitExceeded,
        "A view has \(segments.count) segments; a question reads at most "
          + "\(TimelineEntry.segments). Compact the view.")
    }
    let ids = segments.reduce(0) { max($0, Int($1.description.maxID) + 1) }
    var indexes: [EntityIndexView] = []
    var runs = 0
    for segment in segments {
      let index = try segment.entityIndex()
      runs += index.count
      indexes.append(index)
    }
    guard runs < Int(UInt32.max) else {
      throw LarderError(.limitExceeded, "A view has \(runs) runs; compact the view.")
    }
    let offsetBuffer = Buffer(zeroedBytes: (ids + 2) * 4)
    let entryBuffer = Buffer(
      uninitializedBytes: max(1, runs) * MemoryLayout<TimelineEntry>.stride)
    // Shifted by one while counting and filling, so that the cursors become the offsets.
    let cursors = Lanes<UInt32>(offsetBuffer, from: 1)
    for index in indexes { countRuns(index, cursors) }
    var total: UInt32 = 0
    for id in 0...ids {
      let own = cursors[id]
      cursors[id] = total
      total &+= own
    }
    let entries = Lanes<TimelineEntry>(entryBuffer)
    for (ordinal, segment) in segments.enumerated() {
      try segment.eventColumn().ensureVerified()
      fillRuns(indexes[ordinal], try segment.eventTimes(), ordinal, cursors, entries)
    }
    let offsets = Lanes<UInt32>(offsetBuffer)
    if segments.count > 1 { orderRuns(ids, offsets, entries) }
    self.offsets = offsets
    self.entries = entries
    self.ids = ids
    buffers = [offsetBuffer, entryBuffer]
  }
}

private func countRuns(_ index: EntityIndexView, _ cursors: Lanes<UInt32>) {
  for position in 0..<index.count {
    let id = unsafe Int(index.ids[position])
    cursors[id] = cursors[id] &+ 1
  }
}

private func fillRuns(
  _ index: EntityIndexView, _ times: TimeView, _ ordinal: Int, _ cursors: Lanes<UInt32>,
  _ entries: Lanes<TimelineEntry>
) {
  for position in 0..<index.count {
    let id = unsafe Int(index.ids[position])
    let start = unsafe Int(index.starts[position])
    let end = unsafe Int(index.starts[position + 1])
    let entry = unsafe TimelineEntry(
      segment: ordinal, start: start, rows: end &- start, first: times.time(at: start),
      last: times.time(at: end &- 1))
    let cursor = cursors[id]
    entries[Int(cursor)] = entry
    cursors[id] = cursor &+ 1
  }
}

/// Orders each id's entries by last event time, latest first; few ids have many.
private func orderRuns(
  _ ids: Int, _ offsets: Lanes<UInt32>, _ entries: Lanes<TimelineEntry>
) {
  for id in 0..<ids {
    let start = Int(offsets[id])
    let end = Int(offsets[id + 1])
    guard end &- start > 1 else { continue }
    for next in (start &+ 1)..<end {
      let entry = entries[next]
      var place = next
      while place > start, entries[place &- 1].last < entry.last {
        entries[place] = entries[place &- 1]
        place &-= 1
      }
      entries[place] = entry
    }
  }
}
