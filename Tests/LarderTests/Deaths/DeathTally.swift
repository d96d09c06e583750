import Synchronization

/// Counts what was tried, and keeps what went wrong.
final class DeathTally: Sendable {
  struct State {
    var states = 0
    var failures = 0
    var pairs: [String: (states: Int, failures: Int)] = [:]
    /// The first failure of each kind, and how many there were.
    var kinds: [String: (count: Int, first: String)] = [:]
  }
  private let state = Mutex(State())
  /// Told of each failure.
  let report: @Sendable (String) -> Void

  init(report: @escaping @Sendable (String) -> Void = { _ in }) { self.report = report }

  func note(pair: String, case name: String, _ finding: String?) {
    state.withLock { state in
      state.states += 1
      state.pairs[pair, default: (0, 0)].states += 1
      guard let finding else { return }
      state.failures += 1
      state.pairs[pair, default: (0, 0)].failures += 1
      let kind = Self.kind(finding)
      if state.kinds[kind] == nil { state.kinds[kind] = (0, "\(name): \(finding)") }
      state.kinds[kind]?.count += 1
    }
    if let finding { report("\(name): \(finding)") }
  }

  var states: Int { state.withLock { $0.states } }
  var failures: Int { state.withLock { $0.failures } }
  var pairs: [(pair: String, states: Int, failures: Int)] {
    state.withLock { $0.pairs.map { ($0.key, $0.value.states, $0.value.failures) } }
      .sorted { $0.0 < $1.0 }
  }
  var kinds: [(kind: String, count: Int, first: String)] {
    state.withLock { $0.kinds.map { ($0.key, $0.value.count, $0.value.first) } }
      .sorted { $0.1 > $1.1 }
  }

  /// A finding without its numbers and names of files.
  private static func kind(_ finding: String) -> String {
    var kind = ""
    var wasDigit = false
    for scalar in finding.unicodeScalars.prefix(160) {
      let isDigit = ("0"..."9").contains(scalar) || ("a"..."f").contains(scalar) && wasDigit
      if isDigit {
        if !wasDigit { kind += "#" }
      } else {
        kind.unicodeScalars.append(scalar)
      }
      wasDigit = isDigit
    }
    return kind
  }
}
