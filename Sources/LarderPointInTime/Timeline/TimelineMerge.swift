import LarderColumns
import LarderEncodings
import LarderOffline

/// Merges the entity indexes of segments into a timeline.
///
/// A timeline that covers some of the segments already is taken as it is, and only the indexes of
/// the others are read.
struct TimelineMerge {
  /// A timeline that exists, and for each of its segments the ordinal it has now; nil for those
  /// that are not asked.
  struct Base {
    var timeline: EntityTimeline
    var ordinals: [Int?]
  }

  private let columns: [(events: SegmentColumn, times: TimeView)]
  private let base: Base?
  private let indexes: [(ordinal: Int, index: EntityIndexView)]
  private let ids: Int

  /// - Parameters:
  ///   - segments: in the order of their ordinals.
  ///   - base: what is known of some of them.
  /// - Throws: `corrupt` if an index is damaged; `limitExceeded` above 2^18 segments or 2^32 runs.
  init(_ segments: [Segment], over base: Base? = nil) throws(LarderError) {
    guard segments.count < TimelineEntry.segments else {
      throw LarderError(
        .limitExceeded,
        "A view has \(segments.count) segments; a query reads fewer than "
          + "\(TimelineEntry.segments). Compact the view.")
    }
    self.base = base
    var columns: [(events: SegmentColumn, times: TimeView)] = []
    for segment in segments {
      columns.append((try segment.eventColumn(), try segment.eventTimes()))
    }
    self.columns = columns
    let covered = Set(base?.ordinals.compactMap(\.self) ?? [])
    var indexes: [(ordinal: Int, index: EntityIndexView)] = []
    var runs = 0
    for (ordinal, segment) in segments.enumerated() where !covered.contains(ordinal) {
      let index = try segment.entityIndex()
      runs += index.count
      indexes.append((ordinal, index))
    }
    runs += (base?.timeline.ids ?? 0) + (base?.timeline.entryCount ?? 0)
    guard runs < Int(UInt32.max) else {
      throw LarderError(.limitExceeded, "A view has \(runs) runs; compact the view.")
    }
    self.indexes = indexes
    ids = segments.reduce(base?.timeline.ids ?? 0) { max($0, Int($1.description.maxID) + 1) }
  }

  /// The merged timeline.
  ///
  /// - Throws: `corrupt` if the base or a page of event times is damaged.
  /// - Complexity: O(ids + runs).
  func run() throws(LarderError) -> EntityTimeline {
    try base?.timeline.file?.ensureVerified()
    let headBuffer = Buffer(zeroedBytes: max(1, ids) * 8)
    let heads = Lanes<TimelineHead>(headBuffer)
    let counts = Buffer(zeroedBytes: max(1, ids) * 4)
    let own = Lanes<UInt32>(counts)
    count(own)
    // First where each id's entries start; a single short run needs none, unless it is the base's.
    let total = layOut(heads, own)
    let entryBuffer = Buffer(uninitializedBytes: max(1, total) * MemoryLayout<TimelineEntry>.stride)
    let entries = Lanes<TimelineEntry>(entryBuffer)
    try fillFromBase(heads, own, entries)
    for (ordinal, index) in indexes { try fill(index, ordinal, heads, own, entries) }
    if indexes.count + (base == nil ? 0 : 1) > 1 { orderRuns(heads, entries) }
    withExtendedLifetime(counts) {}
    return EntityTimeline(
      heads: headBuffer, entries: entryBuffer, ids: ids, entryCount: total)
  }

  /// Counts each id's runs.
  private func count(_ counts: Lanes<UInt32>) {
    if let base {
      for id in 0..<base.timeline.ids {
        let head = base.timeline.heads[id]
        if head.isRun {
          counts[id] = base.ordinals[head.segment] == nil ? 0 : 1
        } else {
          counts[id] = knownEntries(head, base)
        }
      }
    }
    for (_, index) in indexes {
      for position in 0..<index.count {
        let id = unsafe Int(index.ids[position])
        counts[id] = counts[id] &+ 1
      }
    }
  }

  /// How many of an entity's entries lie in segments that are asked.
  private func knownEntries(_ head: TimelineHead, _ base: Base) -> UInt32 {
    var known: UInt32 = 0
    for many in 0..<Int(head.entryCount) {
      let entry = base.timeline.entries[Int(head.firstEntry) + many]
      known &+= base.ordinals[entry.segment] == nil ? 0 : 1
    }
    return known
  }

