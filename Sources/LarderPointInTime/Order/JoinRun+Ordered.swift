import LarderColumns
import LarderContract
import LarderKeys

// A range is answered in the order of history if it is large: see `SpineOrder`.

extension JoinRun {
  /// Whether a range is answered in the order of history.
  ///
  /// Small ranges would not gain what sorting costs; texts and lists are appended to their chunk,
  /// and stay in the spine's order.
  func isOrdered(_ rows: Int) -> Bool {
    guard rows >= join.plan.rules.ordersFrom, !join.sources.isEmpty else { return false }
    let isFixed = join.sources.allSatisfy { $0.features.allSatisfy { $0.batched != nil } }
    guard isFixed else { return false }
    guard let limit = join.plan.options.memoryBytes else { return true }
    let longest = orderedParts(rows).first?.count ?? 0
    return fixedBytes + orderedBytes(longest) <= limit
  }

  /// Cuts a range into parts that are ordered one after the other.
  ///
  /// A part's columns are written from anywhere, each of which should fit into the caches. All parts
  /// but the last have as many rows, a multiple of 64.
  func orderedParts(_ rows: Int) -> [Range<Int>] {
    let most = join.plan.rules.ordersAtOnce
    let parts = (rows + most - 1) / most
    let each = ((rows + parts - 1) / max(1, parts) + 63) / 64 * 64
    return stride(from: 0, to: rows, by: max(64, each)).map { $0..<min(rows, $0 + each) }
  }

  /// Bytes that answering a range in the order of history takes on top.
  func orderedBytes(_ rows: Int) -> Int {
    let times = spine.columns[join.plan.query.timeColumn]
    return OrderedOutput.bytes(join, rows: rows) + SpineOrder.Maker.bytes(rows)
      + OrderedTimes.bytes(times, rows) + OrderedMatches.bytes(rows)
  }

  /// Answers a part of a range in the order of history.
  ///
  /// - Parameter part: rows of the output's range; the first is a multiple of 64.
  /// - Throws: what reading throws; `cancelled`.
  func answerOrdered(_ part: Range<Int>, into output: RangeOutput) throws(LarderError) {
    let first = output.rows.lowerBound + part.lowerBound
    let rows = first..<first + part.count
    let ordered = OrderedOutput(join, output, part)
    try forEachChunk(of: 0..<rows.count) { (_, _, part) throws(LarderError) in
      ordered.clear(part)
    }
    for lookup in join.plan.lookups.indices {
      try answer(lookup, rows, into: ordered, reports: lookup == join.plan.lookups.count - 1)
    }
    try forEachChunk(of: 0..<rows.count) { (_, _, part) throws(LarderError) in
      ordered.pack(part)
    }
  }

  /// Answers the sources of one lookup.
  ///
  /// - Parameter rows: of the spine.
  private func answer(
    _ lookup: Int, _ rows: Range<Int>, into output: OrderedOutput, reports: Bool
  ) throws(LarderError) {
    let spineTimes = spine.columns[join.plan.query.timeColumn]
    let entities = Int(join.plan.lookups[lookup].keys?.count ?? 0)
    let maker = SpineOrder.Maker(rows, spineTimes, entities: entities)
    try forEachChunk(of: rows) { (worker, _, part) throws(LarderError) in
      try worker.note(part, lookup: lookup, in: maker)
    }
    let order = maker.sorted(threads: workers.count)
    let copies = OrderedTimes(spineTimes, order, from: rows.lowerBound)
    let positions = 0..<order.count
    try forEachChunk(of: positions) { (_, _, part) throws(LarderError) in copies.copy(part) }
    let times = copies.finish()
    let matches = OrderedMatches(rows: order.count, chunkRows: chunkRows)
    let sources = join.sources.indices.filter { join.sources[$0].lookup == lookup }
    for source in sources {
      let bounds = TimeBounds(times, join.sources[source].asked.view, join.plan.rules)
      let isLast = reports && source == sources.last
      try forEachChunk(of: positions) { (worker, chunk, part) throws(LarderError) in
        try worker.search(source, bounds, order, part, chunk, into: matches, output)
        if isLast { self.report(part.count) }
      }
      let chunks = (order.count + chunkRows - 1) / chunkRows
      let features = join.sources[source].features.count
      try forEachTask(features * chunks) { (worker, task) throws(LarderError) in
        let (feature, chunk) = task.quotientAndRemainder(dividingBy: chunks)
        try worker.gather(source, feature, matches, chunk, into: output)
      }
    }
    if reports { report(rows.count - order.count) }
  }
}

extension ChunkWorker {
  /// Looks the entities of some spine rows up, and notes them to be ordered.
  ///
  /// - Throws: `invalidInput` for a key that does not fit; `corrupt`.
  func note(
    _ rows: Range<Int>, lookup: Int, in maker: SpineOrder.Maker
  ) throws(LarderError) {
    clock.start()
    try find(rows, lookup: lookup)
    maker.note(rows, ids[lookup])
    clock.stop(.keys)
  }

  /// Searches the history of one source for some positions of an order.
  ///
  /// - Parameters:
  ///   - bounds: of the times in that order.
  ///   - positions: at most `SearchScratch.chunkRows`.
  ///   - chunk: their number.
  ///   - matches: where the answers are kept.
  ///   - output: where event times and statuses go.
  /// - Throws: `corrupt`.
  func search(
    _ source: Int, _ bounds: TimeBounds, _ order: SpineOrder, _ positions: Range<Int>,
    _ chunk: Int, into matches: OrderedMatches, _ output: OrderedOutput
  ) throws(LarderError) {
    clock.start()
    let asked = join.sources[source]
    order.copy(positions, rows: places, ids: ids[asked.lookup])
    try search(asked, source, bounds, positions, isOrdered: true)
    noteMatches(source, positions.count)
    matches.keep(chunk, self.matches, places: places, next: segmentCounts[source])
    output.write(
      source, self.matches, scratch, places: places, lanes: positions.count,
      status: { status($0) })
    clock.stop(.search)
  }

  /// Gathers one feature for the answers of a chunk.
  ///
  /// - Throws: `corrupt`.
  func gather(
    _ source: Int, _ feature: Int, _ matches: OrderedMatches, _ chunk: Int,
    into output: OrderedOutput
  ) throws(LarderError) {
    clock.start()
    try orderedGathering(source).gather(
      feature, matches.lanes, matches.range(chunk), output.features[source][feature])
    clock.stop(.gather)
  }
}
