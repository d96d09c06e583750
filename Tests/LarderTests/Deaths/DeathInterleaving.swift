import Dispatch
import Larder
import LarderColumns
import LarderFiles
import LarderOnline
import Synchronization

/// Two commands of two live processes, interleaved by a schedule.
struct DeathInterleaving {
  let base: DeathBase
  let commands: [DeathCommand]
  let broken: DeathBreak

  init(
    _ base: DeathBase, _ first: DeathCommand, _ second: DeathCommand,
    _ broken: DeathBreak = DeathBreak()
  ) {
    self.base = base
    commands = [first, second]
    self.broken = broken
  }

  /// How a run went.
  struct Outcome {
    var disk: SimulatedFileSystem
    /// How each command ended; nil if its process died.
    var ends: [Result<Bool, LarderError>?]
    /// The points at which each could have given the turn away.
    var points: [Int]
    /// The changes that the one that begins made.
    var changes: Int
    /// An error that is none of the engine's.
    var finding: String?
  }

  /// Runs both commands.
  func run(_ schedule: DeathSchedule) -> Outcome {
    let machine = base.disk.fork()
    let processes = [machine, machine.anotherProcess()]
    let turns = DeathTurns(schedule, processes: processes.map(\.processNumber))
    machine.setTurns(turns)
    let ends = Mutex<[Result<Bool, any Error>?]>([nil, nil])
    let group = DispatchGroup()
    for place in 0..<2 {
      DispatchQueue.global().async(group: group) {
        turns.start(place)
        let end = Result { try perform(place, processes[place]) }
        ends.withLock { $0[place] = end }
        turns.finish(place)
      }
    }
    group.wait()
    machine.setTurns(nil)
    var outcome = Outcome(
      disk: machine.anotherProcess().fork(), ends: [], points: turns.points,
      changes: turns.changes)
    for (place, end) in ends.withLock({ $0 }).enumerated() {
      if place == schedule.begins, processes[place].isDown {
        outcome.ends.append(nil)
        continue
      }
      switch end {
      case .success(let isErased)?: outcome.ends.append(.success(isErased))
      case .failure(let error as LarderError)?: outcome.ends.append(.failure(error))
      case .failure(let error)?: outcome.finding = "\(error)"
      case nil: outcome.finding = "a process never ended"
      }
    }
    return outcome
  }

  private func perform(_ place: Int, _ process: SimulatedFileSystem) throws -> Bool {
    let store = try base.shape.open(
      process, order: 100 + 100 * place, broken.confined(to: commands[place]))
    let isErased = try commands[place].run(store, place == 0 ? .first : .second)
    try store.onlineStore?.close()
    return isErased
  }

  /// Runs a schedule and checks what it left.
  ///
  /// - Parameter cuts: seeds of power cuts afterwards; nil for none.
  func findings(_ schedule: DeathSchedule, cuts: [UInt64?]) -> (Outcome, [String?]) {
    let outcome = run(schedule)
    if let finding = outcome.finding { return (outcome, cuts.map { _ in finding }) }
    let promise: DeathPromise
    switch self.promise(outcome) {
    case .failure(let finding): return (outcome, cuts.map { _ in finding.description })
    case .success(let made): promise = made
    }
    let findings = cuts.map { cut -> String? in
      let after = cut.map { outcome.disk.crash(seed: $0) } ?? outcome.disk.fork()
      after.setTurns(SimulatedSolitude())
      return DeathExamination(base: base, broken: broken).finding(
        after, promise, seed: cut ?? UInt64(schedule.leaves))
    }
    return (outcome, findings)
  }

