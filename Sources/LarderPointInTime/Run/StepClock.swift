/// Adds up the time spent on each step of a run.
struct StepClock {
  enum Step: Int { case keys, search, gather }

  private(set) var nanoseconds: [Int64] = [0, 0, 0]
  private var last = ContinuousClock.now

  /// Starts measuring.
  mutating func start() { last = .now }

  /// Ascribes the time since the last call to a step.
  mutating func stop(_ step: Step) {
    let now = ContinuousClock.now
    let (seconds, attoseconds) = (now - last).components
    nanoseconds[step.rawValue] += seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    last = now
  }
}
