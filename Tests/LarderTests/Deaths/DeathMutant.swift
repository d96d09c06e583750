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
    case .plansBeforeSettling, .destroysBeforeSettling: DeathBreak(omitted: .settling)
    case .adoptsWithoutComparing: DeathBreak(omitted: .comparing)
    case .plansBeforeSettlingAndAdopts: DeathBreak(omitted: [.settling, .comparing])
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
    case .destroysBeforeSettling:
      [(.small, .append, .vacuum, false), (.small, .replace, .compact, false)]
    case .adoptsWithoutComparing:
      [(.small, .dropFeature, .append, true), (.folded, .compact, .replace, true)]
    case .destroysWithoutLookingAgain:
      [(.small, .vacuum, .append, true), (.small, .repair, .append, true)]
    case .repairsByStateAlone: [(.small, .append, .repair, false)]
    case .erasesByStateAlone: [(.small, .append, .forgetNobody, false)]
    case .certifiesTooEarly: [(.online, .forget, .tag, false)]
    case .pinsHistoryBeforeCopyingOnline: [(.online, .backup, .feed, true)]
    case .masksWithoutOnline: [(.online, .forget, .tag, false)]
    }
  }

  /// The first case in which something is wrong.
  ///
  /// - Parameter broken: nil to look with nothing broken.
  func find(_ broken: DeathBreak) throws -> String? {
    for (shape, first, second, isLive) in cases {
      let base = try DeathBase(shape)
      let found =
        isLive
        ? live(DeathInterleaving(base, first, second, broken))
        : try dying(DeathSequence(base, first, broken), second)
      if let found { return found }
    }
    return nil
  }

  private func dying(_ sequence: DeathSequence, _ second: DeathCommand) throws -> String? {
    for moment in try sequence.moments() {
      for outcome in sequence.outcomes(moment, second, cuts: [nil, 1]) {
        guard let finding = outcome.finding else { continue }
        let name = DeathCaseName.death(
          sequence.base.shape, sequence.first, n: moment.number, second, cut: outcome.cut)
        return "\(name): \(finding)"
      }
    }
    return nil
  }

  private func live(_ pair: DeathInterleaving) -> String? {
    for schedule in pair.everySchedule() {
      guard let finding = pair.findings(schedule, cuts: [nil]).1[0] else { continue }
      let name = DeathCaseName.turns(
        pair.base.shape, pair.commands[0], pair.commands[1], schedule, cut: nil)
      return "\(name): \(finding)"
    }
    return nil
  }
}
