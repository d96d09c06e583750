import LarderColumns
import LarderContract
import LarderFiles
import Testing

@testable import LarderOffline

@Suite struct StoreTests {
  let disk = SimulatedFileSystem(seed: 1)

  private func store(_ access: StoreAccess = .create) throws -> Store {
    try Store.open("/s", access: access, host: disk.host(), options: Fixture.options())
  }

  @Test func appendsAndReadsBack() throws {
    let store = try store()
    try store.apply(Fixture.definitions(Fixture.view()))
    let first = Fixture.rows(40, from: 0)
    let second = Fixture.rows(30, from: 100)
    let one = try store.append([Fixture.batch(first)], to: "stats")
    let two = try store.append([Fixture.batch(second)], to: "stats")
    #expect(one.id == 2 && two.id == 3)
    #expect(two.time > one.time && one.chainHash != two.chainHash)
    #expect(try store.snapshot().allRows().sorted() == (first + second).sorted())
    #expect(try store.snapshot(at: one.id).allRows().sorted() == first.sorted())
    #expect(try store.snapshot(at: 1).allRows().isEmpty)
    try store.snapshot().checkInvariants()
  }

  @Test func reopens() throws {
    let rows = Fixture.rows(100, from: 0)
    var head: Commit
    do {
      let store = try store()
      try store.apply(Fixture.definitions(Fixture.view()))
      head = try store.append([Fixture.batch(rows)], to: "stats")
    }
    for access in [StoreAccess.readOnly, .readWrite, .create] {
      let store = try Store.open(
        "/s", access: access, host: disk.anotherProcess().host(), options: Fixture.options())
      let snapshot = try store.snapshot()
      #expect(snapshot.commit == head)
      #expect(try snapshot.allRows().sorted() == rows)
    }
  }

  @Test func readOnlyChangesNothing() throws {
    _ = try store()
    let before = disk.log.filter { $0.kind.isChange }.count
    let reader = try store(.readOnly)
    _ = try reader.snapshot()
    #expect(disk.log.filter { $0.kind.isChange }.count == before)
    #expect { try reader.apply(Fixture.definitions(Fixture.view())) } throws: {
      ($0 as? LarderError)?.code == .readOnly
    }
  }

  @Test func refusesWhatIsNoStore() throws {
    func code(_ path: String, _ access: StoreAccess) -> LarderError.Code? {
      do {
        _ = try Store.open(path, access: access, host: disk.host(), options: Fixture.options())
        return nil
      } catch { return error.code }
    }
    #expect(code("/none", .readOnly) == .notFound)
    #expect(code("/none", .readWrite) == .notFound)
    try disk.open("/file", .create).write([1], at: 0)
    #expect(code("/file", .create) == .notAStore)
    try disk.makeDirectory("/other")
    try disk.open("/other/notes.txt", .create).write([1], at: 0)
    #expect(code("/other", .create) == .notAStore)
    #expect(code("/other", .readOnly) == .notAStore)
    try disk.makeDirectory("/empty")
    #expect(code("/empty", .readOnly) == .notFound)
    #expect(code("/empty", .create) == nil)
    disk.setLocal(false)
    #expect(code("/empty", .readWrite) == .unsupported)
    #expect(code("/empty", .readOnly) == nil)
  }

  @Test func twoProcessesSeeEachOther() throws {
    let one = try store()
    let two = try Store.open(
      "/s", access: .readWrite, host: disk.anotherProcess().host(), options: Fixture.options())
    try one.apply(Fixture.definitions(Fixture.view()))
    var expected: [TestRow] = []
    for round in 0..<20 {
      let rows = Fixture.rows(3, from: Int64(round) * 10, keys: Int64(3 + round))
      expected += rows
      try (round % 2 == 0 ? one : two).append([Fixture.batch(rows)], to: "stats")
      #expect(try one.snapshot().allRows().sorted() == expected)
      #expect(try two.snapshot().allRows().sorted() == expected)
    }
    try one.snapshot().checkInvariants()
    #expect(try one.fold().merges > 0)
    #expect(try two.snapshot().allRows().sorted() == expected)
    #expect(try two.snapshot(at: 5).allRows().sorted() == Array(expected.prefix(12)))
  }
}