  /// Reserves entries for all ids but those whose only run turns out to be short.
  ///
  /// - Parameter counts: the runs of each id; become 0, to count again while filling.
  /// - Returns: how many entries there are.
  private func layOut(_ heads: Lanes<TimelineHead>, _ counts: Lanes<UInt32>) -> Int {
    markShortRuns(heads, counts)
    var total = 0
    for id in 0..<ids {
      let many = counts[id]
      counts[id] = 0
      if heads[id].isRun || many == 0 { continue }
      heads[id] = TimelineHead(firstEntry: UInt32(truncatingIfNeeded: total), count: many)
      total += Int(many)
    }
    return total
  }

  private func markShortRuns(_ heads: Lanes<TimelineHead>, _ counts: Lanes<UInt32>) {
    if let base {
      for id in 0..<base.timeline.ids where counts[id] == 1 {
        let head = base.timeline.heads[id]
        guard head.isRun, let ordinal = base.ordinals[head.segment] else { continue }
        heads[id] = TimelineHead(
          segment: ordinal, start: head.start, rows: head.rows)
      }
    }
    for (ordinal, index) in indexes {
      for position in 0..<index.count {
        let id = unsafe Int(index.ids[position])
        guard counts[id] == 1 else { continue }
        let start = unsafe Int(index.starts[position])
        let rows = unsafe Int(index.starts[position + 1]) &- start
        guard rows <= TimelineHead.rows else { continue }
        heads[id] = TimelineHead(segment: ordinal, start: start, rows: rows)
      }
    }
  }

  private func fillFromBase(
    _ heads: Lanes<TimelineHead>, _ filled: Lanes<UInt32>, _ entries: Lanes<TimelineEntry>
  ) throws(LarderError) {
    guard let base else { return }
    for id in 0..<base.timeline.ids where !heads[id].isRun {
      let head = base.timeline.heads[id]
      let first = Int(heads[id].firstEntry)
      if head.isRun {
        guard let ordinal = base.ordinals[head.segment] else { continue }
        entries[first] = try entry(ordinal, head.start, head.rows)
        filled[id] = 1
        continue
      }
      for many in 0..<Int(head.entryCount) {
        let known = base.timeline.entries[Int(head.firstEntry) + many]
        guard let ordinal = base.ordinals[known.segment] else { continue }
        entries[first + Int(filled[id])] = TimelineEntry(
          segment: ordinal, start: known.start, rows: known.rows, first: known.first,
          last: known.last)
        filled[id] = filled[id] &+ 1
      }
    }
  }

  private func fill(
    _ index: EntityIndexView, _ ordinal: Int, _ heads: Lanes<TimelineHead>,
    _ filled: Lanes<UInt32>, _ entries: Lanes<TimelineEntry>
  ) throws(LarderError) {
    for position in 0..<index.count {
      let id = unsafe Int(index.ids[position])
      let head = heads[id]
      if head.isRun { continue }
      let start = unsafe Int(index.starts[position])
      let end = unsafe Int(index.starts[position + 1])
      entries[Int(head.firstEntry) &+ Int(filled[id])] = try entry(ordinal, start, end &- start)
      filled[id] = filled[id] &+ 1
    }
  }

  /// The entry of a run, with its first and last event.
  private func entry(
    _ ordinal: Int, _ start: Int, _ rows: Int
  ) throws(LarderError) -> TimelineEntry {
    let (column, times) = columns[ordinal]
    let end = start + rows - 1
    if !column.isVerified(page: start >> 16) { try column.ensureVerified(page: start >> 16) }
    if !column.isVerified(page: end >> 16) { try column.ensureVerified(page: end >> 16) }
    return unsafe TimelineEntry(
      segment: ordinal, start: start, rows: rows, first: times.time(at: start),
      last: times.time(at: end))
  }

  /// Orders each id's entries by last event time, latest first; few ids have many.
  private func orderRuns(_ heads: Lanes<TimelineHead>, _ entries: Lanes<TimelineEntry>) {
    for id in 0..<ids {
      let head = heads[id]
      guard !head.isRun, head.entryCount > 1 else { continue }
      let start = Int(head.firstEntry)
      for next in (start &+ 1)..<(start &+ Int(head.entryCount)) {
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
}
