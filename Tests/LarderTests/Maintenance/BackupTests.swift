import Larder
import LarderColumns
import LarderContract
import LarderFiles
import LarderOnline
import TestSupport
import Testing

/// Copies of stores of every kind, beside erasures, and after failures.
@Suite struct BackupTests {
  private static func store(_ path: String) throws -> FeatureStore {
    let store = try FeatureStore(at: path, access: .create)
    try store.apply(ErasureWorld.small)
    for value in 1...3 {
      try store.append(try ErasureWorld.rows([1, 2], value: value), to: "small")
    }
    try store.materialize("small")
    return store
  }

  private static func statuses(_ path: String) throws -> [OnlineStatus] {
    try FeatureStore(at: path, access: .readOnly).online("small")
      .read(try ErasureWorld.keys([1, 2])).statuses
  }

  /// A copy has no online index, and neither has one that `cp -r` made, to trust.
  @Test func copiesOfCopiesAreCopied() throws {
    let root = try TemporaryDirectory()
    let store = try Self.store(root.path + "/s")
    try store.close()
    try store.backup(to: root.path + "/b1")
    try copyFolder(root.path + "/s", to: root.path + "/c")
    try FeatureStore(at: root.path + "/b1", access: .readOnly).backup(to: root.path + "/b2")
    try FeatureStore(at: root.path + "/c", access: .readOnly).backup(to: root.path + "/b3")
    // The copy of a copy that another process writes to.
    let copy = try FeatureStore(at: root.path + "/b2")
    try copy.online("small").write(try ErasureWorld.rows([3], value: 8))
    try FeatureStore(at: root.path + "/b2", access: .readOnly).backup(to: root.path + "/b4")
    for name in ["b1", "b2", "b3", "b4"] {
      #expect(try Self.statuses("\(root.path)/\(name)") == [.present, .present], "\(name)")
      let made = try FeatureStore(at: "\(root.path)/\(name)")
      #expect(try made.pullAll("small").collect().count == 6)
      #expect(try made.verify(deep: true).findings.isEmpty, "\(name)")
    }
    #expect(
      try FeatureStore(at: root.path + "/b4").online("small").read(try ErasureWorld.keys([3]))
        .statuses == [.present])
  }

  /// An erasure that is not finished goes along: hidden in the copy, and finished there.
  @Test func anUnfinishedErasureIsTheCopysToFinish() throws {
    let root = try TemporaryDirectory()
    let path = root.path + "/s"
    let store = try Self.store(path)
    try store.close()
    let pinned = try store.pullAll("small")
    #expect(
      try !FeatureStore(at: path).erase("person", keys: try ErasureWorld.keys([1])).isComplete)
    try store.backup(to: root.path + "/b1")
    try FeatureStore(at: root.path + "/b1", access: .readOnly).backup(to: root.path + "/b2")
    withExtendedLifetime(pinned) {}
    for name in ["b1", "b2"] {
      let copy = "\(root.path)/\(name)"
      #expect(try Self.statuses(copy) == [.notFound, .present])
      let made = try FeatureStore(at: copy)
      #expect(try ErasureWorld.people(made).filter { $0 == 1 }.isEmpty)
      #expect(try !made.verify().notes.isEmpty)
      let report = try #require(try made.finishErasures())
      #expect(report.isComplete, "\(name): \(report.pending)")
      #expect(try ErasureSearch(copy).count(of: Array("somebody-1".utf8)) == 0, "\(name)")
      #expect(try ErasureSearch(copy).count(of: Array("somebody-2".utf8)) > 0, "\(name)")
      #expect(try made.verify(deep: true).findings.isEmpty)
      #expect(try Self.statuses(copy) == [.notFound, .present])
    }
    // What the copies did is theirs alone.
    #expect(try !store.verify().notes.isEmpty)
    #expect(try ErasureWorld.people(store).filter { $0 == 2 }.count == 3)
  }

  /// Beside erasures no copy shows somebody online whom its history does not have.
  @Test func besideErasuresNobodyComesBack() throws {
    let root = try TemporaryDirectory()
    let path = root.path + "/s"
    let store = try FeatureStore(at: path, access: .create)
    try store.apply(ErasureWorld.small)
    let people = Array(1...40)
    for value in 1...3 {
      try store.append(try ErasureWorld.rows(people, value: value), to: "small")
    }
    try store.materialize("small")
    try store.close()
    let eraser = WriterThread {
      let other = try FeatureStore(at: path)
      for person in 1...12 {
        _ = try other.erase("person", keys: try ErasureWorld.keys([person]))
      }
      try other.close()
    }
    let reader = try FeatureStore(at: path, access: .readOnly)
    var copies = 0
    for number in 0..<8 {
      let copy = "\(root.path)/b\(number)"
      do { try reader.backup(to: copy) } catch {
        #expect(error.code == .locked, "\(error)")
        continue
      }
      copies += 1
      let made = try FeatureStore(at: copy, access: .readOnly)
      let shown = Set(try ErasureWorld.people(made))
      let statuses = try made.online("small").read(try ErasureWorld.keys(people)).statuses
      for (person, status) in zip(people, statuses) {
        #expect(
          (status == .present) == shown.contains(person), "copy \(number): \(person) \(status)")
      }
    }
    try eraser.join()
    #expect(copies > 0)
    #expect(Set(try ErasureWorld.people(store)) == Set(13...40))
  }

  /// History reaches at least as far as what was brought online.
  @Test func historyReachesAsFarAsTheOnlineTables() throws {
    let root = try TemporaryDirectory()
    let path = root.path + "/s"
    let store = try Self.store(path)
    let writer = WriterThread {
      for value in 4..<30 {
        try store.append(try ErasureWorld.rows([1, 2], value: value), to: "small")
        try store.materialize("small")
      }
    }
    for number in 0..<6 {
      let copy = "\(root.path)/b\(number)"
      let report = try FeatureStore(at: path, access: .readOnly).backup(to: copy)
      let watermark = try FeatureStore(at: copy).onlineStore?
        .watermark(of: ErasureWorld.small)
      #expect(try #require(watermark).commit <= report.commit.id)
    }
    try writer.join()
  }

  /// A copy that failed leaves nothing in the way of the next.
  @Test func aFailedCopyLeavesNothing() throws {
    let root = try TemporaryDirectory()
    let path = root.path + "/s"
    let store = try Self.store(path)
    let files = POSIXFileSystem()
    let segment = try #require(
      try files.names(in: path + "/offline/v1").first { $0.hasSuffix(".seg") })
    let file = try files.open("\(path)/offline/v1/\(segment)", .update)
    let bytes = try file.readExactly(64, at: 256)
    try file.write([UInt8](repeating: 0x5A, count: 64), at: 256)
    #expect(throws: LarderError.self) { try store.backup(to: root.path + "/b") }
    #expect(try files.status(of: root.path + "/b") == nil)
    try file.write(bytes, at: 256)
    // An empty directory stays, and what is there already is not touched.
    try files.makeDirectory(root.path + "/b")
    try store.backup(to: root.path + "/b")
    #expect(throws: LarderError.self) { try store.backup(to: root.path + "/b") }
    #expect(try Self.statuses(root.path + "/b") == [.present, .present])
    #expect(try !files.names(in: root.path + "/b").contains("COPYING"))
  }
}
