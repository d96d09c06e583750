import LarderColumns
import LarderFiles
import Testing

@Suite struct SimulatedFaultTests {
  let machine = SimulatedFileSystem(seed: 11)

  /// Everything the simulator counts, once each; returns the codes of what failed.
  func workload() -> [LarderError.Code?] {
    var file: (any File)?
    return [
      code { file = try machine.open("/d/a", .createIfMissing) },
      code { try file?.write([1, 2, 3, 4, 5, 6, 7, 8], at: 0) },
      code { try file?.syncData() },
      code { try file?.reserve(bytes: 100) },
      code { _ = try file?.readExactly(4, at: 0) },
      code { _ = try file?.status() },
      code { _ = try file?.map(bytes: 4) },
      code { _ = try file?.mapShared(bytes: 4, writable: true) },
      code { _ = try machine.status(of: "/d/a") },
      code { _ = try machine.names(in: "/d") },
      code { try machine.link("/d/a", as: "/d/b") },
      code { _ = try machine.open("/d/b", .read) },
      code { try machine.remove("/d/b") },
      code { try machine.makeDirectory("/d/e") },
      code { try machine.removeDirectory("/d/e") },
      code { try machine.syncDirectory("/d") },
    ]
  }

  @Test func everyOperationCanFailOnce() throws {
    try machine.makeDirectory("/d")
    _ = try machine.open("/d/a", .create)
    let before = machine.operations
    #expect(workload().allSatisfy { $0 == nil })
    let kinds = machine.log.dropFirst(before).map(\.kind)
    #expect(machine.operations == before + 16 && kinds.count == 16)
    for kind in SimulatedFault.Kind.allCases {
      for step in 0..<16 where step > 0 {
        machine.inject(SimulatedFault(kind, at: machine.operations + step + 1))
        let codes = workload()
        machine.removeFaults()
        let applies = kind.applies(to: kinds[kinds.startIndex + step])
        let expected: LarderError.Code? = applies ? (kind == .noSpace ? .noSpace : .io) : nil
        #expect(codes[step] == expected, "\(kind) at \(step)")
        // A failed link leaves nothing to open and remove, and so on; the rest goes on.
        let others = codes.enumerated().filter { $0.offset != step && $0.element != nil }
        #expect(others.count <= 1, "\(kind) at \(step): \(codes)")
      }
    }
  }

  @Test func stickyFaultsStay() throws {
    try machine.makeDirectory("/d")
    let file = try machine.open("/d/a", .create)
    machine.inject(SimulatedFault(.noSpace, at: machine.operations + 2, isSticky: true))
    try file.write([1], at: 0)
    for _ in 0..<3 { #expect(code { try file.write([2], at: 0) } == .noSpace) }
    #expect(try file.readExactly(1, at: 0) == [1])
    machine.removeFaults()
    try file.write([2], at: 0)
  }

  @Test func aShortWriteLeavesAPrefix() throws {
    let bytes = (0..<1000).map { UInt8($0 % 251) }
    var lengths: Set<Int> = []
    for index in 0..<20 {
      let file = try machine.open("/\(index)", .create)
      machine.inject(SimulatedFault(.shortWrite, at: machine.operations + 1))
      #expect(code { try file.write(bytes, at: 0) } == .io)
      let content = try #require(machine.contents(of: "/\(index)"))
      #expect(content.count < 1000 && Array(bytes.prefix(content.count)) == content)
      lengths.insert(content.count)
    }
    #expect(lengths.count > 10)
  }

  @Test func aSyncAfterALostOneLies() throws {
    let file = try machine.open("/a", .create)
    try machine.syncDirectory("/")
    try file.write([UInt8](repeating: 1, count: 1024), at: 0)
    try file.syncData()
    try file.write([UInt8](repeating: 2, count: 2048), at: 512)
    machine.inject(SimulatedFault(.lostSync, at: machine.operations + 1))
    #expect(code { try file.syncData() } == .io)
    try file.syncData()
    #expect(try file.readExactly(2560, at: 0)[2000] == 2, "the page cache still shows it")
    let expected =
      [UInt8](repeating: 1, count: 1024) + [UInt8](repeating: 0, count: 1536)
    for survival in [SimulatedSurvival.nothing, .everything, .random] {
      #expect(machine.crash(seed: 1, survival).contents(of: "/a") == expected, "\(survival)")
    }
    // Only what is written again reaches the disk.
    try file.write([UInt8](repeating: 3, count: 512), at: 1024)
    try file.syncData()
    let content = try #require(machine.crash(seed: 1, .nothing).contents(of: "/a"))
    #expect(content[512] == 1 && content[1024] == 3 && content[1535] == 3 && content[1536] == 0)
    machine.evictCleanPages()
    #expect(try file.readExactly(2560, at: 0) == content)
  }

  @Test func aFullDiskIsFull() throws {
    let machine = SimulatedFileSystem(seed: 12, capacity: 4096)
    let file = try machine.open("/a", .create)
    try file.write([UInt8](repeating: 1, count: 2000), at: 0)
    #expect(machine.usedBytes == 2048)
    #expect(code { try file.reserve(bytes: 5000) } == .noSpace)
    #expect(try file.status().bytes == 2000)
    try file.reserve(bytes: 4096)
    #expect(machine.usedBytes == 4096)
    try file.write([2, 2], at: 4094)
    #expect(code { try file.write([3, 3, 3], at: 4094) } == .noSpace)
    #expect(try file.readExactly(2, at: 4094) == [3, 3])
    let other = try machine.open("/b", .create)
    #expect(code { try other.write([1], at: 0) } == .noSpace)
    #expect(code { try other.write([1], at: 100_000) } == .noSpace)
    try machine.remove("/a")
    #expect(code { try other.write([1], at: 0) } == .noSpace, "the file is still open")
    withExtendedLifetime(file) {}
    machine.setCapacity(8192)
    try other.write([1], at: 0)
    #expect(machine.usedBytes == 4608)
    #expect(code { try other.write([1], at: 1 << 40) } == .limitExceeded)
  }

  @Test func spaceComesBackWithTheLastReference() throws {
    var file: (any File)? = try machine.open("/a", .create)
    try file?.write([1], at: 0)
    try machine.remove("/a")
    #expect(machine.usedBytes == 512)
    file = nil
    #expect(machine.usedBytes == 0)
  }

  @Test func aKilledProcessLeavesItsWritesAndNoLocks() throws {
    let first = machine.anotherProcess()
    let file = try first.open("/a", .create)
    try file.write([1, 2], at: 0)
    #expect(try file.tryLock(0..<5, .exclusive))
    let map = try file.mapShared(bytes: 2, writable: true)
    UnsafeMutableRawBufferPointer(mutating: map.bytes)[0] = 7
    let second = machine.anotherProcess()
    let other = try second.open("/a", .update)
    #expect(try !other.tryLock(1..<2, .shared))
    first.killAtOperation(machine.operations + 2)
    try file.write([3], at: 1)
    #expect(code { try file.write([4], at: 1) } == .io)
    #expect(first.isDown && !second.isDown)
    UnsafeMutableRawBufferPointer(mutating: map.bytes)[0] = 9
    #expect(try other.tryLock(1..<2, .exclusive))
    #expect(try other.readExactly(2, at: 0) == [7, 3])
    #expect(code { _ = try first.open("/a", .read) } == .io)
    #expect(try machine.bootIdentifier() == second.bootIdentifier())
  }

  @Test func locksBelongToDescriptions() throws {
    var one: (any File)? = try machine.open("/LOCK", .create)
    let two = try machine.open("/LOCK", .update)
    #expect(try one?.tryLock(0..<10, .shared) == true)
    #expect(try two.tryLock(5..<6, .shared))
    #expect(try two.conflictingLock(in: 0..<100) == 0..<10)
    #expect(try one?.tryLock(5..<6, .exclusive) == false)
    try one?.unlock(5..<6)
    #expect(try two.tryLock(5..<6, .exclusive))
    #expect(try !two.tryLock(4..<5, .exclusive))
    #expect(try !two.tryLock(6..<7, .exclusive))
    one = nil
    #expect(try two.tryLock(0..<100, .exclusive))
    #expect(
      code { _ = try machine.open("/LOCK", .read).tryLock(200..<201, .exclusive) } == .readOnly)
    #expect(code { _ = try two.tryLock(3..<3, .shared) } == .invalidArgument)
  }

