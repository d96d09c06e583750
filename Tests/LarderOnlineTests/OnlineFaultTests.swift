import LarderColumns
import LarderConformance
import LarderContract
import LarderFiles
import LarderOnline
import TestSupport
import Testing

/// What a table may go through at any moment, on simulated files.
@Suite struct OnlineFaultTests {
  private let view = FeatureView(
    "view", entities: [Entity("thing", joinKeys: [.int64("id")])],
    features: [Field("a", .int64), Field("b", .string)], eventTimestamp: "at")
  private let keys = 60

  /// The last batch that wrote each key.
  private typealias State = [Int64: Int64]

  private func open(
    _ machine: SimulatedFileSystem, durability: OnlineDurability = .batch, isReadOnly: Bool = false
  ) throws -> MappedOnlineStore {
    if !isReadOnly { try machine.makeDirectory("/locks") }
    let locks =
      isReadOnly
      ? try LockFile.forAsking(in: "/locks", host: machine.host())
      : try LockFile(in: "/locks", host: machine.host(), mode: .createForOwnerIfMissing)
    return openStore(
      machine.host(), "/online", clock: ConformanceClock(), locks: locks, isReadOnly: isReadOnly,
      options: smallOptions(durability: durability))
  }

  private func batch(_ number: Int64, _ ids: [Int64], watermark: Bool = false) throws -> RecordBatch
  {
    try RecordBatch([
      "id": .int64(ids), "at": .timestamp(ids.map { _ in number }),
      "a": .int64(ids.map { _ in number }),
      "b": .string(ids.map { String(repeating: "z", count: Int($0 &+ number) % 700) }),
    ])
  }

  /// Does a life's work step by step and says after each what is acknowledged.
  ///
  /// - Parameter acknowledge: told the state after each step, and what the next step aims at.
  private func work(
    _ machine: SimulatedFileSystem, durability: OnlineDurability = .batch,
    acknowledge: (_ now: State, _ next: State) -> Void
  ) throws {
    var state: State = [:]
    let store = try open(machine, durability: durability)
    try store.update(
      keeping: [view], deleting: [], entitiesToKeep: [], entitiesToDelete: [], partial: true)
    var random = SeededRandom(seed: 3)
    for number in Int64(1)...22 {
      let ids = Array(Set((0..<random.int(1...40)).map { _ in Int64(random.int(1...keys)) }))
      var next = state
      for id in ids { next[id] = number }
      acknowledge(state, next)
      let mark = number % 5 == 0
      try store.writeBatch(
        try batch(number, ids), to: view,
        watermark: mark
          ? OnlineWatermark(commit: UInt64(number), through: Timestamp(microseconds: number))
          : nil, progress: nil)
      state = next
      acknowledge(state, state)
      if number == 9 || number == 17 { try store.compact(view) }
      if number == 12 { try store.close() }
    }
    try store.close()
  }