  /// What two commands promised: both in one order or the other, but for what was refused.
  private func promise(_ outcome: Outcome) -> Result<DeathPromise, DeathFinding> {
    var promise = DeathPromise(worlds: [])
    var open: [Int] = []
    var done: [Int] = []
    for (place, end) in outcome.ends.enumerated() {
      switch end {
      case nil: open.append(place)
      case .success(let isErased)?:
        done.append(place)
        promise.isErased = promise.isErased || isErased
      case .failure(let error)?:
        if error.code == .outcomeUnknown {
          open.append(place)
        } else if !mayRefuse(place, error.code) {
          return .failure(DeathFinding("\(place == 0 ? "first" : "second"): \(error)"))
        } else if !commands[place].isOneRefusal {
          open.append(place)
        }
      }
    }
    let acting = [0, 1].filter { done.contains($0) || open.contains($0) }
    for order in Self.orders(acting.map { place in commands[place].steps.map { (place, $0) } }) {
      var worlds = [base.world]
      var earlier: Set<DeathWorld> = [base.world]
      for (place, command) in order {
        let role: DeathRole = place == 0 ? .first : .second
        worlds = worlds.flatMap { world -> [DeathWorld] in
          if open.contains(place) {
            return [world, base.world].reduce(into: [world]) { all, reading in
              all += command.leftovers(role, of: world, reading: reading)
            }
          }
          // What it read of the definitions may be from before the other one.
          let read = command.plansAhead ? [world, base.world] : [world]
          return read.flatMap { reading -> [DeathWorld] in
            switch command.effect(role, on: world, reading: reading) {
            case .applied(let after):
              [after] + earlier.flatMap { command.besides(role, world, $0) }
            case .refused: []
            }
          }
        }
        earlier.formUnion(worlds)
      }
      promise.worlds += worlds
    }
    if let place = commands.firstIndex(of: .backup), done.contains(place) {
      // A copy shows the state at some moment of the run.
      let other: DeathRole = place == 0 ? .second : .first
      promise.copies = promise.worlds + [base.world]
      promise.copies += commands[1 - place].leftovers(other, of: base.world)
    }
    return .success(promise)
  }

  /// Every order of the steps of commands, each command's own kept.
  private static func orders(
    _ commands: [[(Int, DeathCommand)]]
  ) -> [[(Int, DeathCommand)]] {
    if commands.allSatisfy(\.isEmpty) { return [[]] }
    return commands.indices.flatMap { index -> [[(Int, DeathCommand)]] in
      guard let next = commands[index].first else { return [] }
      var rest = commands
      rest[index].removeFirst()
      return orders(rest).map { [next] + $0 }
    }
  }

  /// Whether a command may end so beside the other one: a plan holds unless something that it read
  /// was changed.
  private func mayRefuse(_ place: Int, _ code: LarderError.Code) -> Bool {
    code == .conflict
      ? commands[1 - place].changesPlans : Self.refusals.contains(code)
  }

  /// The errors by which a command may end that meets another one.
  private static let refusals: Set<LarderError.Code> = [
    .locked, .notFound, .incompatibleDefinition, .invalidInput, .alreadyExists, .invalidArgument,
  ]
}

extension DeathCommand {
  /// The commands of the engine that it consists of, between which the other one may come.
  fileprivate var steps: [DeathCommand] { self == .feed ? [.append, .materialize] : [self] }

  /// Whether nothing of it is there once it was refused.
  fileprivate var isOneRefusal: Bool {
    switch self {
    case .materialize, .feed, .forget, .returnFeature: false
    default: true
    }
  }

  /// Whether it changes something that other commands' plans list.
  fileprivate var changesPlans: Bool {
    switch self {
    case .append, .feed, .put, .materialize, .forgetNobody, .vacuum, .backup, .repair, .tag: false
    default: true
    }
  }

  /// What it may leave too, if it looked at history before the other command changed it.
  fileprivate func besides(
    _ role: DeathRole, _ world: DeathWorld, _ before: DeathWorld
  ) -> [DeathWorld] {
    guard self == .materialize, case .applied(let read) = effect(role, on: before)
    else {
      return []
    }
    var mixed = world
    mixed.online = world.online.mixed(with: read.online)
    return [mixed]
  }
}
