import LarderColumns
import LarderContract
import LarderOffline

/// Answers chunks of spine rows, one after the other, in memory of its own.
final class ChunkWorker {
  let join: PreparedJoin
  private let spine: RecordBatch
  let scratch = SearchScratch()
  private(set) var matches: Matches
  /// For each lookup, the entities of the chunk.
  let ids: [Lanes<UInt32>]
  /// For each lane of a chunk in the order of history, its row.
  let places: Lanes<UInt32>
  private let bounds: [TimeBounds]
  /// For each source and segment, 1 if all event times are verified.
  private let verified: [Lanes<UInt8>]
  /// For each source, the pages of event times that were read, and those of its matches.
  let read: [TouchedPages]
  let matchedPages: [TouchedPages]
  private let gathering: [FeatureGathering]
  /// For each source, what gathers in the order of history, once that is asked for.
  private var ordered: [OrderedGathering?]
  /// For each source, room to count answers by segment.
  let segmentCounts: [Lanes<UInt32>]
  /// For each source that has no timeline, its entities' runs.
  private var probes: [ProbedEntries?]
  /// For each source, how many rows found an answer.
  private(set) var matched: [Int]
  /// Nanoseconds spent on keys, search and gathering.
  var clock = StepClock()

  init(_ join: PreparedJoin, spine: RecordBatch) {
    self.join = join
    self.spine = spine
    let scratch = self.scratch
    matches = Matches(scratch.arena)
    ids = join.plan.lookups.map { _ in scratch.arena.lanes(SearchScratch.chunkRows) }
    verified = join.sources.map { scratch.arena.lanes(max(1, $0.tables?.count ?? 0)) }
    places = scratch.arena.lanes(SearchScratch.chunkRows)
    bounds = join.sources.map {
      TimeBounds(spine.columns[join.plan.query.timeColumn], $0.asked.view, join.plan.rules)
    }
    read = join.sources.map { $0.touchedPages(scratch.arena) }
    matchedPages = join.sources.map { $0.touchedPages(scratch.arena) }
    gathering = join.sources.map { FeatureGathering($0.features) }
    ordered = join.sources.map { _ in nil }
    segmentCounts = join.sources.map { scratch.arena.lanes(($0.tables?.count ?? 0) + 1) }
    matched = join.sources.map { _ in 0 }
    probes = join.sources.map { _ in nil }
  }

  /// Bytes that a worker takes.
  static func bytes(_ join: PreparedJoin) -> Int {
    var bytes = SearchScratch.chunkRows * (160 + join.plan.lookups.count * 4)
    for source in join.sources {
      bytes += source.features.count * 4_096
      if source.timeline == nil, let tables = source.tables {
        bytes += SearchScratch.chunkRows * tables.count * MemoryLayout<TimelineEntry>.stride
      }
    }
    return bytes
  }

  /// Answers the rows of a chunk.
  ///
  /// - Parameters:
  ///   - chunk: the number of the chunk within the output's range.
  ///   - rows: rows of the spine, at most `SearchScratch.chunkRows`.
  ///   - output: where the answers go.
  /// - Throws: `invalidInput` for a key that does not fit; `corrupt`.
  func answer(
    _ chunk: Int, _ rows: Range<Int>, into output: RangeOutput
  ) throws(LarderError) {
    clock.start()
    for index in join.plan.lookups.indices {
      try find(rows, lookup: index)
    }
    clock.stop(.keys)
    let offset = rows.lowerBound - output.rows.lowerBound
    let place = offset..<offset + rows.count
    for (index, source) in join.sources.enumerated() {
      try search(source, index, bounds[index], rows, isOrdered: false)
      noteMatches(index, rows.count)
      clock.stop(.search)
      try gathering[index].gather(matches, chunk, place, output.features[index])
      if let column = output.eventTimes[index] { writeEventTimes(place, column) }
      if let column = output.statuses[index] { writeStatuses(source, place, column) }
      clock.stop(.gather)
    }
  }

