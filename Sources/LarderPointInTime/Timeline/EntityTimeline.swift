import LarderColumns
import LarderEncodings
import LarderOffline

/// Which segments hold an entity, and where: for each id its runs, latest last event first.
///
/// Made from the segments' entity indexes alone, so it can always be made again; or read from a
/// file that was made so.
@safe final class EntityTimeline: @unchecked Sendable {
  /// For each id, its run or where its entries are.
  let heads: Lanes<TimelineHead>
  /// The entries of the ids that do not have a single short run.
  let entries: Lanes<TimelineEntry>
  /// How many entries there are; their memory may be longer.
  let entryCount: Int
  /// Ids below this may have runs.
  let ids: Int
  /// Where it was read from; nil if it was merged in memory.
  let file: TimelineFile?
  /// Bytes of memory; those of a file's map are not counted.
  var bytes: Int { buffers.reduce(0) { $0 + $1.count } }
  private let buffers: [Buffer]

  init(heads: Buffer, entries: Buffer, ids: Int, entryCount: Int) {
    self.heads = Lanes(heads)
    self.entryCount = entryCount
    self.entries = Lanes(entries)
    self.ids = ids
    file = nil
    buffers = [heads, entries]
  }

  /// A timeline that is read in place.
  init(_ file: TimelineFile) {
    heads = file.heads
    entries = file.entries
    entryCount = file.entries.count
    ids = file.ids
    self.file = file
    buffers = []
  }

  /// Verifies what of a file's heads is needed.
  ///
  /// - Parameter ids: the entity of each row; `UInt32.max` where there is none.
  /// - Throws: `corrupt` if they are damaged.
  @inline(__always) func verifyHeads(_ ids: Lanes<UInt32>, _ count: Int) throws(LarderError) {
    guard let file, !file.isWhollyVerified else { return }
    for lane in 0..<count where Int(ids[lane]) < self.ids {
      try file.ensureVerified(head: Int(ids[lane]))
    }
  }

  /// Verifies what of a file's entries is needed, those that active rows' cursors name.
  ///
  /// - Throws: `corrupt` if they are damaged.
  @inline(__always) func verifyEntries(
    _ scratch: SearchScratch, _ active: Int
  ) throws(LarderError) {
    guard let file, !file.isWhollyVerified else { return }
    for position in 0..<active {
      let lane = Int(scratch.active[position])
      try file.ensureVerified(entries: Int(scratch.cursor[lane])..<Int(scratch.end[lane]))
    }
  }

  /// The runs of an entity in segments that are open, latest last event first; perhaps others that
  /// lie wholly outside of the time range for which segments were opened.
  ///
  /// - Parameters:
  ///   - id: an id below `ids`.
  ///   - tables: the segments, whose event times say when a run in a head begins and ends.
  /// - Throws: `corrupt` if the file, or a page of event times, is damaged.
  func runs(of id: Int, _ tables: SearchTables) throws(LarderError) -> [TimelineEntry] {
    try file?.ensureVerified(head: id)
    let head = heads[id]
    if head.isRun {
      guard tables.isOpen[head.segment] else { return [] }
      let first = try tables.eventTime(head.segment, head.start)
      let last = try tables.eventTime(head.segment, head.start + head.rows - 1)
      return [
        TimelineEntry(
          segment: head.segment, start: head.start, rows: head.rows, first: first, last: last)
      ]
    }
    let range = Int(head.firstEntry)..<Int(head.firstEntry) + Int(head.entryCount)
    try file?.ensureVerified(entries: range)
    return range.map { entries[$0] }
  }
}
