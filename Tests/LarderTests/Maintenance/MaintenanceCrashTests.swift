import LarderColumns
import LarderContract
import LarderFiles
import LarderOffline
import LarderOnline
import Testing

@testable import Larder

/// Materialization and backup under power cuts and failing calls, at every operation they make.
@Suite struct MaintenanceCrashTests {
  private static let view = FeatureView(
    "stats", entities: [Entity("driver", joinKeys: [.int64("driver_id")])],
    features: [Field("trips", .int64), Field("label", .string)])

  private static func rows(_ drivers: Range<Int64>, _ second: Int64) throws -> RecordBatch {
    try RecordBatch([
      "driver_id": .int64(drivers.map { $0 }),
      "event_timestamp": .timestamp(drivers.map { _ in second * 1_000_000 }),
      "trips": .int64(drivers.map { $0 * 100 + second }),
      "label": .string(drivers.map { "d\($0) at \(second)" }),
    ])
  }

  private static func open(
    _ disk: SimulatedFileSystem, _ path: String = "/s", access: StoreAccess = .readWrite,
    start: Int64 = 1_700_000_000_000_000
  ) throws -> FeatureStore {
    var stored = StoreOptions()
    stored.fold = .off
    stored.threads = 1
    stored.lockTimeout = .milliseconds(200)
    var online = OnlineOptions(compactAt: nil, lockTimeout: .milliseconds(200))
    online.firstLogFileBytes = 1 << 16
    online.largestLogFileBytes = 1 << 17
    online.preparesAhead = false
    let history = try SegmentOfflineStore(
      at: path, access: access, host: disk.host(start: start), options: stored)
    return FeatureStore(offline: history, online: try history.makeOnlineStore(online))
  }

  /// Some history, a part of it materialized, and a row that was pushed.
  private static func build() throws -> SimulatedFileSystem {
    let disk = SimulatedFileSystem(seed: 21)
    let store = try open(disk, access: .create)
    try store.apply(Definitions(featureViews: [view]))
    try store.append(try rows(0..<20, 10), to: "stats")
    try store.append(try rows(5..<15, 20), to: "stats")
    try store.materialize("stats", through: Timestamp(seconds: 15))
    try store.append(try rows(0..<8, 30), to: "stats")
    try store.append(try rows(2..<4, 12), to: "stats")
    try store.online("stats").write(try rows(1..<2, 99))
    try store.onlineStore?.close()
    return disk
  }

  /// What each driver shows online; nil if it is not there.
  private static func seen(_ store: FeatureStore) throws -> [Value?] {
    let keys = try RecordBatch(["driver_id": .int64((0..<22).map { Int64($0) })])
    let answer = try store.online("stats").read(keys, at: Timestamp(seconds: 1_000))
    return try (0..<22).map { row in
      guard answer.statuses[row] != .notFound else { return nil }
      let trips = try #require(answer.features["trips"]?[row])
      let label = try #require(answer.features["label"]?[row])
      // A row is whole: both features are of one time.
      guard case .int64(let number) = trips, case .string(let text) = label else {
        Issue.record("driver \(row) shows \(trips) and \(label)")
        return nil
      }
      #expect(text == "d\(row) at \(number - Int64(row) * 100)")
      return trips
    }
  }

