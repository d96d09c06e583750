import Larder
import LarderColumns
import LarderContract
import LarderFiles
import LarderOnline

/// Deaths one after the other: a command that dies before an operation, the next command, a third.
struct DeathSequence {
  let base: DeathBase
  let first: DeathCommand
  let broken: DeathBreak

  init(
    _ base: DeathBase, _ first: DeathCommand,
    _ broken: DeathBreak = DeathBreak()
  ) {
    self.base = base
    self.first = first
    self.broken = broken
  }

  /// The machine at one operation of the first command.
  struct Moment: Sendable {
    /// The operation before which the process died; after the last, one that never came.
    var number: Int
    var operation: String
    var disk: SimulatedFileSystem
    /// What may be there.
    var worlds: [DeathWorld]
    var copies: [DeathWorld] = []
    var isErased = false
    /// The command, if its outcome is open: what it left may become history at the next commit.
    var open: DeathCommand?

    /// What becomes of a state if the command's record counts only then.
    func late(_ world: DeathWorld) -> [DeathWorld] {
      open?.leftovers(.first, of: world) ?? []
    }
  }

  /// Runs the first command once, and keeps the machine as it is before each change.
  ///
  /// - Throws: whatever the command throws though nothing harmed it.
  func moments() throws -> [Moment] {
    let disk = base.machine()
    let collected = Collected()
    let start = disk.operations
    disk.watch { operation, fork in
      guard operation.kind.isChange, !operation.path.hasSuffix("/LOCK") else { return }
      collected.moments.append(
        Moment(
          number: operation.number - start,
          operation: "\(operation.kind.rawValue) \(operation.path)",
          disk: fork(), worlds: []))
    }
    let store = try base.shape.open(disk, order: 100, broken.confined(to: first))
    let isErased: Bool
    do {
      isErased = try first.run(store, .first)
      try store.onlineStore?.close()
    } catch {
      disk.watch(nil)
      throw error
    }
    disk.watch(nil)
    guard case .applied(let after) = first.effect(.first, on: base.world) else {
      throw DeathFinding("\(first) should have been refused")
    }
    var moments = collected.moments
    let between = first.leftovers(.first, of: base.world)
    for index in moments.indices {
      moments[index].worlds = [base.world] + between
      moments[index].open = first
    }
    moments.append(
      Moment(
        number: disk.operations - start + 1, operation: "its end", disk: disk.fork(),
        worlds: [after], copies: first == .backup ? [after] : [], isErased: isErased))
    return moments
  }

  private final class Collected: @unchecked Sendable {
    var moments: [Moment] = []
  }

  /// Looks at what a moment left, as a reader that comes right after the death.
  ///
  /// - Returns: what is wrong; nil if nothing is.
  func look(_ moment: Moment) -> String? {
    let promise = DeathPromise(worlds: moment.worlds, isErased: moment.isErased)
    return DeathExamination(base: base, broken: broken).sight(moment.disk.forkAlone(), promise)
  }

  /// Runs the second command on what a moment left, and checks each outcome.
  ///
  /// - Parameter cuts: seeds of power cuts after the second command; nil for none.
  /// - Returns: what is wrong with each outcome.
  func outcomes(
    _ moment: Moment, _ second: DeathCommand, cuts: [UInt64?]
  ) -> [(cut: UInt64?, finding: String?)] {
    let disk = moment.disk.forkAlone()
    let promise: DeathPromise
    switch DeathFollower(base: base, broken: broken).run(second, on: disk, moment) {
    case .failure(let finding): return cuts.map { ($0, finding.description) }
    case .success(let kept): promise = kept
    }
    return cuts.map { cut in
      let after: SimulatedFileSystem
      if let cut {
        after = disk.crash(seed: cut)
        after.setTurns(SimulatedSolitude())
      } else {
        after = disk.forkAlone()
      }
      let examination = DeathExamination(base: base, broken: broken)
      return (cut, examination.finding(after, promise, seed: UInt64(moment.number) &+ (cut ?? 0)))
    }
  }
}

/// The second process of a case.
struct DeathFollower {
  let base: DeathBase
  let broken: DeathBreak

  /// Runs a command after a moment.
  ///
  /// - Returns: what it promised, or why it went wrong: only what no possible state allows may be
  ///   refused.
  func run(
    _ command: DeathCommand, on disk: SimulatedFileSystem, _ moment: DeathSequence.Moment
  ) -> Result<DeathPromise, DeathFinding> {
    var promise = DeathPromise(
      worlds: [], copies: moment.copies, isErased: moment.isErased)
    var allowed: [DeathWorld] = []
    var refusing: [DeathWorld] = []
    for world in moment.worlds {
      for reading in command.readsDefinition ? moment.worlds : [world] {
        switch command.effect(.second, on: world, reading: reading) {
        case .applied(let after):
          allowed.append(after)
          guard command.leavesHistory, world == moment.worlds.first else { continue }
          allowed += moment.late(after)
        case .refused: refusing.append(world)
        }
      }
    }
    do {
      let store = try base.shape.open(disk, order: 200, broken.confined(to: command))
      let isErased = try command.run(store, .second)
      try store.onlineStore?.close()
      promise.worlds = allowed
      promise.isErased = promise.isErased || isErased
      if command == .backup { promise.copies = allowed }
    } catch let error as LarderError where command == .backup && error.code == .alreadyExists {
      // The first one is there already, and must be whole: what a copy leaves that was cut off is in
      // nobody's way.
      promise.worlds = moment.worlds
      if moment.copies.isEmpty { promise.copies = moment.worlds }
      return .success(promise)
    } catch {
      guard !refusing.isEmpty, let error = error as? LarderError,
        [.notFound, .incompatibleDefinition, .invalidInput, .conflict].contains(error.code)
      else {
        return .failure(DeathFinding("second: \(error)"))
      }
      // What it refused by may have been seen before it was settled, and go with the power.
      promise.worlds = moment.worlds
    }
    return .success(promise)
  }
}
