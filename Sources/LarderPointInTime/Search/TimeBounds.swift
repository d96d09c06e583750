import LarderColumns
import LarderContract

/// Why a spine row's time cannot match by the usual comparison.
enum BoundFlag {
  /// It can.
  static let usual: UInt8 = 0
  /// The time is null.
  static let null: UInt8 = 1
  /// The time is before every tick of the history's unit.
  static let beforeAll: UInt8 = 2
  /// The whole time to live lies after every tick of the history's unit.
  static let afterAll: UInt8 = 3
}

/// Turns the times of a spine into the first and last tick, in a history's unit, that may answer.
struct TimeBounds: Sendable {
  private let times: Column
  private let unit: TimeUnit
  private let timeToLive: Int128?
  private let rules: SearchRules

  /// - Parameters:
  ///   - times: the spine's time column: timestamps of any unit, or dates.
  ///   - view: for its unit and time to live.
  init(_ times: Column, _ view: FeatureView, _ rules: SearchRules) {
    self.times = times
    unit = view.timeUnit
    timeToLive = view.timeToLiveNanoseconds
    self.rules = rules
  }

  /// Fills the bounds of some rows: `upper` = floor(t), `lower` = ceil(t - timeToLive), saturating.
  func fill(
    _ rows: Range<Int>, upper: Lanes<Int64>, lower: Lanes<Int64>, flags: Lanes<UInt8>
  ) {
    flags.fill(BoundFlag.usual, rows.count)
    switch times.type {
    case .date: fillDates(rows, upper, lower, flags)
    case .timestamp(let spineUnit):
      if spineUnit == unit, let ticks = wholeTicks {
        fillSameUnit(rows, ticks, upper, lower)
      } else {
        fillAnyUnit(rows, spineUnit, upper, lower, flags)
      }
    default: flags.fill(BoundFlag.null, rows.count)
    }
    if times.nullCount > 0 {
      for (lane, row) in rows.enumerated() where !times.isValid(row) {
        flags[lane] = BoundFlag.null
      }
    }
    if rules != SearchRules() { plant(rows.count, upper, lower) }
  }

  /// The first and last tick that can answer any row; nil if there are no rows.
  ///
  /// - Parameters:
  ///   - times: the spine's time column.
  ///   - view: for its unit and time to live.
  static func range(
    _ times: Column, _ view: FeatureView, _ rules: SearchRules
  ) -> ClosedRange<Int64>? {
    guard times.count > 0 else { return nil }
    let values: Buffer
    if times.type == .date {
      let (least, greatest) = unsafe extremes(
        times.fixedValues(as: Int32.self), 0..<times.count)
      values = Buffer(copying: [least, greatest])
    } else {
      let (least, greatest) = unsafe extremes(
        times.fixedValues(as: Int64.self), 0..<times.count)
      values = Buffer(copying: [least, greatest])
    }
    let ends = Column(
      type: times.type, count: 2, nullCount: 0, validity: nil, values: values)
    let arena = LaneArena()
    let upper: Lanes<Int64> = arena.lanes(2)
    let lower: Lanes<Int64> = arena.lanes(2)
    TimeBounds(ends, view, rules).fill(0..<2, upper: upper, lower: lower, flags: arena.lanes(2))
    let range = min(lower[0], upper[1])...upper[1]
    withExtendedLifetime(arena) {}
    return range
  }

  /// The time to live in ticks of the history's unit, or nil if it has a fraction or is too long;
  /// `.max` ticks where there is none.
  private var wholeTicks: Int64? {
    guard let timeToLive else { return .max }
    let (quotient, rest) = timeToLive.quotientAndRemainder(
      dividingBy: Int128(unit.nanosecondsPerTick))
    guard rest == 0, let ticks = Int64(exactly: quotient), ticks != .max else { return nil }
    return ticks
  }

  private func fillSameUnit(
    _ rows: Range<Int>, _ ticks: Int64, _ upper: Lanes<Int64>, _ lower: Lanes<Int64>
  ) {
    let values = unsafe times.fixedValues(as: Int64.self)
    if timeToLive == nil {
      lower.fill(.min, rows.count)
      for lane in 0..<rows.count { unsafe upper[lane] = values[rows.lowerBound &+ lane] }
      return
    }
    for lane in 0..<rows.count {
      let time = unsafe values[rows.lowerBound &+ lane]
      let (start, overflow) = time.subtractingReportingOverflow(ticks)
      upper[lane] = time
      lower[lane] = overflow ? (ticks > 0 ? .min : .max) : start
    }
  }

  private func fillAnyUnit(
    _ rows: Range<Int>, _ spineUnit: TimeUnit, _ upper: Lanes<Int64>, _ lower: Lanes<Int64>,
    _ flags: Lanes<UInt8>
  ) {
    let values = unsafe times.fixedValues(as: Int64.self)
    let scale = Int128(spineUnit.nanosecondsPerTick)
    for lane in 0..<rows.count {
      let time = unsafe Int128(values[rows.lowerBound &+ lane]) * scale
      set(lane, time, upper, lower, flags)
    }
  }

  private func fillDates(
    _ rows: Range<Int>, _ upper: Lanes<Int64>, _ lower: Lanes<Int64>, _ flags: Lanes<UInt8>
  ) {
    let values = unsafe times.fixedValues(as: Int32.self)
    for lane in 0..<rows.count {
      let time = unsafe Int128(values[rows.lowerBound &+ lane]) * 86_400_000_000_000
      set(lane, time, upper, lower, flags)
    }
  }

  /// Sets one row's bounds from its time in nanoseconds.
  private func set(
    _ lane: Int, _ time: Int128, _ upper: Lanes<Int64>, _ lower: Lanes<Int64>,
    _ flags: Lanes<UInt8>
  ) {
    let tick = Int128(unit.nanosecondsPerTick)
    upper[lane] =
      rules.roundsUp
      ? Timestamp.ceilingTicks(time, in: unit) : Timestamp.floorTicks(time, in: unit)
    if time < Int128(Int64.min) * tick { flags[lane] = BoundFlag.beforeAll }
    guard let timeToLive else {
      lower[lane] = .min
      return
    }
    let start = time - timeToLive
    lower[lane] = Timestamp.ceilingTicks(start, in: unit)
    if start > Int128(Int64.max) * tick { flags[lane] = BoundFlag.afterAll }
  }

  /// Applies planted faults.
  private func plant(_ count: Int, _ upper: Lanes<Int64>, _ lower: Lanes<Int64>) {
    for lane in 0..<count {
      let time = upper[lane]
      if timeToLive != nil {
        if !rules.saturates, let ticks = wholeTicks { lower[lane] = time &- ticks }
        lower[lane] = lower[lane].addingReportingOverflow(rules.lowerShift).partialValue
      }
      let (shifted, overflow) = time.addingReportingOverflow(rules.upperShift)
      upper[lane] = overflow ? time : shifted
    }
  }
}

/// The least and the greatest of some values; nulls count as what lies there.
func extremes<T: FixedWidthInteger & BitwiseCopyable>(
  _ values: UnsafeBufferPointer<T>, _ rows: Range<Int>
) -> (least: T, greatest: T) {
  var least = T.max
  var greatest = T.min
  for row in rows {
    let value = unsafe values[row]
    least = min(least, value)
    greatest = max(greatest, value)
  }
  return (least, greatest)
}
