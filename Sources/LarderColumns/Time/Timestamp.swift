/// An instant in UTC: ticks of a unit since 1970-01-01T00:00:00Z.
///
/// Timestamps of different units compare exactly: 1 s equals 1,000 ms, and 1,001 ms is later.
public struct Timestamp: Sendable {
  /// Ticks since 1970-01-01T00:00:00Z; negative before.
  public var ticks: Int64
  /// The length of a tick.
  public var unit: TimeUnit

  /// Makes an instant of ticks of a unit.
  public init(ticks: Int64, unit: TimeUnit) {
    self.ticks = ticks
    self.unit = unit
  }

  /// An instant of seconds since 1970.
  public init(seconds: Int64) { self.init(ticks: seconds, unit: .seconds) }
  /// An instant of milliseconds since 1970.
  public init(milliseconds: Int64) { self.init(ticks: milliseconds, unit: .milliseconds) }
  /// An instant of microseconds since 1970.
  public init(microseconds: Int64) { self.init(ticks: microseconds, unit: .microseconds) }
  /// An instant of nanoseconds since 1970.
  public init(nanoseconds: Int64) { self.init(ticks: nanoseconds, unit: .nanoseconds) }

  /// Nanoseconds since 1970, exact: 128 bits hold every tick of every unit.
  public var exactNanoseconds: Int128 { Int128(ticks) * Int128(unit.nanosecondsPerTick) }
}

extension Timestamp: Comparable, Hashable {
  /// Whether two instants are the same, whatever their units.
  public static func == (a: Timestamp, b: Timestamp) -> Bool {
    a.exactNanoseconds == b.exactNanoseconds
  }
  /// Whether one instant is before another, whatever their units.
  public static func < (a: Timestamp, b: Timestamp) -> Bool {
    a.exactNanoseconds < b.exactNanoseconds
  }
  /// Hashes the instant, so that equal instants of different units hash alike.
  public func hash(into hasher: inout Hasher) { hasher.combine(exactNanoseconds) }
}

extension Timestamp {
  /// The latest tick of a unit that is not after this instant; saturates at the ends of Int64.
  public func floor(in unit: TimeUnit) -> Int64 {
    Timestamp.floorTicks(exactNanoseconds, in: unit)
  }

  /// The earliest tick of a unit that is not before this instant; saturates at the ends of Int64.
  public func ceiling(in unit: TimeUnit) -> Int64 {
    Timestamp.ceilingTicks(exactNanoseconds, in: unit)
  }

  /// The tick of a unit that is this very instant, or nil if there is none.
  public func exactly(in unit: TimeUnit) -> Int64? {
    let (quotient, remainder) = exactNanoseconds.quotientAndRemainder(
      dividingBy: Int128(unit.nanosecondsPerTick))
    return remainder == 0 ? Int64(exactly: quotient) : nil
  }

  /// The latest tick of a unit that is not after an instant given in nanoseconds; saturates.
  package static func floorTicks(_ nanoseconds: Int128, in unit: TimeUnit) -> Int64 {
    let divisor = Int128(unit.nanosecondsPerTick)
    let (quotient, remainder) = nanoseconds.quotientAndRemainder(dividingBy: divisor)
    return Int64(clamping: remainder < 0 ? quotient - 1 : quotient)
  }

  /// The earliest tick of a unit that is not before an instant given in nanoseconds; saturates.
  package static func ceilingTicks(_ nanoseconds: Int128, in unit: TimeUnit) -> Int64 {
    let divisor = Int128(unit.nanosecondsPerTick)
    let (quotient, remainder) = nanoseconds.quotientAndRemainder(dividingBy: divisor)
    return Int64(clamping: remainder > 0 ? quotient + 1 : quotient)
  }
}
