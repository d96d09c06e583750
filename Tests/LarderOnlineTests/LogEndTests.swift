import LarderColumns
import LarderConformance
import LarderContract
import LarderFiles
import TestSupport
import Testing

@testable import LarderOnline

/// A log that ends early: what a crash cut off goes without a word, what was acknowledged does not.
@Suite struct LogEndTests {
  private let view = FeatureView(
    "view", entities: [Entity("thing", joinKeys: [.int64("id")])],
    features: [Field("a", .int64)], eventTimestamp: "at")

  private func open(
    _ machine: SimulatedFileSystem, _ durability: OnlineDurability = .batch,
    isReadOnly: Bool = false
  ) -> MappedOnlineStore {
    openStore(
      machine.host(), "/online", clock: ConformanceClock(), isReadOnly: isReadOnly,
      options: smallOptions(durability: durability))
  }

  /// A table of four batches of ten rows, the last of which wrote 4 everywhere.
  private func made(
    _ durability: OnlineDurability, closing: Bool = false
  ) throws -> SimulatedFileSystem {
    let machine = SimulatedFileSystem(seed: 1)
    machine.keepLog(false)
    let store = open(machine, durability)
    try store.update(
      keeping: [view], deleting: [], entitiesToKeep: [], entitiesToDelete: [], partial: true)
    let ids = (0..<Int64(10)).map { $0 }
    for number in Int64(1)...4 {
      try store.writeBatch(
        RecordBatch([
          "id": .int64(ids), "at": .timestamp(ids.map { _ in number }),
          "a": .int64(ids.map { _ in number }),
        ]), to: view)
    }
    if closing { try store.close() }
    return machine
  }

  /// What a store answers to every key.
  private func values(_ store: MappedOnlineStore) throws(LarderError) -> Set<Value> {
    let keys = try RecordBatch(["id": .int64((0..<10).map { $0 })])
    let rows = try store.read(keys, from: view)
    return Set((0..<10).map { rows.features.columns[0][$0] })
  }

  /// The one value that a store answers to every key; nil for damage that it tells of.
  private func answer(_ machine: SimulatedFileSystem, isReadOnly: Bool) -> Int64? {
    let store = open(machine, isReadOnly: isReadOnly)
    let found: Set<Value>
    do throws(LarderError) { found = try values(store) } catch {
      #expect(error.code == .corrupt && error.file != nil, "\(error)")
      return nil
    }
    for value in Int64(1)...4 where found == [.int64(value)] { return value }
    Issue.record("the rows are of several batches: \(found)")
    return nil
  }

  private func logFile(_ machine: SimulatedFileSystem) throws -> String {
    try #require(machine.paths.first { $0.hasSuffix(".rows") })
  }

