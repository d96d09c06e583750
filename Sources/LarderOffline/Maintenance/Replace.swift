import LarderColumns
import LarderContract

/// The event times whose rows a replacement takes the place of, both ends inclusive.
struct ReplacedRange: Sendable, Hashable {
  /// Ticks of the view's unit.
  let range: ClosedRange<Int64>
  private let from: Timestamp?
  private let through: Timestamp?

  /// - Throws: `invalidArgument` if no time of the unit lies in the range.
  init(from: Timestamp?, through: Timestamp?, unit: TimeUnit) throws(LarderError) {
    let first = from?.ceiling(in: unit) ?? .min
    let last = through?.floor(in: unit) ?? .max
    guard first <= last else {
      throw LarderError(
        .invalidArgument, "The range to replace is empty: it ends before it begins.")
    }
    range = first...last
    self.from = from
    self.through = through
  }

  /// Refuses rows outside the range: they would be added, not replace anything.
  func check(
    _ events: Buffer, count: Int, _ validation: BatchValidation
  ) throws(LarderError) {
    let times = unsafe events.values(as: Int64.self)
    for row in 0..<count where unsafe !range.contains(times[row]) {
      throw LarderError(
        .invalidInput,
        "The time \(unsafe times[row]) \(validation.view.definition.timeUnit) lies outside the "
          + "range that is replaced.", column: validation.view.definition.eventTimestamp, row: row)
    }
  }

  /// The live segments that reach into the range.
  func inputs(of state: StoreState, view: Catalog.View) -> [SegmentDescription] {
    (state.segments[view.id] ?? []).map(\.description).filter {
      $0.minEvent <= range.upperBound && $0.maxEvent >= range.lowerBound
    }
  }

  /// Writes what stays of the segments that reach into the range, each with its own interval.
  ///
  /// - Returns: the segments that go.
  func rewriteRemainders(
    of state: StoreState, view: Catalog.View, _ store: Store, _ output: SegmentOutput
  ) throws(LarderError) -> [SegmentDescription] {
    let range = self.range
    let merge = SegmentMerge(store, view: view)
    let removed = inputs(of: state, view: view)
    for description in removed {
      if range.contains(description.minEvent), range.contains(description.maxEvent) { continue }
      let segment = try store.cache.segment(description)
      // Parts of one box are as disjoint from all others as it was.
      try merge.remainder(of: segment, where: { $0 < range.lowerBound }, into: output)
      try merge.remainder(of: segment, where: { $0 > range.upperBound }, into: output)
    }
    return removed
  }
}

extension Store {
  /// Replaces the rows of a range of event times, or of the whole view, in one commit.
  ///
  /// Earlier snapshots still show the old rows.
  ///
  /// - Parameters:
  ///   - from: the first event time; nil for no bound.
  ///   - through: the last event time, inclusive; nil for no bound.
  /// - Throws: `invalidInput` for a row outside the range, and as `append`.
  @discardableResult
  package func replace(
    _ batches: [RecordBatch], in view: String, from: Timestamp? = nil, through: Timestamp? = nil
  ) throws(LarderError) -> Commit {
    let replacer = try replacer(of: view, from: from, through: through)
    for batch in batches { try replacer.append(batch) }
    return try replacer.finish()
  }

  /// Begins a replacement by many batches that becomes one commit.
  ///
  /// - Throws: `notFound`, `readOnly`, `invalidArgument` for an empty range.
  package func replacer(
    of view: String, from: Timestamp? = nil, through: Timestamp? = nil
  ) throws(LarderError) -> Appender {
    let unit = try refresh().catalog.requireView(view).definition.timeUnit
    return try Appender(
      self, view: view,
      replacing: try ReplacedRange(from: from, through: through, unit: unit))
  }
}
