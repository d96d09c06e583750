import LarderColumns
import LarderContract
import LarderFiles
import LarderOffline
import LarderOnline
import Testing

@testable import Larder

/// An erasure that the power is cut in, at every change it makes to the disk.
@Suite struct ErasureCrashTests {
  private static let options: OnlineOptions = {
    var options = OnlineOptions(compactAt: nil, lockTimeout: .milliseconds(200))
    options.firstLogFileBytes = 1 << 16
    options.largestLogFileBytes = 1 << 17
    options.preparesAhead = false
    return options
  }()

  private static func open(
    _ disk: SimulatedFileSystem, start: Int64 = 1_700_000_000_000_000
  ) throws -> FeatureStore {
    var stored = StoreOptions()
    stored.fold = .off
    stored.threads = 1
    stored.lockTimeout = .milliseconds(200)
    let history = try SegmentOfflineStore(
      at: "/s", access: .create, host: disk.host(start: start), options: stored)
    return FeatureStore(offline: history, online: try history.makeOnlineStore(options))
  }

  private static func build(seed: UInt64) throws -> SimulatedFileSystem {
    let disk = SimulatedFileSystem(seed: seed)
    let store = try open(disk)
    try store.apply(ErasureWorld.small)
    for value in 1...9 {
      try store.append(try ErasureWorld.rows([1, 2, 3], value: value), to: "small")
    }
    try store.fold()
    try store.append(try ErasureWorld.rows([1, 3], value: 10), to: "small")
    try store.materialize("small")
    try store.onlineStore?.close()
    return disk
  }

  private static func expectGone(_ disk: SimulatedFileSystem, _ context: String) throws {
    let search = ErasureSearch("/s", in: disk)
    #expect(try search.count(of: Array("somebody-1".utf8)) == 0, "\(context)")
    #expect(try search.count(of: Array("somebody-2".utf8)) > 0, "\(context)")
  }

  @Test func isFinishedByTheNextRunWhereverItStopped() throws {
    let base = try Self.build(seed: 5)
    let keys = try ErasureWorld.keys([1])
    let whole = base.crash(seed: 1, .everything)
    let before = whole.log.count
    #expect(
      try Self.open(whole, start: 1_700_000_100_000_000).erase("person", keys: keys).isComplete)
    let changes = whole.log.dropFirst(before).filter(\.kind.isChange)
    // What was certified stays gone, though the power is cut right after.
    try Self.expectGone(whole.crash(seed: 2, .nothing), "after the certificate")
    var states = 0
    for operation in changes {
      let disk = base.crash(seed: 1, .everything)
      disk.crashAtOperation(operation.number)
      do {
        _ = try Self.open(disk, start: 1_700_000_100_000_000).erase("person", keys: keys)
      } catch {}
      let survivals: [SimulatedSurvival] =
        operation.number % 3 == 0 ? [.nothing, .everything, .random] : [.random]
      for survival in survivals {
        states += 1
        let context = "crash before \(operation), \(survival)"
        let after = disk.crash(seed: UInt64(operation.number), survival)
        let store = try Self.open(after, start: 1_700_000_200_000_000)
        let report = try store.erase("person", keys: keys)
        #expect(report.isComplete, "\(context): \(report.pending)")
        try Self.expectGone(after, context)
        let rows = try ErasureWorld.people(store)
        #expect(rows.filter { $0 == 2 }.count == 9, "\(context)")
        #expect(rows.filter { $0 == 3 }.count == 10, "\(context)")
        let answer = try store.online("small").read(try ErasureWorld.keys([1, 2, 3]))
        #expect(answer.statuses == [.notFound, .present, .present], "\(context)")
        #expect(try store.verify(deep: true).findings.isEmpty, "\(context)")
      }
    }
    print("crash states of an erasure with an online table:", states)
    #expect(states > 60)
  }

  /// An erasure that was begun is finished by whatever maintenance comes next, and the power may be
  /// cut in that too.
  @Test(arguments: ["vacuum", "compact"])
  func isFinishedByOtherMaintenance(command: String) throws {
    let base = try Self.build(seed: 6)
    let keys = try ErasureWorld.keys([1])
    func maintain(_ store: FeatureStore) throws -> ErasureReport? {
      command == "vacuum" ? try store.vacuum().erasure : try store.compact().erasure
    }
    // Masked, and cut off before anything was rewritten.
    let masked = base.crash(seed: 1, .everything)
    do {
      let store = try Self.open(masked, start: 1_700_000_100_000_000)
      let job = try store.pullAll("small")
      #expect(try !store.erase("person", keys: keys).isComplete)
      withExtendedLifetime(job) {}
    }
    let whole = masked.crash(seed: 2, .everything)
    let start = whole.log.count
    let report = try maintain(try Self.open(whole, start: 1_700_000_200_000_000))
    #expect(report?.isComplete == true, "\(report?.pending ?? [])")
    try Self.expectGone(whole.crash(seed: 3, .nothing), "after \(command)")
    var states = 0
    var finished = 0
    for operation in whole.log.dropFirst(start).filter(\.kind.isChange) {
      let disk = masked.crash(seed: 2, .everything)
      disk.crashAtOperation(operation.number)
      do { _ = try maintain(try Self.open(disk, start: 1_700_000_200_000_000)) } catch {}
      for survival in [SimulatedSurvival.nothing, .random] {
        states += 1
        let context = "\(command), crash before \(operation), \(survival)"
        let after = disk.crash(seed: UInt64(operation.number), survival)
        let store = try Self.open(after, start: 1_700_000_300_000_000)
        let report = try maintain(store)
        #expect(report?.isComplete ?? true, "\(context): \(report?.pending ?? [])")
        if report == nil { finished += 1 }
        #expect(try store.finishErasures() == nil, "\(context)")
        try Self.expectGone(after, context)
        #expect(try ErasureWorld.people(store).filter { $0 != 1 }.count == 19, "\(context)")
        #expect(try store.verify(deep: true).findings.isEmpty, "\(context)")
      }
    }
    print("crash states of \(command) that finishes an erasure: \(states), \(finished) were done")
    #expect(states > 30 && finished < states)
  }
}
