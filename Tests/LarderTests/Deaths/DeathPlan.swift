import Dispatch
import LarderFiles
import TestSupport

/// Which cases are tried: all pairs of commands on all stores, so often each.
struct DeathPlan: Sendable {
  var shapes = DeathShape.allCases
  var firsts = DeathCommand.allCases
  var seconds = DeathCommand.allCases
  var seed: UInt64 = 1
  /// What is broken in the processes of every case.
  var broken = DeathBreak()
  /// Of the moments at which the first command dies, each n-th; 0 for none.
  var deathStride = 1
  /// Power cuts that are drawn for each of them, beside none.
  var cuts = 1
  /// Of the faults that it meets, each n-th; 0 for none.
  var faultStride = 0
  /// Second commands after each fault.
  var followers = 1
  /// Schedules of two live processes for each pair.
  var schedules = 0
  /// Whether every schedule of two switches is tried, on one store for each pair.
  var isEverySchedule = false

  /// Tries all of it on both cores.
  func run(_ tally: DeathTally) throws {
    let bases = try shapes.map { try DeathBase($0) }
    let units = bases.flatMap { base in firsts.map { (base, $0) } }
    // The longest first, or the last one runs alone.
    let order = units.indices.sorted { weight(units[$0].1) > weight(units[$1].1) }
    DispatchQueue.concurrentPerform(iterations: order.count) { place in
      let (base, first) = units[order[place]]
      do {
        try deaths(base, first, tally)
        try faults(base, first, tally)
        try interleavings(base, first, tally)
      } catch {
        tally.note(
          pair: "\(first) alone", case: "\(base.shape)/\(first)", "first: \(error)")
      }
    }
  }

  private func weight(_ command: DeathCommand) -> Int {
    switch command {
    case .forget, .materialize, .put: 3
    case .backup, .cold: 2
    default: 1
    }
  }

  /// A number that only these words decide.
  private func salt(_ words: Int...) -> UInt64 {
    var random = SeededRandom(seed: seed)
    var salt = random.next()
    for word in words {
      random = SeededRandom(seed: salt ^ UInt64(bitPattern: Int64(word)))
      salt = random.next()
    }
    return salt
  }

  private func deaths(
    _ base: DeathBase, _ first: DeathCommand, _ tally: DeathTally
  ) throws {
    guard deathStride > 0 else { return }
    let sequence = DeathSequence(base, first, broken)
    for (place, moment) in try sequence.moments().enumerated() {
      if place % deathStride == 0 {
        let name = DeathCaseName.look(base.shape, first, n: moment.number)
        tally.note(pair: "\(first) -", case: "\(name)", sequence.look(moment))
      }
      for (index, second) in seconds.enumerated() where (place + index) % deathStride == 0 {
        var drawn: [UInt64?] = [nil]
        for cut in 0..<cuts { drawn.append(salt(moment.number, index, cut) % 100_000) }
        for outcome in sequence.outcomes(moment, second, cuts: drawn) {
          let name = DeathCaseName.death(
            base.shape, first, n: moment.number, second, cut: outcome.cut)
          tally.note(pair: "\(first) \(second)", case: "\(name)", outcome.finding)
        }
      }
    }
  }

  private func faults(
    _ base: DeathBase, _ first: DeathCommand, _ tally: DeathTally
  ) throws {
    guard faultStride > 0 else { return }
    let sequence = DeathSequence(base, first, broken)
    let begin = Int(salt(first.rawValue.utf8.count) % UInt64(faultStride))
    let faults = try sequence.faults()
    for index in stride(from: begin, to: faults.count, by: faultStride) {
      let moment = sequence.moment(after: faults[index], evicts: index % 2 == 0)
      for follower in 0..<followers {
        let second = seconds[Int(salt(index, follower) % UInt64(seconds.count))]
        let cut = salt(index, follower, 1) % 100_000
        for outcome in sequence.outcomes(moment, second, cuts: [nil, cut]) {
          let name = DeathCaseName.fault(
            base.shape, first, index: index, second, cut: outcome.cut)
          tally.note(pair: "\(first) \(second)", case: "\(name)", outcome.finding)
        }
      }
    }
  }

  private func interleavings(
    _ base: DeathBase, _ first: DeathCommand, _ tally: DeathTally
  ) throws {
    for (place, second) in seconds.enumerated() {
      let pair = DeathInterleaving(base, first, second, broken)
      let chosen = (place + first.rawValue.utf8.count) % shapes.count
      if isEverySchedule, shapes[chosen] == base.shape {
        for schedule in pair.everySchedule() { run(pair, schedule, tally) }
      }
      guard schedules > 0 else { continue }
      let bounds = [0, 1].map { pair.bound(begins: $0) }
      for round in 0..<schedules {
        run(pair, draw(bounds, salt(place, round, first.rawValue.utf8.count), round), tally)
      }
    }
  }

  private func draw(
    _ bounds: [(coarse: [Int], fine: [Int], changes: Int)], _ salt: UInt64, _ round: Int
  ) -> DeathSchedule {
    var random = SeededRandom(seed: salt)
    let begins = random.int(0...1)
    let isFine = round % 3 == 2
    let points = isFine ? bounds[begins].fine : bounds[begins].coarse
    return DeathSchedule(
      begins: begins, leaves: random.int(1...max(1, points[begins])),
      returns: random.int(1...max(1, points[1 - begins]) + 1), isFine: isFine,
      death: random.chance(0.4) ? random.int(1...max(1, bounds[begins].changes)) : nil)
  }

  private func run(
    _ pair: DeathInterleaving, _ schedule: DeathSchedule, _ tally: DeathTally
  ) {
    let cut = salt(schedule.leaves, schedule.returns, schedule.death ?? 0) % 100_000
    let (_, findings) = pair.findings(schedule, cuts: [nil, cut])
    for (cut, finding) in zip([nil, cut], findings) {
      let name = DeathCaseName.turns(
        pair.base.shape, pair.commands[0], pair.commands[1], schedule, cut: cut)
      tally.note(pair: "\(pair.commands[0]) \(pair.commands[1])", case: "\(name)", finding)
    }
  }
}
