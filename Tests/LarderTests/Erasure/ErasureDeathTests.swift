import LarderColumns
import LarderContract
import LarderFiles
import LarderOffline
import LarderOnline
import TestSupport
import Testing

@testable import Larder

/// An erasure whose process dies at some change it makes to the disk, on a machine that stays, and
/// whatever command comes next.
@Suite struct ErasureDeathTests {
  private static let start: Int64 = 1_700_000_000_000_000

  private static func open(
    _ disk: SimulatedFileSystem, _ path: String = "/s", after seconds: Int64
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
      at: path, access: .create, host: disk.host(start: start + seconds * 1_000_000),
      options: stored)
    return FeatureStore(offline: history, online: try history.makeOnlineStore(online))
  }

  private static let other = FeatureView(
    "other", entities: [ErasureWorld.person], features: [Field("level", .int64)])
  private static let gone = FeatureView(
    "gone", entities: [ErasureWorld.person], features: [Field("level", .int64)])

  private static func levels(_ people: [Int], _ second: Int64) throws -> RecordBatch {
    try RecordBatch([
      "person_id": .string(people.map { "somebody-\($0)" }),
      "event_timestamp": .timestamp(people.map { _ in second * 1_000_000 }),
      "level": .int64(people.map { Int64($0) }),
    ])
  }

  /// Somebody in segments of today, of a tagged snapshot and of a dropped view, and online.
  private static func build(seed: UInt64) throws -> SimulatedFileSystem {
    let disk = SimulatedFileSystem(seed: seed)
    let store = try open(disk, after: 0)
    try store.apply(
      Definitions(entities: [ErasureWorld.person], featureViews: [ErasureWorld.small, other, gone]))
    for value in 1...3 {
      try store.append(try ErasureWorld.rows([1, 2, 3], value: value), to: "small")
    }
    // Of all times the first and the last are those of the one who goes.
    try store.append(try levels([1], 1), to: "other")
    try store.append(try levels([2, 3], 50), to: "other")
    try store.append(try levels([1], 99), to: "other")
    try store.append(try levels([1, 2], 5), to: "gone")
    try store.tag("early")
    try store.drop(view: "gone")
    try store.fold()
    try store.append(try ErasureWorld.rows([1, 3], value: 10), to: "small")
    for view in ["small", "other"] { try store.materialize(view) }
    try store.online("other").write(try levels([1, 2], 100))
    try store.onlineStore?.close()
    return disk
  }

  /// A command of those that may come next.
  private struct Command: CustomStringConvertible, Sendable {
    var description: String
    var run: @Sendable (FeatureStore) throws -> Void
    init(_ name: String, _ run: @escaping @Sendable (FeatureStore) throws -> Void) {
      description = name
      self.run = run
    }
  }

  private static let commands: [Command] = [
    Command("append") { try $0.append(try ErasureWorld.rows([2], value: 20), to: "small") },
    Command("forget again") { try $0.erase("person", keys: try ErasureWorld.keys([1])) },
    Command("put") { try $0.online("other").write(try levels([3], 200)) },
    Command("materialize") { try $0.materialize("small") },
    Command("compact") { try $0.compact() },
    Command("replace") {
      try $0.replace(
        [try levels([2], 7)], in: "other", from: Timestamp(seconds: 7),
        through: Timestamp(seconds: 8))
    },
    Command("expire") { try $0.expire("small", olderThan: .seconds(1_000_000)) },
    Command("fold") { try $0.fold() },
    Command("forget another") { try $0.erase("person", keys: try ErasureWorld.keys([9])) },
    Command("vacuum") { try $0.vacuum(keeping: .seconds(3_600)) },
    Command("repair") { try $0.repair() },
    Command("tag") { try $0.tag("late") },
    Command("apply") {
      try $0.apply(
        Definitions(featureViews: [
          FeatureView("new", entities: [ErasureWorld.person], features: [Field("x", .int64)])
        ]))
    },
    Command("backup") { try $0.backup(to: "/copy") },
    Command("rollback") { try $0.rollback(to: try $0.head().id - 1) },
    Command("drop") { try $0.drop(view: "other") },
  ]

  /// Whether history shows somebody.
  private static func isShown(_ store: FeatureStore, _ person: Int) throws -> Bool {
    try ErasureWorld.people(store).contains(person)
  }

  private static func statuses(_ store: FeatureStore, _ view: String) throws -> [OnlineStatus] {
    try store.online(view).read(try ErasureWorld.keys([1, 2, 3]), at: Timestamp(seconds: 300))
      .statuses
  }

  /// History and the online tables say the same of the one who is to go; the others are there.
  ///
  /// - Returns: whether the erasure had begun.
  @discardableResult
  private static func expectConsistent(_ store: FeatureStore, _ context: String) throws -> Bool {
    let isHidden = try !isShown(store, 1)
    #expect(try isShown(store, 2) && isShown(store, 3), "\(context)")
    for view in ["small", "other"]
    where try store.definitions().featureViews.contains(where: {
      $0.name == view
    }) {
      let found = try statuses(store, view)
      #expect((found[0] == .notFound) == isHidden, "\(context), \(view): \(found)")
      #expect(found[1] == .present && found[2] == .present, "\(context), \(view): \(found)")
    }
    return isHidden
  }

  @Test func goesOnWithWhateverComesNext() throws {
    let keys = try ErasureWorld.keys([1])
    let rehearsal = try Self.build(seed: 5)
    let before = rehearsal.log.count
    let report = try Self.open(rehearsal.anotherProcess(), after: 100).erase("person", keys: keys)
    #expect(report.isComplete, "\(report.pending)")
    let changes = rehearsal.log.dropFirst(before).filter(\.kind.isChange)
    var states = 0
    var hidden = 0
    var finished = 0
    let step = caseCount(5, full: Self.commands.count)
    for (index, operation) in changes.enumerated() {
      // A few commands at each place, other ones at the next.
      for offset in 0..<step {
        let command = Self.commands[(index * step + offset) % Self.commands.count]
        let context = "died before \(operation), then \(command)"
        let disk = try Self.build(seed: 5)
        let dying = disk.anotherProcess()
        dying.killAtOperation(operation.number)
        do { _ = try Self.open(dying, after: 100).erase("person", keys: keys) } catch {}
        dying.kill()
        states += 1
        let next = disk.anotherProcess()
        let store = try Self.open(next, after: 200)
        let wasHidden = try Self.expectConsistent(store, context)
        try command.run(store)
        if wasHidden {
          #expect(try !Self.isShown(store, 1), "\(context): shown again")
        }
        try store.onlineStore?.close()
        next.kill()
        let last = disk.anotherProcess()
        let reader = try Self.open(last, after: 300)
        let isHidden = try Self.expectConsistent(reader, context)
        #expect(!wasHidden || isHidden, "\(context): shown again")
        if isHidden {
          hidden += 1
          // The command went on with it, but for one that has no business in the store.
          if command.description != "backup" {
            let left = try reader.finishErasures()
            #expect(left == nil, "\(context): \(left?.pending ?? [])")
            finished += 1
          } else {
            let copy = try Self.open(last, "/copy", after: 300)
            #expect(try Self.expectConsistent(copy, context), "\(context)")
            _ = try copy.vacuum()
            #expect(try copy.finishErasures() == nil, "\(context)")
            #expect(
              try ErasureSearch("/copy", in: last).count(of: Array("somebody-1".utf8)) == 0,
              "\(context)")
            _ = try reader.finishErasures()
          }
          #expect(
            try ErasureSearch("/s", in: last).count(of: Array("somebody-1".utf8)) == 0,
            "\(context)")
        }
        let findings = try reader.verify(deep: true).findings
        #expect(findings.isEmpty, "\(context): \(findings)")
        // What was certified stays gone when the power is cut.
        if isHidden {
          let after = disk.crash(seed: UInt64(states), .nothing)
          #expect(
            try ErasureSearch("/s", in: after).count(of: Array("somebody-1".utf8)) == 0,
            "\(context), after a power cut")
        }
      }
    }
    print(
      "deaths in an erasure: \(changes.count) places, \(states) states; begun \(hidden), "
        + "finished by the next command \(finished)")
    #expect(hidden > 0 && hidden < states)
  }
}
