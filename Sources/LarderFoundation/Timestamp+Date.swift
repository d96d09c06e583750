import Foundation
import Larder

extension Timestamp {
  /// The microsecond nearest to a date.
  ///
  /// A date is seconds in binary floating point: of today's dates it tells microseconds apart and
  /// not nanoseconds.
  ///
  /// - Throws: `invalidArgument` for a date that is not a number or beyond 64 bits of microseconds.
  public init(_ date: Date) throws(LarderError) {
    let microseconds = (date.timeIntervalSince1970 * 1_000_000).rounded()
    guard let ticks = Int64(exactly: microseconds) else {
      throw LarderError(
        .invalidArgument,
        "The date \(date.timeIntervalSince1970) s since 1970 is beyond 64 bits of microseconds.")
    }
    self.init(microseconds: ticks)
  }

  /// The date nearest to the instant.
  public var date: Date {
    // Whole seconds and their part are exact by themselves; only their sum is rounded.
    let (seconds, part) = exactNanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    return Date(timeIntervalSince1970: Double(seconds) + Double(part) / 1e9)
  }
}
