import LarderOffline

/// A break of the rules of commits, erasures and copies, and the cases that must show it.
enum DeathMutant: String, CaseIterable, Sendable {
  case plansBeforeSettling
  case adoptsWithoutComparing
  case plansBeforeSettlingAndAdopts
  case destroysBeforeSettling
  case destroysWithoutLookingAgain
  case repairsByStateAlone
  case erasesByStateAlone
  case certifiesTooEarly
  case pinsHistoryBeforeCopyingOnline
  case masksWithoutOnline

  var broken: DeathBreak {
    switch self {
    case .plansBeforeSettling: DeathBreak(omitted: .settling, command: .append)
    case .adoptsWithoutComparing: DeathBreak(omitted: .comparing)
    case .plansBeforeSettlingAndAdopts:
      DeathBreak(omitted: [.settling, .comparing], command: .append)
    case .destroysBeforeSettling: DeathBreak(omitted: .settling, command: .vacuum)
    case .destroysWithoutLookingAgain: DeathBreak(omitted: .lookingAgain)
    case .repairsByStateAlone: DeathBreak(omitted: .settling, command: .repair)
    case .erasesByStateAlone: DeathBreak(omitted: .settling, command: .forgetNobody)
    case .certifiesTooEarly: DeathBreak(omitted: .certifyingLast)
    case .pinsHistoryBeforeCopyingOnline: DeathBreak(omitted: .copyingOnlineFirst)
    case .masksWithoutOnline: DeathBreak(omitted: .maskingOnline)
    }
  }

  /// The store and the two commands that show it, and whether both must be alive.
  var cases: [(shape: DeathShape, first: DeathCommand, second: DeathCommand, isLive: Bool)] {
    switch self {
    case .plansBeforeSettling, .plansBeforeSettlingAndAdopts:
      [(.small, .append, .append, false)]
    case .destroysBeforeSettling: [(.small, .append, .vacuum, false)]
    case .adoptsWithoutComparing: [(.small, .drop, .append, true)]
    case .destroysWithoutLookingAgain: [(.small, .vacuum, .append, true)]
    case .repairsByStateAlone: [(.small, .append, .repair, false)]
    case .erasesByStateAlone: [(.small, .append, .forgetNobody, false)]
    case .certifiesTooEarly: [(.online, .forget, .tag, false)]
    case .pinsHistoryBeforeCopyingOnline: [(.online, .backup, .feed, true)]
    case .masksWithoutOnline: [(.online, .forget, .tag, false)]
    }
  }

  /// The first case in which something is wrong.
  ///
  /// - Parameter stride: of the schedules of live processes, each n-th is tried.
  func find(_ broken: DeathBreak, stride: Int = 1) throws -> String? {
    for (shape, first, second, isLive) in cases {
      let base = try DeathBase(shape)
      let found =
        isLive
        ? live(DeathInterleaving(base, first, second, broken), stride)
        : try dying(DeathSequence(base, first, broken), second)
      if let found { return found }
    }
    return nil
  }

  private func dying(_ sequence: DeathSequence, _ second: DeathCommand) throws -> String? {
    for moment in try sequence.moments() {
      if let finding = sequence.look(moment) {
        return "\(DeathCaseName.look(sequence.base.shape, sequence.first, n: moment.number)): "
          + finding
      }
      for outcome in sequence.outcomes(moment, second, cuts: [nil, 1]) {
        guard let finding = outcome.finding else { continue }
        let name = DeathCaseName.death(
          sequence.base.shape, sequence.first, n: moment.number, second, cut: outcome.cut)
        return "\(name): \(finding)"
      }
    }
    return nil
  }

  private func live(_ pair: DeathInterleaving, _ stride: Int) -> String? {
    for (place, schedule) in pair.everySchedule().enumerated() where place % stride == 0 {
      guard let finding = pair.findings(schedule, cuts: [nil]).1[0] else { continue }
      let name = DeathCaseName.turns(
        pair.base.shape, pair.commands[0], pair.commands[1], schedule, cut: nil)
      return "\(name): \(finding)"
    }
    return nil
  }
}