  /// Looks the entities of some spine rows up.
  ///
  /// - Throws: `invalidInput` for a key that does not fit; `corrupt`.
  func find(_ rows: Range<Int>, lookup index: Int) throws(LarderError) {
    try join.plan.lookups[index].find(spine, rows, into: ids[index])
    if join.plan.rules.nullKeyMatches {
      for lane in 0..<rows.count where ids[index][lane] == .max { ids[index][lane] = 0 }
    }
  }

  /// Collects what a search found.
  func noteMatches(_ index: Int, _ rows: Int) {
    matches.collect(scratch, rows)
    matched[index] += matches.count
    matches.note(in: matchedPages[index])
  }

  /// What gathers a source in the order of history.
  func orderedGathering(_ index: Int) -> OrderedGathering {
    if let known = ordered[index] { return known }
    let made = OrderedGathering(join.sources[index].features)
    ordered[index] = made
    return made
  }

  /// Searches the history of a chunk's entities for its rows.
  ///
  /// - Parameters:
  ///   - bounds: the bounds of the times that `rows` count in.
  ///   - rows: the chunk's.
  ///   - isOrdered: whether they stand in the order of history.
  /// - Throws: `corrupt`.
  func search(
    _ source: PreparedJoin.Source, _ index: Int, _ bounds: TimeBounds, _ rows: Range<Int>,
    isOrdered: Bool
  ) throws(LarderError) {
    bounds.fill(rows, upper: scratch.upper, lower: scratch.lower, flags: scratch.flags)
    guard let tables = source.tables else {
      scratch.bestSegment.fill(SearchScratch.nothing, rows.count)
      scratch.seen.fill(0, rows.count)
      scratch.cursor.fill(0, rows.count)
      scratch.end.fill(0, rows.count)
      return
    }
    let ids = self.ids[source.lookup]
    let options = join.plan.options
    tables.noteVerified(verified[index])
    let search = EntitySearch(
      tables: tables, scratch: scratch, verified: verified[index], touched: read[index],
      rules: join.plan.rules, asKnown: options.asKnown, wantsStatus: options.withStatus,
      isOrdered: isOrdered)
    if let timeline = source.timeline {
      try search.run(timeline, ids, rows.count)
    } else {
      let probed = if let made = probes[index] { made } else { try ProbedEntries(tables) }
      probes[index] = probed
      try probed.open(ids, rows.count, cursor: scratch.cursor, end: scratch.end)
      try search.run(probed.entries, rows.count)
    }
  }

  private func writeEventTimes(_ place: Range<Int>, _ output: OutputColumn) {
    let valid = output.open(place).validity
    let times = Lanes<Int64>(output.values, from: place.lowerBound)
    for match in 0..<matches.count {
      let lane = Int(matches.lane[match])
      times[lane] = scratch.bestEvent[lane]
      valid[lane >> 6] |= 1 << UInt64(lane & 63)
    }
  }

  private func writeStatuses(
    _ source: PreparedJoin.Source, _ place: Range<Int>, _ output: OutputColumn
  ) {
    let valid = output.open(place).validity
    let codes = Lanes<UInt32>(output.values, from: place.lowerBound)
    for lane in 0..<place.count {
      codes[lane] = status(lane)
      valid[lane >> 6] |= 1 << UInt64(lane & 63)
    }
  }

  /// The status of a lane after its search.
  func status(_ lane: Int) -> UInt32 {
    if scratch.bestSegment[lane] != SearchScratch.nothing { return StatusCode.present }
    switch scratch.flags[lane] {
    case BoundFlag.usual:
      let seen = scratch.seen[lane]
      if seen == 0 { return StatusCode.noEntity }
      if seen & Seen.notLater == 0 { return StatusCode.onlyLater }
      return seen & Seen.alive != 0 ? StatusCode.notYetKnown : StatusCode.expired
    case BoundFlag.null: return StatusCode.noEntity
    default:
      if scratch.seen[lane] == 0 { return StatusCode.noEntity }
      return scratch.flags[lane] == BoundFlag.beforeAll
        ? StatusCode.onlyLater : StatusCode.expired
    }
  }
}
