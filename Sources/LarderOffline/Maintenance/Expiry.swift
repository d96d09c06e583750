import LarderColumns
import LarderContract
import LarderFiles

/// The event time before which a view's rows have expired.
struct ExpiryCutoff {
  /// The newest event that is not in the future; if all are, the newest.
  let reference: Int64
  /// Rows before it have expired.
  let cutoff: Int64
}

extension Store {
  /// Takes rows of a view away that are older than an age.
  ///
  /// Age is counted from the newest event that is not in the future, so that neither a row of the
  /// far future nor a view that is no longer fed loses everything. Segments that lie before go;
  /// those that reach beyond are written again without the rows before. Rows that come later stay,
  /// however old, until the next time. Earlier snapshots still show everything.
  ///
  /// - Throws: `notFound` with the nearest name; `invalidArgument` for a negative age; `locked`;
  ///   what a commit throws.
  /// - Complexity: O(segments), and O(rows) of segments that the cutoff parts.
  @discardableResult
  package func expire(
    _ name: String, olderThan age: Duration, dryRun: Bool = false
  ) throws(LarderError) -> ExpiryReport {
    guard age >= .zero else {
      throw LarderError(.invalidArgument, "Rows cannot be older than a negative age.")
    }
    if dryRun {
      let snapshot = try snapshot()
      let view = try snapshot.catalog.requireView(name)
      return try expiry(of: snapshot.segments(of: view), view, age).report
    }
    let held = try writerLocks().acquire(.maintenance, timeout: options.lockTimeout)
    defer { held.release() }
    var report = try planningAgain { () throws(LarderError) in try expireOnce(name, age) }
    report.space = sweptSpace()
    return report
  }

  private func expireOnce(
    _ name: String, _ age: Duration
  ) throws(LarderError) -> ExpiryReport {
    let state = try settle()
    let view = try state.catalog.requireView(name)
    let live = (state.segments[view.id] ?? []).map(\.description)
    var (report, cutoff) = try expiry(of: live, view, age)
    guard let cutoff, report.rows > 0 else { return report }
    var opened: [Segment] = []
    for description in live { opened.append(try cache.segment(description)) }
    let rewrite = Rewrite(view, opened, leavingOutBefore: cutoff.cutoff)
    let plan = CommitPlan(state, view, inputs: rewrite.removed)
    let result = try perform(rewrite, .expiry, by: plan)
    report.commit = result.commit
    buildDerived(view.id)
    return report
  }

  private func expiry(
    of segments: [SegmentDescription], _ view: Catalog.View, _ age: Duration
  ) throws(LarderError) -> (report: ExpiryReport, cutoff: ExpiryCutoff?) {
    var report = ExpiryReport(
      view: view.name, reference: nil, cutoff: nil, rows: 0, rowsLeft: 0, segmentsRemoved: 0,
      segmentsRewritten: 0)
    var opened: [Segment] = []
    for description in segments { opened.append(try cache.segment(description)) }
    guard let cutoff = try cutoff(opened, view, age) else { return (report, nil) }
    let unit = view.definition.timeUnit
    report.reference = Timestamp(ticks: cutoff.reference, unit: unit)
    report.cutoff = Timestamp(ticks: cutoff.cutoff, unit: unit)
    for segment in opened {
      let bounds = segment.description
      let left = try segment.rows(from: cutoff.cutoff)
      report.rows += segment.rows - left
      report.rowsLeft += left
      if bounds.maxEvent < cutoff.cutoff {
        report.segmentsRemoved += 1
      } else if left < segment.rows {
        report.segmentsRewritten += 1
      }
    }
    return (report, cutoff)
  }

  private func cutoff(
    _ segments: [Segment], _ view: Catalog.View, _ age: Duration
  ) throws(LarderError) -> ExpiryCutoff? {
    let unit = view.definition.timeUnit
    guard
      let reference = try segments.newestEvent(
        notAfter: Timestamp(microseconds: host.now()).floor(in: unit))
    else { return nil }
    let (seconds, attoseconds) = age.components
    let nanoseconds = Int128(seconds) * 1_000_000_000 + Int128(attoseconds / 1_000_000_000)
    let end = Timestamp(ticks: reference, unit: unit).exactNanoseconds - nanoseconds
    return ExpiryCutoff(
      reference: reference, cutoff: Timestamp.ceilingTicks(end, in: unit))
  }
}

extension [Segment] {
  /// The greatest event time that is not after a limit; if all are, the greatest.
  func newestEvent(notAfter limit: Int64) throws(LarderError) -> Int64? {
    var newest: Int64?
    for segment in self {
      if let event = try segment.greatestEvent(notAfter: limit) {
        newest = Swift.max(newest ?? event, event)
      }
    }
    return newest ?? map(\.description.maxEvent).max()
  }
}

extension Segment {
  /// The greatest event time up to a limit; nil if all are later.
  ///
  /// - Complexity: O(1), or O(rows) if some are later.
  func greatestEvent(notAfter limit: Int64) throws(LarderError) -> Int64? {
    if description.maxEvent <= limit { return description.maxEvent }
    if description.minEvent > limit { return nil }
    var greatest: Int64?
    try forEachEvent { _, time in
      if time <= limit { greatest = max(greatest ?? time, time) }
    }
    return greatest
  }

  /// How many rows are not before an event time.
  ///
  /// - Complexity: O(1), or O(rows) if some are before.
  func rows(from time: Int64) throws(LarderError) -> Int {
    guard description.minEvent < time else { return rows }
    if description.maxEvent < time { return 0 }
    var count = 0
    try forEachEvent { _, event in if event >= time { count += 1 } }
    return count
  }

  /// Goes through all event times.
  private func forEachEvent(_ body: (Int, Int64) -> Void) throws(LarderError) {
    var row = 0
    while row < rows {
      let end = min(rows, row + 65_536)
      let events = try decodeEvents(rows: row..<end)
      let times = unsafe events.values(as: Int64.self)
      for index in 0..<end - row { unsafe body(row + index, times[index]) }
      row = end
    }
  }
}
