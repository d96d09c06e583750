import Larder

/// Tells of a store whose newest commit lies far ahead of the clock: that of this machine is wrong
/// now, or another was when the commit was made.
enum ClockWarning {
  /// A clock that is less ahead is not worth a word.
  private static let dayInMicroseconds: Int64 = 86_400_000_000

  /// Writes the warning to standard error, if there is reason for it.
  static func write(_ store: FeatureStore) throws(LarderError) {
    let (head, now) = (try store.head(), Timestamp.now)
    let (ahead, overflow) = head.time.floor(in: .microseconds)
      .subtractingReportingOverflow(now.floor(in: .microseconds))
    guard overflow || ahead > dayInMicroseconds else { return }
    let days = Quantity.count(Int(ahead / dayInMicroseconds), "day")
    Terminal.note(
      "warning: the newest commit, \(head.id), has the time \(head.time), \(days) ahead of the clock "
        + "(\(now)). If the clock is right, it was wrong then: later commits get times after that "
        + "one, and no earlier snapshot is kept for its age; give those that matter tags.")
  }
}
