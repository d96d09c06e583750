import Larder
import LarderColumns

/// A line on the terminal that says how far the work has come; nothing where nobody is looking.
///
/// Shown from half a second on and renewed ten times a second at most.
final class Progress: Sendable {
  private struct Line {
    var shownAt: ContinuousClock.Instant
    var isShown = false
  }
  private let label: String
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private let line: ForkSafeMutex<Line>

  /// Begins the work of a label.
  init(_ label: String) {
    self.label = label
    start = clock.now
    line = ForkSafeMutex(Line(shownAt: clock.now + .milliseconds(400)))
  }

  deinit { clear() }

  /// Seconds since the beginning.
  var seconds: Double { Self.seconds(clock.now - start) }

  /// Shows how much is done.
  ///
  /// - Parameters:
  ///   - rows: rows done.
  ///   - part: what part of all is done, 0 to 1; nil if that is not known.
  func show(rows: Int, part: Double?) {
    guard Terminal.isShown else { return }
    let isDue = line.withLock { line in
      guard clock.now - line.shownAt >= .milliseconds(100) else { return false }
      line = Line(shownAt: clock.now, isShown: true)
      return true
    }
    guard isDue else { return }
    var text = "\(label)  \(Quantity.count(rows, "row"))"
    if let part {
      let done = Int(min(max(part, 0), 1) * 20)
      let bar = String(repeating: "#", count: done) + String(repeating: ".", count: 20 - done)
      text += "  [\(bar)] \(Int(min(max(part, 0), 1) * 100)) %"
    }
    text += "  \(Quantity.rate(rows, "row", in: seconds))"
    Terminal.write("\r\u{1B}[K\(text)")
  }

  /// Takes the line away.
  func clear() {
    let wasShown = line.withLock { line in
      defer { line.isShown = false }
      return line.isShown
    }
    if wasShown { Terminal.write("\r\u{1B}[K") }
  }

  /// A duration as seconds.
  static func seconds(_ duration: Duration) -> Double {
    let (seconds, attoseconds) = duration.components
    return Double(seconds) + Double(attoseconds) / 1e18
  }
}
