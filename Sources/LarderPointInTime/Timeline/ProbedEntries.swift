import LarderColumns
import LarderEncodings
import LarderOffline

/// Finds the runs of a chunk's entities in the segments' own indexes, without a timeline.
///
/// For a spine that is small beside the history this costs less than merging all indexes: a search
/// in each index for each row, and two event times for each run.
struct ProbedEntries {
  private let tables: SearchTables
  private let indexes: [EntityIndexView]
  private let arena = LaneArena()
  /// Room for every row's run in every segment.
  let entries: Lanes<TimelineEntry>

  /// - Throws: `corrupt` if an index is damaged.
  init(_ tables: SearchTables) throws(LarderError) {
    self.tables = tables
    var indexes: [EntityIndexView] = []
    for ordinal in 0..<tables.count {
      indexes.append(try tables[ordinal].segment.entityIndex())
    }
    self.indexes = indexes
    entries = arena.lanes(SearchScratch.chunkRows * max(1, tables.count))
  }

  /// Whether probing so many rows is cheaper than merging so many runs.
  ///
  /// A probe costs some 150 ns, a merged run some 15.
  static func pays(rows: Int, segments: Int, runs: Int) -> Bool {
    segments <= 64 && rows < runs / (10 * max(1, segments))
  }

  /// Finds the entries of ids, latest last event first.
  ///
  /// - Parameters: as `EntityTimeline.open`; `cursor` and `end` count into `entries`.
  /// - Throws: `corrupt` if a page of event times is damaged.
  func open(
    _ ids: Lanes<UInt32>, _ count: Int, cursor: Lanes<UInt32>, end: Lanes<UInt32>
  ) throws(LarderError) {
    var next = 0
    for lane in 0..<count {
      let start = next
      let id = ids[lane]
      if id != .max {
        for ordinal in 0..<tables.count {
          guard let rows = indexes[ordinal].rows(of: id) else { continue }
          let first = try tables.eventTime(ordinal, rows.lowerBound)
          let last = try tables.eventTime(ordinal, rows.upperBound - 1)
          insert(
            TimelineEntry(
              segment: ordinal, start: rows.lowerBound, rows: rows.count, first: first,
              last: last), from: start, at: next)
          next += 1
        }
      }
      cursor[lane] = UInt32(truncatingIfNeeded: start)
      end[lane] = UInt32(truncatingIfNeeded: next)
    }
  }

  /// Puts an entry among those of its row, by last event.
  private func insert(_ entry: TimelineEntry, from start: Int, at end: Int) {
    var place = end
    while place > start, entries[place - 1].last < entry.last {
      entries[place] = entries[place - 1]
      place -= 1
    }
    entries[place] = entry
  }
}
