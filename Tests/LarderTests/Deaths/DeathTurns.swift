import Dispatch
import LarderFiles
import Synchronization

/// How two live processes take turns: at most two switches that nobody's wait forces.
struct DeathSchedule: Hashable, Sendable, CustomStringConvertible {
  /// Which process begins.
  var begins: Int
  /// At which of its points the one that begins lets the other go on.
  var leaves: Int
  /// At which of its points the other one gives the turn back; then both run to their ends.
  var returns: Int
  /// Whether every change is a point, not only locks, syncs and publications.
  var isFine: Bool
  /// The change before which the one that begins dies, once it has its turn back.
  var death: Int?

  var description: String {
    "begins=\(begins) leaves=\(leaves) returns=\(returns)\(isFine ? " fine" : "")"
      + (death.map { " death=\($0)" } ?? "")
  }
}

/// Lets one of two processes run at a time, as a schedule says.
final class DeathTurns: SimulatedTurns {
  private struct State {
    var current: Int
    var isDone = [false, false]
    var points = [0, 0]
    var changes = 0
    /// How many of the planned switches were made.
    var switches = 0
    /// How often somebody waited in vain since anything happened.
    var stuck = 0
  }
  private let schedule: DeathSchedule
  private let processes: [Int]
  private let state: Mutex<State>
  private let signals = [DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)]

  /// - Parameter processes: the numbers of the two on their machine.
  init(_ schedule: DeathSchedule, processes: [Int]) {
    self.schedule = schedule
    self.processes = processes
    state = Mutex(State(current: schedule.begins))
  }

  /// Waits for the first turn of a process.
  func start(_ place: Int) {
    if place != schedule.begins { signals[place].wait() }
  }

  /// A process has ended: the other one goes on.
  func finish(_ place: Int) {
    let goesOn = state.withLock { state in
      state.isDone[place] = true
      guard !state.isDone[1 - place] else { return false }
      state.current = 1 - place
      return true
    }
    if goesOn { signals[1 - place].signal() }
  }

  /// The points that each process came to.
  var points: [Int] { state.withLock { $0.points } }
  /// The changes that the one that begins made.
  var changes: Int { state.withLock { $0.changes } }

  func reach(_ point: SimulatedPoint, at path: String, process: Int) -> Bool {
    guard let place = processes.firstIndex(of: process) else { return true }
    let (gives, dies) = state.withLock { state -> (Bool, Bool) in
      if point != .lock { state.stuck = 0 }
      var dies = false
      if place == schedule.begins, case .operation(let kind) = point, kind.isChange,
        !path.hasSuffix("/LOCK")
      {
        state.changes += 1
        dies = state.changes == schedule.death
      }
      guard isPoint(point, path) else { return (false, dies) }
      state.points[place] += 1
      let wanted = state.switches == 0 ? schedule.leaves : schedule.returns
      let owner = state.switches == 0 ? schedule.begins : 1 - schedule.begins
      guard state.switches < 2, place == owner, state.points[place] == wanted else {
        return (false, dies)
      }
      state.switches += 1
      guard !state.isDone[1 - place] else { return (false, dies) }
      state.current = 1 - place
      return (true, dies)
    }
    if gives { hand(from: place) }
    return !dies
  }

  func wait(process: Int) -> Bool {
    guard let place = processes.firstIndex(of: process) else { return false }
    let (gives, goesOn) = state.withLock { state -> (Bool, Bool) in
      state.stuck += 1
      if state.isDone[1 - place] { return (false, state.stuck < 3) }
      guard state.stuck < 8 else { return (false, false) }
      state.current = 1 - place
      return (true, true)
    }
    if gives { hand(from: place) }
    return goesOn
  }

  private func hand(from place: Int) {
    signals[1 - place].signal()
    signals[place].wait()
  }

  private func isPoint(_ point: SimulatedPoint, _ path: String) -> Bool {
    switch point {
    case .lock, .unlock: true
    case .operation(let kind):
      switch kind {
      case .sync, .syncDirectory: true
      case .store: schedule.isFine || path.hasSuffix("/STATE")
      default: schedule.isFine && kind.isChange && !path.hasSuffix("/LOCK")
      }
    }
  }
}
