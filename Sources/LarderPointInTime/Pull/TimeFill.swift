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
    _ spans: PulledSpans, _ placed: PlacedSpans, _ memory: BatchMemory
  ) throws(LarderError) -> (event: Column, created: Column?) {
    let eventValues = memory.take(spans.count * 8)
    let createdValues = created == nil ? nil : memory.take(spans.count * 8)
    let eventTimes = unsafe eventValues.base.assumingMemoryBound(to: Int64.self)
    let createdTimes = unsafe createdValues?.base.assumingMemoryBound(to: Int64.self)
    eventWindows.reset()
    createdWindows.reset()
    for segment in 0..<tables.count {
      let range = placed.range(of: segment)
      guard !range.isEmpty else { continue }
      unsafe try read(segment, range, placed, eventTimes, createdTimes)
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

  /// Reads a segment's spans.
  @unsafe private mutating func read(
    _ segment: Int, _ range: Range<Int>, _ placed: PlacedSpans,
    _ eventTimes: UnsafeMutablePointer<Int64>, _ createdTimes: UnsafeMutablePointer<Int64>?
  ) throws(LarderError) {
    let fences = unsafe tables[segment].times.fences
    let eventColumn = tables[segment].eventColumn
    var window = eventWindows.windows[segment]
    let isDirect = created?.isDirect[segment] ?? false
    let createdColumn = isDirect ? created?.columns[segment] : nil
    var createdWindow = createdColumn == nil ? window : createdWindows.windows[segment]
    var verified = 0..<0
    for index in range {
      let span = placed.spans[index]
      let rows = span.rows
      if rows.upperBound > verified.upperBound || rows.lowerBound < verified.lowerBound {
        verified = try events.ensureVerified(RowSpan(segment, span))
        try created?.ensureVerified(RowSpan(segment, span))
      }
      // A vector at a time, so that the created times find the event times in the nearest cache.
      var row = rows.lowerBound
      while row < rows.upperBound {
        let part = row..<min(rows.upperBound, (row | 1_023) + 1)
        let place = span.place + row - rows.lowerBound
        unsafe window.read(eventColumn, lanes: part, into: eventTimes + place)
        unsafe larder_add_fences(eventTimes + place, row, part.count, fences)
        row = part.upperBound
        guard let createdTimes = unsafe createdTimes else { continue }
        if let createdColumn {
          unsafe createdWindow.read(createdColumn, lanes: part, into: createdTimes + place)
        } else if let created {
          let own = RowSpan(
            segment: UInt32(truncatingIfNeeded: segment),
            start: UInt32(truncatingIfNeeded: part.lowerBound),
            count: UInt32(truncatingIfNeeded: part.count))
          unsafe FixedFill(width: 8).fill(
            own, created, &createdWindows, into: createdTimes + place)
        }
        unsafe larder_add_lanes(createdTimes + place, eventTimes + place, part.count)
      }
    }
  }
}
