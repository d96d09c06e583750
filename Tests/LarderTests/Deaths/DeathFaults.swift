import Larder
import LarderColumns
import LarderFiles
import LarderOnline

/// A call of a command's that fails: once, or from then on.
struct DeathFault: Sendable, CustomStringConvertible {
  /// The operation, counted from the command's first.
  var number: Int
  var operation: String
  var kind: SimulatedFault.Kind
  var isSticky: Bool

  var description: String { "\(kind)\(isSticky ? " for good" : "") at n=\(number) (\(operation))" }
}

extension DeathSequence {
  /// Every call of the first command that can fail, in each way.
  func faults() throws -> [DeathFault] {
    let disk = base.machine()
    disk.keepLog(true)
    let start = disk.operations
    try perform(on: disk)
    var faults: [DeathFault] = []
    for operation in disk.log where !operation.path.hasSuffix("/LOCK") {
      for kind in SimulatedFault.Kind.allCases where kind.applies(to: operation.kind) {
        for isSticky in [false, true] {
          faults.append(
            DeathFault(
              number: operation.number - start,
              operation: "\(operation.kind.rawValue) \(operation.path)", kind: kind,
              isSticky: isSticky))
        }
      }
    }
    return faults
  }

  private func perform(on disk: SimulatedFileSystem) throws {
    let store = try base.shape.open(disk, order: 100, broken.confined(to: first))
    _ = try first.run(store, .first)
    // What was acknowledged stands, whatever becomes of the end of the process.
    do { try store.onlineStore?.close() } catch is LarderError {}
  }

  /// The machine after the first command met a fault and its process ended.
  ///
  /// - Parameter evicts: whether memory was short since, so that what a failed sync dropped shows.
  func moment(after fault: DeathFault, evicts: Bool) -> Moment {
    let disk = base.machine()
    disk.inject(
      SimulatedFault(
        fault.kind, at: disk.operations + fault.number, isSticky: fault.isSticky, of: disk))
    var moment = Moment(
      number: fault.number, operation: fault.description, disk: disk, worlds: [])
    let between = first.leftovers(.first, of: base.world)
    do {
      try perform(on: disk)
      guard case .applied(let after) = first.effect(.first, on: base.world) else { return moment }
      moment.worlds = [after]
    } catch let error as LarderError where error.code != .outcomeUnknown && first.isOneStep {
      // It says that nothing of it is there.
      moment.worlds = [base.world]
    } catch {
      moment.worlds = [base.world] + between
      moment.open = first
    }
    disk.removeFaults()
    if evicts { disk.evictCleanPages() }
    moment.disk = disk.fork()
    return moment
  }
}

extension DeathCommand {
  /// Whether its only visible effect comes with one commit or batch, its last act but for cleaning.
  fileprivate var isOneStep: Bool {
    switch self {
    case .materialize, .feed, .forget, .returnFeature: false
    default: true
    }
  }
}