  /// What a store holds; checks that every row is whole.
  private func contents(_ store: MappedOnlineStore) throws -> State {
    let ids = (1...Int64(keys)).map { $0 }
    let rows = try store.read(RecordBatch(["id": .int64(ids)]), from: view)
    var state: State = [:]
    for (row, id) in ids.enumerated() where rows.statuses[row] == .present {
      guard case .int64(let number) = rows.features.columns[0][row] else { continue }
      state[id] = number
      #expect(
        rows.features.columns[1][row]
          == .string(String(repeating: "z", count: Int(id &+ number) % 700)))
    }
    return state
  }

  /// A batch that the log holds whole and the index does not lead to, since its writer failed in
  /// between, is no damage: nobody was told that it is there, and the next writer settles it.
  @Test func verifiesWhatAFailedWriterLeft() throws {
    let dry = SimulatedFileSystem(seed: 4)
    try work(dry) { _, _ in }
    var failed = 0
    for operation in dry.log where operation.kind == .write || operation.kind == .sync {
      let machine = SimulatedFileSystem(seed: 4)
      machine.inject(SimulatedFault(.noSpace, at: operation.number, isSticky: true))
      do { try work(machine) { _, _ in } } catch is LarderError { failed += 1 }
      machine.removeFaults()
      let reader = try open(machine.anotherProcess(), isReadOnly: true)
      let outcome = Result<[LarderError], any Error> { try reader.verify(view).findings }
      switch outcome {
      case .success(let findings): #expect(findings.isEmpty, "after \(operation)")
      // Before the table was whole there is none.
      case .failure(let error):
        #expect((error as? LarderError)?.code == .notFound, "after \(operation): \(error)")
      }
    }
    #expect(failed > 20)
  }

  /// Checks a machine after the end: what was acknowledged is there, the rest wholly or not at all.
  private func check(
    _ machine: SimulatedFileSystem, _ allowed: [State], _ what: String, hasTable: Bool
  ) throws {
    let found: State
    do {
      let reader = try open(machine.anotherProcess(), isReadOnly: true)
      let seen = try contents(reader)
      let store = try open(machine)
      found = try contents(store)
      #expect(try contents(reader) == found, "\(what): a reader beside the next writer")
      #expect(allowed.contains(seen), "\(what): a reader saw \(seen)")
      // It goes on; a batch whose end was not acknowledged may have come.
      try store.writeBatch(try batch(1_000, [1]), to: view)
      let after = try contents(store)
      let possible = allowed.map { $0.merging([1: 1_000]) { _, new in new } }
      #expect(possible.contains(after), "\(what): after another write \(after)")
      #expect(try store.verify(view).findings == [], "\(what)")
    } catch let error as LarderError where error.code == .notFound && !hasTable {
      return
    }
    #expect(allowed.contains(found), "\(what): \(found) is none of \(allowed)")
  }

  @Test(arguments: [OnlineDurability.batch, .process])
  func powerMayEndAtAnyOperation(durability: OnlineDurability) throws {
    let probe = SimulatedFileSystem(seed: 1)
    try work(probe, durability: durability) { _, _ in }
    let operations = probe.operations
    var random = SeededRandom(seed: 11)
    for operation in stride(from: 1, through: operations, by: 2) {
      let machine = SimulatedFileSystem(seed: 1)
      machine.keepLog(false)
      machine.crashAtOperation(operation)
      var states: [State] = [[:]]
      var last: [State] = [[:]]
      do {
        try work(machine, durability: durability) { now, next in
          states.append(now)
          states.append(next)
          last = [now, next]
        }
      } catch is LarderError {}
      let survival: SimulatedSurvival =
        [.random, .random, .nothing, .everything][random.int(0...3)]
      let rebooted = machine.crash(seed: random.next(), survival)
      // Without a sync an end of power may take batches back, but only from the end.
      let allowed = durability == .batch ? last : states
      try check(
        rebooted, allowed, "power ended at operation \(operation)", hasTable: !last[0].isEmpty)
    }
  }

  @Test func theProcessMayEndAtAnyOperation() throws {
    let probe = SimulatedFileSystem(seed: 1)
    try work(probe, durability: .process) { _, _ in }
    for operation in stride(from: 1, through: probe.operations, by: 2) {
      let machine = SimulatedFileSystem(seed: 1)
      machine.keepLog(false)
      machine.killAtOperation(operation)
      var last: [State] = [[:]]
      do {
        // What a dead process takes for done was acknowledged to nobody: it ends at a store into the
        // index, which cannot throw.
        try work(machine, durability: .process) { now, next in
          if !machine.isDown { last = [now, next] }
        }
      } catch is LarderError {}
      machine.kill()
      try check(
        machine.anotherProcess(), last, "killed at operation \(operation)",
        hasTable: !last[0].isEmpty)
    }
  }

  @Test(arguments: [SimulatedFault.Kind.io, .noSpace, .shortWrite, .lostSync])
  func anyOperationMayFail(kind: SimulatedFault.Kind) throws {
    let probe = SimulatedFileSystem(seed: 1)
    try work(probe) { _, _ in }
    let log = probe.log
    for operation in stride(from: 1, through: probe.operations, by: 1) {
      guard operation <= log.count, kind.applies(to: log[operation - 1].kind) else { continue }
      if kind == .io, operation % 3 != 0 { continue }
      let machine = SimulatedFileSystem(seed: 1)
      machine.keepLog(false)
      machine.inject(SimulatedFault(kind, at: operation))
      var last: [State] = [[:]]
      do { try work(machine) { now, next in last = [now, next] } } catch is LarderError {}
      machine.removeFaults()
      machine.kill()
      let again = machine.anotherProcess()
      if kind == .lostSync {
        // What was opened again after the failure must stand the end of power.
        let store = try open(again)
        do {
          try store.writeBatch(try batch(500, [2]), to: view)
          let next = try contents(store)
          let possible = last.map { $0.merging([2: 500]) { _, new in new } }
          #expect(possible.contains(next), "sync \(operation) failed")
          try check(
            again.crash(seed: UInt64(operation), .nothing), [next],
            "sync \(operation) failed, then the power", hasTable: true)
        } catch let error as LarderError where error.code == .notFound && last[0].isEmpty {}
      } else {
        try check(
          again, last, "\(kind) at operation \(operation)", hasTable: !last[0].isEmpty)
      }
    }
  }

  @Test func everyFlippedByteIsFoundOrHarmless() throws {
    let machine = SimulatedFileSystem(seed: 1)
    machine.keepLog(false)
    var last: State = [:]
    try work(machine) { now, _ in last = now }
    var flips = 0
    for path in machine.paths {
      let bytes = try #require(machine.contents(of: path))
      // Log files are mostly zeros behind their end; the index's table of log files is too.
      let used = (bytes.lastIndex { $0 != 0 } ?? 0) + 200
      var random = SeededRandom(seed: 5)
      var offset = 0
      while offset < min(used, bytes.count) {
        let copy = machine.crash(seed: 1, .everything)
        let isSameBoot = random.chance(0.5)
        let target = isSameBoot ? machine.anotherProcess() : copy
        let file = try target.open(path, .update)
        try file.write([bytes[offset] ^ UInt8(1 << random.int(0...7))], at: UInt64(offset))
        for isReadOnly in [true, false] {
          do {
            let found = try contents(try open(target, isReadOnly: isReadOnly || isSameBoot))
            #expect(
              found == last, "\(path) flipped at \(offset) of \(used), \(isReadOnly), \(isSameBoot)"
            )
          } catch let error as LarderError {
            #expect(
              [.corrupt, .unsupportedVersion].contains(error.code),
              "\(path) flipped at \(offset): \(error)")
          }
        }
        try file.write([bytes[offset]], at: UInt64(offset))
        flips += 1
        offset += random.int(1...(path.hasSuffix(".index") ? 1_200 : 500))
      }
    }
    #expect(flips > 200)
  }

  @Test func truncatedAndForeignFilesAreRefused() throws {
    let machine = SimulatedFileSystem(seed: 1)
    try work(machine) { _, _ in }
    // An index of another table is not trusted; the rows come from the log.
    let other = SimulatedFileSystem(seed: 2)
    var last: State = [:]
    try work(other) { now, _ in last = now }
    let index = try #require(other.paths.first { $0.hasSuffix(".index") })
    let foreign = try #require(
      machine.contents(of: machine.paths.first { $0.hasSuffix(".index") } ?? ""))
    let file = try other.open(index, .update)
    try file.write(foreign, at: 0)
    #expect(try contents(try open(other, isReadOnly: true)) == last)
    #expect(try contents(try open(other)) == last)
    // A log file that is gone is damage, not an empty table.
    let logFile = try #require(other.paths.last { $0.hasSuffix(".rows") })
    try other.remove(logFile)
    do {
      let store = try open(other)
      _ = try contents(store)
      Issue.record("a missing log file went unnoticed")
    } catch let error as LarderError {
      #expect(error.code == .corrupt || error.code == .notFound)
    }
  }

  @Test func aFullDiskStillReads() throws {
    let machine = SimulatedFileSystem(seed: 1)
    var last: State = [:]
    let store = try open(machine)
    try store.update(
      keeping: [view], deleting: [], entitiesToKeep: [], entitiesToDelete: [], partial: true)
    machine.setCapacity(machine.usedBytes + 300_000)
    var number: Int64 = 1
    while true {
      let ids = (1...Int64(40)).map { $0 }
      do { try store.writeBatch(try batch(number, ids), to: view) } catch let error as LarderError {
        #expect(error.code == .noSpace)
        break
      }
      for id in ids { last[id] = number }
      number += 1
    }
    #expect(number > 3)
    #expect(try contents(store) == last)
    #expect(try contents(try open(machine.anotherProcess(), isReadOnly: true)) == last)
    machine.setCapacity(.max)
    try store.writeBatch(try batch(number, [1]), to: view)
    last[1] = number
    #expect(try contents(store) == last)
  }
}
