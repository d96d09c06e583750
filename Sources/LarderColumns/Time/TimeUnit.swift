/// The length of a timestamp's tick.
public enum TimeUnit: UInt8, Sendable, Hashable, CaseIterable, CustomStringConvertible {
  /// 1 s.
  case seconds = 0
  /// 1/1,000 s.
  case milliseconds = 1
  /// 1/1,000,000 s.
  case microseconds = 2
  /// 1/1,000,000,000 s.
  case nanoseconds = 3

  /// How many nanoseconds a tick has.
  public var nanosecondsPerTick: Int64 {
    switch self {
    case .seconds: 1_000_000_000
    case .milliseconds: 1_000_000
    case .microseconds: 1_000
    case .nanoseconds: 1
    }
  }

  /// How many ticks a second has.
  public var ticksPerSecond: Int64 { 1_000_000_000 / nanosecondsPerTick }

  /// `s`, `ms`, `us` or `ns`.
  public var description: String {
    switch self {
    case .seconds: "s"
    case .milliseconds: "ms"
    case .microseconds: "us"
    case .nanoseconds: "ns"
    }
  }

  /// Reads `s`, `ms`, `us` or `ns`.
  ///
  /// - Throws: `invalidArgument` for anything else.
  public init(named name: String) throws(LarderError) {
    guard let unit = TimeUnit.allCases.first(where: { $0.description == name }) else {
      throw LarderError(
        .invalidArgument, "Unknown time unit \"\(name)\"; the units are s, ms, us and ns.")
    }
    self = unit
  }
}
