import CLarderKernels
import LarderColumns
import LarderEncodings
import LarderOffline

/// Fills the event times of spans, and the created times, which are kept as differences from them.
@safe struct TimeFill {
  private let tables: SearchTables
  private var events: SpanColumn
  private var created: SpanColumn?
  private var eventWindows: SpanWindows
  private var createdWindows: SpanWindows

  /// - Parameters:
  ///   - tables: the segments, all open.
  ///   - unit: of the view's times.
  ///   - hasCreated: whether the view has created times.
  init(_ tables: SearchTables, _ unit: TimeUnit, hasCreated: Bool) {
    self.tables = tables
    let all = 0..<tables.count
    events = SpanColumn(all.map { tables[$0].eventColumn }, as: .timestamp(unit))
    created =
      hasCreated
      ? SpanColumn(all.map { tables[$0].createdColumn }, as: .timestamp(unit)) : nil
    eventWindows = SpanWindows(segments: tables.count)
    createdWindows = SpanWindows(segments: hasCreated ? tables.count : 0)
  }

  /// The times of spans; created times are nil if the view has none.
  ///
  /// - Throws: `corrupt` if a page is damaged.
  mutating func read(
    _ spans: PulledSpans, _ memory: BatchMemory
  ) throws(LarderError) -> (event: Column, created: Column?) {
    let eventValues = memory.take(spans.count * 8)
    let createdValues = created == nil ? nil : memory.take(spans.count * 8)
    let eventTimes = unsafe eventValues.base.assumingMemoryBound(to: Int64.self)
    let createdTimes = unsafe createdValues?.base.assumingMemoryBound(to: Int64.self)
    eventWindows.reset()
    createdWindows.reset()
    var place = 0
    for span in spans.spans {
      try events.ensureVerified(span)
      try created?.ensureVerified(span)
      let fences = unsafe tables[Int(span.segment)].times.fences
      // A vector at a time, so that the created times find the event times in the nearest cache.
      var row = span.rows.lowerBound
      while row < span.rows.upperBound {
        let count = min(span.rows.upperBound, (row | 1_023) + 1) - row
        let part = RowSpan(
          segment: span.segment, start: UInt32(truncatingIfNeeded: row),
          count: UInt32(truncatingIfNeeded: count))
        let fill = FixedFill(width: 8)
        unsafe fill.fill(part, events, &eventWindows, into: eventTimes + place)
        unsafe larder_add_fences(eventTimes + place, row, count, fences)
        if let created, let createdTimes = unsafe createdTimes {
          unsafe fill.fill(part, created, &createdWindows, into: createdTimes + place)
          unsafe larder_add_lanes(createdTimes + place, eventTimes + place, count)
        }
        place += count
        row += count
      }
    }
    let event = Column(
      type: events.type, count: spans.count, nullCount: 0, validity: nil, values: eventValues)
    guard let created, let createdValues else { return (event, nil) }
    let valid = created.readValidity(spans, memory)
    return (
      event,
      Column(
        type: created.type, count: spans.count, nullCount: valid?.nulls ?? 0,
        validity: valid?.bits, values: createdValues)
    )
  }
}
