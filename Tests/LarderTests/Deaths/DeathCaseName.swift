import LarderFiles

/// A case in words by which it can be run alone: `LARDER_DEATHS_CASE`.
enum DeathCaseName: Sendable, CustomStringConvertible {
  /// The first command dies before its n-th operation; 0 stands for an end that nobody hastened.
  case death(DeathShape, DeathCommand, n: Int, DeathCommand, cut: UInt64?)
  /// The same, and all that comes after is somebody who looks.
  case look(DeathShape, DeathCommand, n: Int)
  /// A call of the first command's fails: one of the list of all its faults.
  case fault(DeathShape, DeathCommand, index: Int, DeathCommand, cut: UInt64?)
  /// Two live processes take turns.
  case turns(DeathShape, DeathCommand, DeathCommand, DeathSchedule, cut: UInt64?)

  var description: String {
    func text(_ cut: UInt64?) -> String { cut.map { "\($0)" } ?? "none" }
    switch self {
    case .death(let shape, let first, let n, let second, let cut):
      return "death/\(shape)/\(first)/\(n)/\(second)/\(text(cut))"
    case .look(let shape, let first, let n):
      return "look/\(shape)/\(first)/\(n)/-/none"
    case .fault(let shape, let first, let index, let second, let cut):
      return "fault/\(shape)/\(first)/\(index)/\(second)/\(text(cut))"
    case .turns(let shape, let first, let second, let schedule, let cut):
      let words = [schedule.begins, schedule.leaves, schedule.returns, schedule.isFine ? 1 : 0]
      let dots = (words + [schedule.death ?? 0]).map { "\($0)" }.joined(separator: ".")
      return "turns/\(shape)/\(first)/\(second)/\(dots)/\(text(cut))"
    }
  }

  /// Reads what `description` says; nil for anything else.
  init?(_ text: String) {
    let parts = text.split(separator: "/").map { String($0) }
    guard parts.count == 6, let shape = DeathShape(rawValue: parts[1]),
      let first = DeathCommand(rawValue: parts[2]),
      let second = parts[0] == "look"
        ? first : DeathCommand(rawValue: parts[parts[0] == "turns" ? 3 : 4])
    else { return nil }
    let cut = UInt64(parts[5])
    switch parts[0] {
    case "death":
      guard let n = Int(parts[3]) else { return nil }
      self = .death(shape, first, n: n, second, cut: cut)
    case "look":
      guard let n = Int(parts[3]) else { return nil }
      self = .look(shape, first, n: n)
    case "fault":
      guard let index = Int(parts[3]) else { return nil }
      self = .fault(shape, first, index: index, second, cut: cut)
    case "turns":
      let words = parts[4].split(separator: ".").compactMap { Int($0) }
      guard words.count == 5 else { return nil }
      self = .turns(
        shape, first, second,
        DeathSchedule(
          begins: words[0], leaves: words[1], returns: words[2], isFine: words[3] == 1,
          death: words[4] == 0 ? nil : words[4]), cut: cut)
    default: return nil
    }
  }

  /// Runs the case.
  ///
  /// - Parameter tell: told what happens on the way.
  /// - Returns: what is wrong; nil if nothing is.
  func run(_ tell: (String) -> Void) throws -> String? {
    switch self {
    case .death(let shape, let first, let n, let second, let cut):
      let sequence = DeathSequence(try DeathBase(shape), first)
      guard let moment = try sequence.moments().first(where: { $0.number == n }) else {
        return "\(first) has no operation \(n) that changes anything"
      }
      tell("\(first) dies before \(moment.operation)")
      return sequence.outcomes(moment, second, cuts: [cut]).first?.finding
    case .look(let shape, let first, let n):
      let sequence = DeathSequence(try DeathBase(shape), first)
      guard let moment = try sequence.moments().first(where: { $0.number == n }) else {
        return "\(first) has no operation \(n) that changes anything"
      }
      tell("\(first) dies before \(moment.operation)")
      return sequence.look(moment)
    case .fault(let shape, let first, let index, let second, let cut):
      let sequence = DeathSequence(try DeathBase(shape), first)
      let faults = try sequence.faults()
      guard faults.indices.contains(index) else { return "\(first) has no fault \(index)" }
      tell("\(first) meets \(faults[index])")
      let moment = sequence.moment(after: faults[index], evicts: index % 2 == 0)
      tell("it ended with \(moment.worlds.count) possible states")
      return sequence.outcomes(moment, second, cuts: [cut]).first?.finding
    case .turns(let shape, let first, let second, let schedule, let cut):
      let pair = DeathInterleaving(try DeathBase(shape), first, second)
      let (outcome, findings) = pair.findings(schedule, cuts: [cut])
      tell("the ends: \(outcome.ends)")
      return findings[0]
    }
  }
}
