import Glibc
import Larder
import LarderColumns
import LarderContract
import LarderOffline
import TestSupport
import Testing

/// Erasing marked entities: ids, strings and floats that occur nowhere else, some in compound keys.
@Suite struct ErasureTests {
  /// Everything about the marked entities goes, whatever was done with them before.
  @Test func aThousandMarkedEntitiesLeaveNothing() throws {
    let root = try TemporaryDirectory()
    let world = ErasureWorld(seed: 41)
    let store = try world.build(at: root.path + "/s")
    let path = root.path + "/s"

    // The search finds what is there: else it would prove nothing.
    let before = try ErasureSearch(path).hits(of: world)
    #expect(before.rawStrings > 0)
    #expect(before.rawIDs > 0)
    #expect(before.decodedFloats > 0)
    #expect(before.decodedStrings > 0)

    let held = try ErasureSearch(path).inodesThatHold(world)
    // An inode whose last name is gone keeps its number as long as somebody has it open.
    let open = held.map { Glibc.open($0.path, O_RDONLY) }
    defer { for descriptor in open { close(descriptor) } }
    #expect(Set(held.map(\.kind)) == [".seg", ".log", ".rows"], "\(Set(held.map(\.kind)))")

    let people = try store.erase("person", keys: try world.markedPeople())
    #expect(people.isComplete, "\(people.pending)")
    let devices = try store.erase("device", keys: try world.markedDevices())
    #expect(devices.isComplete, "\(devices.pending)")
    #expect(people.keys.count == 2, "own keys and compound ones")
    let areRemoved = people.files.allSatisfy { $0.isRemoved }
    #expect(areRemoved)
    #expect(Set(people.files.map(\.kind)) == ["segment", "key log", "online rows"])

    let after = try ErasureSearch(path).hits(of: world)
    #expect(after == ErasureSearch.Hits(), "\(after)")
    // Every file that held them is gone.
    let names = Set(try ErasureSearch(path).paths())
    for file in people.files + devices.files { #expect(!names.contains(file.path)) }
    // And so is every inode that did, under whatever name.
    let left = try ErasureSearch(path).inodes()
    for (file, descriptor) in zip(held, open) {
      var status = stat()
      #expect(fstat(descriptor, &status) == 0 && status.st_nlink == 0, "\(file.path)")
      #expect(left[file.inode] == nil, "\(file.path) is \(left[file.inode] ?? "")")
    }
    let certified = Set((people.files + devices.files).map(\.inode))
    for file in held { #expect(certified.contains(file.inode), "\(file.path) is not certified") }
    print("files that held something of 1,000 entities, all gone by inode:", held.count)
    #expect(try store.verify().findings.isEmpty)
    try world.expectTheOthers(in: store)
  }

  @Test func everySnapshotHidesThemAtOnceAndReingestionIsVisible() throws {
    let root = try TemporaryDirectory()
    let store = try FeatureStore(at: root.path + "/s", access: .create)
    try store.apply(ErasureWorld.small)
    var commits: [Commit] = []
    for value in 1...3 {
      commits.append(try store.append(try ErasureWorld.rows([1, 2], value: value), to: "small"))
    }
    let held = try store.snapshot(at: commits[1])
    let report = try store.erase("person", keys: try ErasureWorld.keys([1]))
    // The snapshot that is held hides it as well, and keeps the files of before.
    #expect(!report.isComplete)
    #expect(report.pending.contains { $0.contains("readers") })
    #expect(try ErasureWorld.people(held) == [2, 2])
    for (index, commit) in commits.enumerated() {
      let past = try ErasureWorld.people(try store.snapshot(at: commit))
      #expect(past == [Int](repeating: 2, count: index + 1))
    }
    let spine = try RecordBatch([
      "person_id": .string(["somebody-1", "somebody-2"]),
      "event_timestamp": .timestamp([9_000_000, 9_000_000]),
    ])
    let answer = try store.historicalFeatures(for: spine, features: ["small:value"]).collect()
    #expect(answer.columns[2][0] == .null)
    #expect(answer.columns[2][1] == .int64(3))
    // A new row of the same key is a new entity's.
    try store.append(try ErasureWorld.rows([1], value: 7), to: "small")
    let again = try store.historicalFeatures(for: spine, features: ["small:value"]).collect()
    #expect(again.columns[2][0] == .int64(7))
    #expect(try ErasureWorld.people(try store.snapshot(at: commits[2])) == [2, 2, 2])
    withExtendedLifetime(held) {}
  }

  @Test func whatAReaderKeptFromBeingFinishedIsFinishedLater() throws {
    let root = try TemporaryDirectory()
    let path = root.path + "/s"
    let store = try FeatureStore(at: path, access: .create)
    try store.apply(ErasureWorld.small)
    try store.append(try ErasureWorld.rows([1, 2], value: 1), to: "small")
    try store.materialize("small")
    do {
      let job = try store.pullAll("small")
      let report = try store.erase("person", keys: try ErasureWorld.keys([1]))
      #expect(!report.isComplete)
      #expect(report.maskedSince != nil && report.finished == nil)
      // Made before, it may still show what it was made on; it is what is waited for.
      #expect(try job.collect().count >= 1)
    }
    // Another process goes on where the first one stopped.
    let other = try FeatureStore(at: path)
    let report = try #require(try other.finishErasures())
    #expect(report.isComplete, "\(report.pending)")
    #expect(try other.finishErasures() == nil)
    #expect(try ErasureSearch(path).count(of: Array("somebody-1".utf8)) == 0)
    #expect(try ErasureSearch(path).count(of: Array("somebody-2".utf8)) > 0)
    let again = try other.erase("person", keys: try ErasureWorld.keys([1]))
    #expect(again.isComplete && again.files.isEmpty && again.keys.isEmpty)
  }

  /// Maintenance that people run anyway continues with what an erasure left.
  @Test(arguments: ["vacuum", "compact"])
  func otherMaintenanceFinishesErasures(command: String) throws {
    let root = try TemporaryDirectory()
    let path = root.path + "/s"
    let store = try FeatureStore(at: path, access: .create)
    try store.apply(ErasureWorld.small)
    for value in 1...3 {
      try store.append(try ErasureWorld.rows([1, 2], value: value), to: "small")
    }
    try store.materialize("small")
    func run(dryRun: Bool) throws -> ErasureReport? {
      let other = try FeatureStore(at: path)
      if command == "vacuum" { return try other.vacuum(dryRun: dryRun).erasure }
      return try other.compact(nil, CompactionOptions(isDryRun: dryRun)).erasure
    }
    #expect(try run(dryRun: true) == nil)
    #expect(try run(dryRun: false) == nil)
    do {
      let job = try store.pullAll("small")
      #expect(try !store.erase("person", keys: try ErasureWorld.keys([1])).isComplete)
      let told = try #require(try run(dryRun: true))
      #expect(told.isDryRun && !told.pending.isEmpty)
      // While a reader of before is there it says so, and does the rest of its work.
      let waiting = try #require(try run(dryRun: false))
      #expect(waiting.pending.contains { $0.contains("readers") }, "\(waiting.pending)")
      withExtendedLifetime(job) {}
    }
    let report = try #require(try run(dryRun: false))
    #expect(report.isComplete && report.finished != nil, "\(report.pending)")
    #expect(try run(dryRun: false) == nil)
    #expect(try ErasureSearch(path).count(of: Array("somebody-1".utf8)) == 0)
    #expect(try ErasureSearch(path).count(of: Array("somebody-2".utf8)) > 0)
    #expect(try FeatureStore(at: path).verify(deep: true).findings.isEmpty)
  }

  @Test func whatIsAskedForWronglyIsRefused() throws {
    let root = try TemporaryDirectory()
    let store = try FeatureStore(at: root.path + "/s", access: .create)
    try store.apply(ErasureWorld.small)
    func refused(_ code: LarderError.Code, _ body: () throws -> Void) {
      do {
        try body()
        Issue.record("nothing was thrown")
      } catch let error as LarderError {
        #expect(error.code == code, "\(error)")
      } catch { Issue.record("\(error)") }
    }
    refused(.notFound) { try store.erase("persona", keys: ErasureWorld.keys([1])) }
    refused(.invalidInput) {
      try store.erase("person", keys: RecordBatch(["device_id": .int64([1])]))
    }
    refused(.invalidInput) {
      try store.erase("person", keys: RecordBatch(["person_id": .string([nil])]))
    }
    let report = try store.erase("person", keys: ErasureWorld.keys([1]), dryRun: true)
    #expect(report.keys.isEmpty && report.pending.isEmpty)
  }
}