  /// History and the online table are whole; materialized again, everything is as without a crash.
  private static func check(
    _ disk: SimulatedFileSystem, before: [Value?], after: [Value?], history: Int,
    _ context: String
  ) throws {
    let reader = try open(disk, access: .readOnly, start: 1_700_000_600_000_000)
    let shown = try seen(reader)
    for (row, value) in shown.enumerated() {
      #expect(
        value == before[row] || value == after[row], "\(context), driver \(row): \(value as Any)")
    }
    #expect(try reader.pullAll("stats").collect().count == history, "\(context)")
    let store = try open(disk.anotherProcess(), start: 1_700_000_700_000_000)
    #expect(try store.verify(deep: true).findings.isEmpty, "\(context)")
    try store.materialize("stats", through: Timestamp(seconds: 40))
    #expect(try seen(store) == after, "\(context), materialized again")
    try store.onlineStore?.close()
  }

  // MARK: What is harmed

  /// What is done to a store.
  private typealias Action = (FeatureStore) throws -> Void

  /// An action that nothing harmed, on a copy of the disk it is to be harmed on.
  private struct Rehearsal {
    /// The disk before.
    let base: SimulatedFileSystem
    /// The disk after.
    let whole: SimulatedFileSystem
    /// What was done to the disk.
    let operations: [SimulatedOperation]
    /// What the drivers showed before and after.
    let before: [Value?]
    let after: [Value?]
  }

  private static func rehearse(_ act: Action) throws -> Rehearsal {
    let base = try build()
    let whole = base.crash(seed: 1, .everything)
    let start = whole.log.count
    let store = try open(whole, start: 1_700_000_500_000_000)
    let before = try seen(store)
    try act(store)
    let operations = Array(whole.log.dropFirst(start))
    return Rehearsal(
      base: base, whole: whole, operations: operations, before: before, after: try seen(store))
  }

  /// Cuts the power before each change that an action makes, and checks what each way to survive
  /// leaves.
  ///
  /// - Returns: how many states were checked.
  private static func cutPower(
    in rehearsal: Rehearsal, _ act: Action,
    check: (_ disk: SimulatedFileSystem, _ context: String) throws -> Void
  ) throws -> Int {
    var states = 0
    for operation in rehearsal.operations.filter(\.kind.isChange) {
      let disk = rehearsal.base.crash(seed: 1, .everything)
      disk.crashAtOperation(operation.number)
      do { try act(try open(disk, start: 1_700_000_500_000_000)) } catch {}
      for survival in [SimulatedSurvival.nothing, .everything, .random, .random] {
        states += 1
        try check(
          disk.crash(seed: UInt64(operation.number * 4 + states % 4), survival),
          "crash before \(operation), \(survival)")
      }
    }
    return states
  }

  /// Lets each call of an action fail that a kind of fault can befall, once or from then on, then
  /// cuts the power, and checks what is left.
  ///
  /// - Returns: how many faults there were.
  private static func inject(
    _ kind: SimulatedFault.Kind, in rehearsal: Rehearsal, stickiness: [Bool], _ act: Action,
    check: (_ disk: SimulatedFileSystem, _ isDone: Bool, _ context: String) throws -> Void
  ) throws -> Int {
    var faults = 0
    for operation in rehearsal.operations where kind.applies(to: operation.kind) {
      for isSticky in stickiness {
        faults += 1
        let disk = rehearsal.base.crash(seed: 1, .everything)
        disk.inject(SimulatedFault(kind, at: operation.number, isSticky: isSticky))
        var isDone = false
        do {
          try act(try open(disk, start: 1_700_000_500_000_000))
          isDone = true
        } catch is LarderError {}
        disk.removeFaults()
        disk.evictCleanPages()
        try check(
          disk.crash(seed: 7, .nothing), isDone, "\(kind) at \(operation), sticky \(isSticky)")
      }
    }
    return faults
  }

  // MARK: Materialization

  private static func materialize(_ store: FeatureStore) throws {
    try store.materialize("stats", through: Timestamp(seconds: 40))
  }

  @Test func materializationIsWholeOrDoneAgain() throws {
    let rehearsal = try Self.rehearse(Self.materialize)
    let (before, after) = (rehearsal.before, rehearsal.after)
    #expect(before != after)
    // What was acknowledged stays.
    let kept = rehearsal.whole.crash(seed: 2, .nothing)
    #expect(try Self.seen(Self.open(kept, start: 1_700_000_600_000_000)) == after)
    let states = try Self.cutPower(in: rehearsal, Self.materialize) { disk, context in
      try Self.check(disk, before: before, after: after, history: 40, context)
    }
    print("crash states of a materialization:", states)
    #expect(states > 20)
  }

  @Test(arguments: [SimulatedFault.Kind.io, .noSpace, .shortWrite, .lostSync])
  func materializationOutlivesFaults(_ kind: SimulatedFault.Kind) throws {
    let rehearsal = try Self.rehearse(Self.materialize)
    let (before, after) = (rehearsal.before, rehearsal.after)
    let faults = try Self.inject(
      kind, in: rehearsal, stickiness: [false, true], Self.materialize
    ) { disk, isDone, context in
      try Self.check(
        disk, before: isDone ? after : before, after: after, history: 40, context)
    }
    print("faults \(kind) in a materialization:", faults)
    #expect(faults > 0)
  }

  // MARK: Backup

  /// Whatever a cut leaves of a copy is whole or no store; the original is as it was.
  private static func checkCopy(
    _ disk: SimulatedFileSystem, isDone: Bool, shown: [Value?], _ context: String
  ) throws {
    let original = try open(disk, start: 1_700_000_600_000_000)
    #expect(try original.pullAll("stats").collect().count == 40, "\(context)")
    #expect(try original.verify(deep: true).findings.isEmpty, "\(context)")
    do {
      let copy = try open(disk.anotherProcess(), "/copy", start: 1_700_000_600_000_000)
      #expect(try copy.pullAll("stats").collect().count == 40, "\(context)")
      #expect(try seen(copy) == shown, "\(context)")
      #expect(try copy.verify(deep: true).findings.isEmpty, "\(context)")
      try copy.append(try rows(0..<2, 50), to: "stats")
      #expect(try original.pullAll("stats").collect().count == 40, "\(context)")
    } catch let error as LarderError {
      #expect(!isDone, "\(context): \(error)")
      #expect(
        [.notAStore, .notFound, .corrupt].contains(error.code), "\(context): \(error)")
    }
    // The original can be copied again, elsewhere.
    let again = try original.backup(to: "/again")
    #expect(again.rows >= 40, "\(context)")
  }

  private static func copy(_ store: FeatureStore) throws { try store.backup(to: "/copy") }

  @Test func aCopyIsWholeOrNoStore() throws {
    let rehearsal = try Self.rehearse(Self.copy)
    let shown = rehearsal.before
    try Self.checkCopy(
      rehearsal.whole.crash(seed: 2, .nothing), isDone: true, shown: shown, "whole")
    var wholeCopies = 0
    let states = try Self.cutPower(in: rehearsal, Self.copy) { disk, context in
      try Self.checkCopy(disk, isDone: false, shown: shown, context)
      if disk.paths.contains(where: { $0.hasPrefix("/copy/manifest-") }) { wholeCopies += 1 }
    }
    print("crash states of a backup: \(states), with a manifest \(wholeCopies)")
    #expect(states > 40)
  }

  @Test(arguments: [SimulatedFault.Kind.io, .noSpace, .shortWrite, .lostSync])
  func backupOutlivesFaults(_ kind: SimulatedFault.Kind) throws {
    let rehearsal = try Self.rehearse(Self.copy)
    let faults = try Self.inject(
      kind, in: rehearsal, stickiness: [false], Self.copy
    ) { disk, isDone, context in
      try Self.checkCopy(disk, isDone: isDone, shown: rehearsal.before, context)
    }
    #expect(faults > 0)
  }
}