  /// Flips a byte of the record that closes the last batch, or the last empty one.
  private func flipEnd(_ machine: SimulatedFileSystem, empty: Bool = false) throws {
    let path = try logFile(machine)
    let bytes = try #require(machine.contents(of: path))
    let unit = try #require(
      stride(from: bytes.count - 64, to: 4_096, by: -64).first { unit in
        let isCommit = bytes[unit + 7] == 3 && bytes[unit + 4] == 1
        return isCommit && (bytes[unit + 36] == 0) == empty
      })
    try machine.open(path, .update).write([bytes[unit + 45] ^ 1], at: UInt64(unit + 45))
  }

  /// Puts other bytes in the place of a file, which is another one then.
  private func replace(
    _ path: String, _ bytes: [UInt8], _ machine: SimulatedFileSystem
  ) throws {
    try machine.remove(path)
    let file = try machine.open(path, .create)
    if !bytes.isEmpty { try file.write(bytes, at: 0) }
    try file.syncData()
    try machine.syncDirectory("/online/v1")
  }

  /// Machines on which the table is opened after its writer was killed: the same, the same after a
  /// start again, and one that has a copy of the files.
  private func machines(
    _ make: () throws -> SimulatedFileSystem
  ) throws -> [(name: String, machine: SimulatedFileSystem)] {
    let same = try make()
    same.kill()
    let rebooted = try make().crash(seed: 3, .everything)
    let copied = try make().crash(seed: 3, .everything)
    for path in copied.paths where path.hasPrefix("/online/v1/") {
      try replace(path, try #require(copied.contents(of: path)), copied)
    }
    return [("same", same.anotherProcess()), ("rebooted", rebooted), ("copied", copied)]
  }

  @Test(arguments: [true, false])
  func aDamagedEndOfWhatWasOnDiskIsFound(isReadOnly: Bool) throws {
    for (name, machine) in try machines({ try made(.batch) }) {
      try flipEnd(machine)
      // The index of the same boot leads to the rows, which are whole: nothing is lost by it.
      let expected: Int64? = name == "same" ? 4 : nil
      #expect(answer(machine, isReadOnly: isReadOnly) == expected, "\(name)")
      let findings = try open(machine, isReadOnly: true).verifyAll().findings
      #expect(findings.contains { $0.error.file?.hasSuffix(".rows") ?? false }, "\(name)")
      // Nothing was overwritten by the attempt: the flip taken back, all is there.
      try flipEnd(machine)
      #expect(answer(machine, isReadOnly: isReadOnly) == 4, "\(name)")
    }
  }

  @Test func aDamagedEndOfWhatWasAcknowledgedIsFoundInTheSameBoot() throws {
    for isReadOnly in [true, false] {
      let machine = try made(.process)
      machine.kill()
      let again = machine.anotherProcess()
      try flipEnd(again)
      #expect(answer(again, isReadOnly: isReadOnly) == nil)
      #expect(try open(again).verifyAll().findings.count == 1)
    }
  }

  @Test func anEndThatPowerTookIsATornTail() throws {
    // Not synced, and the machine was started again: nothing says that the batch was on disk.
    let machine = try made(.process).crash(seed: 3, .everything)
    try flipEnd(machine)
    #expect(answer(machine, isReadOnly: true) == 3)
    #expect(answer(machine, isReadOnly: false) == 3)
    // Nor does anything without an index, which is the way to go on with what is left.
    for isReadOnly in [true, false] {
      let machine = try made(.batch)
      machine.kill()
      let again = machine.anotherProcess()
      try flipEnd(again)
      for path in again.paths where path.hasSuffix(".index") { try again.remove(path) }
      #expect(answer(again, isReadOnly: isReadOnly) == 3)
    }
  }

  @Test func theEmptyBatchOfACloseMayGo() throws {
    for isReadOnly in [true, false] {
      for (name, machine) in try machines({ try made(.batch, closing: true) }) {
        try flipEnd(machine, empty: true)
        #expect(answer(machine, isReadOnly: isReadOnly) == 4, "\(name)")
      }
    }
  }

  @Test func anOlderLogBesideANewerIndexIsFound() throws {
    let machine = try made(.batch)
    let path = try logFile(machine)
    let old = try #require(machine.contents(of: path))
    try open(machine).writeBatch(
      RecordBatch(["id": .int64([1]), "at": .timestamp([9]), "a": .int64([9])]), to: view)
    machine.kill()
    let again = machine.anotherProcess()
    try replace(path, old, again)
    #expect(answer(again, isReadOnly: true) == nil)
    #expect(answer(again, isReadOnly: false) == nil)
  }

  @Test(arguments: ["empty", "one byte", "zeros", "gone"])
  func aLogWithoutItsStartBesideAnIndexIsNoAbsentTable(damage: String) throws {
    for (name, machine) in try machines({ try made(.batch) }) {
      let path = try logFile(machine)
      let bytes = try #require(machine.contents(of: path))
      switch damage {
      case "empty": try replace(path, [], machine)
      case "one byte": try replace(path, [bytes[0]], machine)
      case "zeros": try replace(path, [UInt8](repeating: 0, count: bytes.count), machine)
      default: try machine.remove(path)
      }
      #expect(answer(machine, isReadOnly: true) == nil, "\(name)")
      #expect(answer(machine, isReadOnly: false) == nil, "\(name)")
      let store = open(machine)
      #expect(throws: LarderError.self, "\(name): a table was made over the damaged one") {
        try store.update(
          keeping: [view], deleting: [], entitiesToKeep: [], entitiesToDelete: [], partial: true)
      }
      // It can be dropped, and made again.
      try store.tearDown([view], entities: [])
      try store.update(
        keeping: [view], deleting: [], entitiesToKeep: [], entitiesToDelete: [], partial: true)
      let rows = try store.read(RecordBatch(["id": .int64([1])]), from: view)
      #expect(rows.statuses == [.notFound])
    }
  }
}
