import Glibc

/// Sleeps for about a duration; a signal may end it early.
package func sleep(_ duration: Duration) {
  var time = timespec()
  time.tv_sec = Int(duration.components.seconds)
  time.tv_nsec = Int(duration.components.attoseconds / 1_000_000_000)
  unsafe nanosleep(&time, nil)
}

extension Duration {
  /// The duration in nanoseconds, at most 292 years of them; never negative.
  var clampedNanoseconds: Int {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let whole = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let sum = whole.partialValue.addingReportingOverflow(attoseconds / 1_000_000_000)
    return whole.overflow || sum.overflow ? .max : Int(sum.partialValue)
  }
}