  @Test func locksAndPinsOfAStoreWorkHereToo() throws {
    try machine.makeDirectory("/store")
    let host = machine.host()
    let one = try LockFile(in: "/store", host: host, mode: .createIfMissing)
    let two = try LockFile(
      in: "/store", host: machine.anotherProcess().host(), mode: .createIfMissing)
    let held = try one.acquire(.append, timeout: .zero)
    #expect(try two.tryAcquire(.append) == nil)
    #expect(try two.holder(of: .append)?.contains("since 2023-11-14T22:13:20Z") == true)
    held.release()
    #expect(try two.tryAcquire(.append) != nil)
    let pins = try SnapshotPins(in: "/store", files: machine)
    let others = try SnapshotPins(in: "/store", files: machine.anotherProcess())
    let kept = try [900, 100, 500, 7].map { try pins.pin($0) }
    #expect(try others.pinned(below: .max).ranges.map(\.lowerBound) == [7, 100, 500, 900])
    #expect(try pins.pinned(below: 500).ranges == [7..<8, 100..<101])
    withExtendedLifetime(kept) {}
    machine.setCapacity(0)
    #expect(try one.tryAcquire(.commit) != nil, "a full disk locks")
  }

  @Test func itRefusesAsTheSystemDoes() throws {
    #expect(code { _ = try machine.open("/a", .read) } == .notFound)
    #expect(code { _ = try machine.open("/none/a", .create) } == .notFound)
    _ = try machine.open("/a", .create)
    #expect(code { _ = try machine.open("/a", .create) } == .alreadyExists)
    #expect(code { _ = try machine.open("/a/b", .create) } == .io)
    #expect(code { _ = try machine.status(of: "/a/b") } == .io)
    try machine.makeDirectory("/d")
    try machine.makeDirectory("//d/")
    #expect(code { _ = try machine.open("/d", .read) } == .corrupt)
    #expect(code { try machine.makeDirectory("/a") } == .alreadyExists)
    #expect(code { try machine.makeDirectory("/x/y") } == .notFound)
    _ = try machine.open("d//f", .create)
    #expect(code { try machine.removeDirectory("/d") } == .io)
    #expect(code { try machine.link("/x", as: "/y") } == .notFound)
    #expect(code { try machine.link("/a", as: "/d/f") } == .alreadyExists)
    #expect(code { _ = try machine.names(in: "/x") } == .notFound)
    #expect(try machine.names(in: "/d") == ["f"])
    #expect(try !machine.remove("/x") && !machine.removeDirectory("/x"))
    #expect(try machine.status(of: "/d")?.kind == .directory)
    #expect(code { try machine.open("/a", .read).write([1], at: 0) } == .io)
    #expect(try machine.isLocal("/"))
    machine.setLocal(false)
    #expect(try !machine.isLocal("/"))
  }
}
