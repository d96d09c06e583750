import LarderColumns
import LarderContract
import LarderOffline

/// Answers chunks of spine rows, one after the other, in memory of its own.
final class ChunkWorker {
  private let join: PreparedJoin
  private let spine: RecordBatch
  private let scratch = SearchScratch()
  private var matches: Matches
  private let ids: [Lanes<UInt32>]
  private let bounds: [TimeBounds]
  /// For each source and segment, 1 if all event times are verified.
  private let verified: [Lanes<UInt8>]
  /// For each source, the pages of event times that were read, and those of its matches.
  let read: [TouchedPages]
  let matchedPages: [TouchedPages]
  private let gathering: [FeatureGathering]
  /// For each source that has no timeline, its entities' runs.
  private var probes: [ProbedEntries?]
  /// For each source, how many rows found an answer.
  private(set) var matched: [Int]
  /// Nanoseconds spent on keys, search and gathering.
  private(set) var clock = StepClock()

  init(_ join: PreparedJoin, spine: RecordBatch) {
    self.join = join
    self.spine = spine
    let scratch = self.scratch
    matches = Matches(scratch.arena)
    ids = join.plan.lookups.map { _ in scratch.arena.lanes(SearchScratch.chunkRows) }
    verified = join.sources.map { scratch.arena.lanes(max(1, $0.tables?.count ?? 0)) }
    bounds = join.sources.map {
      TimeBounds(spine.columns[join.plan.question.timeColumn], $0.asked.view, join.plan.rules)
    }
    read = join.sources.map { $0.touchedPages(scratch.arena) }
    matchedPages = join.sources.map { $0.touchedPages(scratch.arena) }
    gathering = join.sources.map { FeatureGathering($0.features) }
    matched = join.sources.map { _ in 0 }
    probes = join.sources.map { _ in nil }
  }

  /// Bytes that a worker takes.
  static func bytes(_ join: PreparedJoin) -> Int {
    var bytes = SearchScratch.chunkRows * (140 + join.plan.lookups.count * 4)
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
    for (index, lookup) in join.plan.lookups.enumerated() {
      try lookup.find(spine, rows, into: ids[index])
      if join.plan.rules.nullKeyMatches {
        for lane in 0..<rows.count where ids[index][lane] == .max { ids[index][lane] = 0 }
      }
    }
    clock.stop(.keys)
    let offset = rows.lowerBound - output.rows.lowerBound
    let place = offset..<offset + rows.count
    for (index, source) in join.sources.enumerated() {
      try search(source, index, rows)
      matches.collect(scratch, rows.count)
      matched[index] += matches.count
      matches.note(in: matchedPages[index])
      clock.stop(.search)
      try gathering[index].gather(matches, chunk, place, output.features[index])
      if let column = output.eventTimes[index] { writeEventTimes(place, column) }
      if let column = output.statuses[index] { writeStatuses(source, place, column) }
      clock.stop(.gather)
    }
  }

  private func search(
    _ source: PreparedJoin.Source, _ index: Int, _ rows: Range<Int>
  ) throws(LarderError) {
    bounds[index].fill(rows, upper: scratch.upper, lower: scratch.lower, flags: scratch.flags)
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
      rules: join.plan.rules, asKnown: options.asKnown, wantsStatus: options.withStatus)
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

  private func status(_ lane: Int) -> UInt32 {
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
