import Dispatch
import LarderColumns
import LarderFiles
import Synchronization
import Testing

/// Copies of a simulated machine, stores through maps as operations, and processes in turn.
@Suite struct SimulatedForkTests {
  @Test func aForkIsTheMachineAsItIsAndNoMore() throws {
    let machine = SimulatedFileSystem(seed: 9)
    let file = try machine.open("/a", .create)
    try file.write([UInt8](repeating: 1, count: 1_024), at: 0)
    try file.syncData()
    try machine.syncDirectory("/")
    try file.write([UInt8](repeating: 2, count: 1_024), at: 0)
    #expect(try file.tryLock(0..<1, .exclusive))
    try machine.makeDirectory("/d")
    try machine.open("/d/lost", .create).write([7], at: 0)

    let fork = machine.fork()
    #expect(fork.paths == machine.paths)
    #expect(fork.usedBytes == machine.usedBytes)
    #expect(try fork.bootIdentifier() == machine.bootIdentifier())
    #expect(try fork.status(of: "/a")?.inode == machine.status(of: "/a")?.inode)
    // The page cache is there, and is as little on disk as it was.
    #expect(fork.contents(of: "/a") == [UInt8](repeating: 2, count: 1_024))
    #expect(fork.crash(seed: 1, .nothing).contents(of: "/a") == [UInt8](repeating: 1, count: 1_024))
    #expect(fork.crash(seed: 1, .nothing).contents(of: "/d/lost") == nil)
    for seed in 0..<20 as Range<UInt64> {
      #expect(
        fork.crash(seed: seed).contents(of: "/a") == machine.crash(seed: seed).contents(of: "/a"))
    }
    // Locks stay behind.
    let other = try fork.open("/a", .update)
    #expect(try other.tryLock(0..<1, .exclusive))
    // Neither sees what the other writes.
    try other.write([3], at: 0)
    try file.write([4], at: 1)
    #expect(machine.contents(of: "/a")?.prefix(3) == [2, 4, 2])
    #expect(fork.contents(of: "/a")?.prefix(3) == [3, 2, 2])
    try fork.remove("/d/lost")
    #expect(machine.contents(of: "/d/lost") == [7])
  }

  @Test func storesIntoMapsAreOperations() throws {
    let machine = SimulatedFileSystem(seed: 10)
    let file = try machine.open("/page", .create)
    try file.write([UInt8](repeating: 0, count: 4_096), at: 0)
    try file.syncData()
    try machine.syncDirectory("/")
    let seen = Mutex<[(number: Int, byte: UInt8?)]>([])
    machine.watch { operation, fork in
      guard operation.kind == .store else { return }
      seen.withLock { $0.append((operation.number, fork().contents(of: "/page")?[0])) }
    }
    let process = machine.anotherProcess()
    let map = try process.open("/page", .update).mapShared(bytes: 4_096, writable: true)
    let start = UnsafeMutablePointer(mutating: map.bytes.bindMemory(to: UInt8.self).baseAddress)
    func store(_ byte: UInt8) { if map.beginStore() { start?[0] = byte } }
    store(1)
    store(2)
    let number = machine.operations
    #expect(seen.withLock { $0.map(\.byte) } == [0, 1])
    #expect(seen.withLock { $0.map(\.number) } == [number - 1, number])
    // A process that died stores nothing more.
    process.killAtOperation(number + 1)
    store(3)
    #expect(process.isDown)
    #expect(machine.contents(of: "/page")?[0] == 2)
    // A store is no call that could fail, nor is a map for reading one.
    #expect(!SimulatedFault.Kind.io.applies(to: .store))
    let reading = try machine.open("/page", .read).mapShared(bytes: 4_096, writable: false)
    #expect(!reading.countsStores && reading.beginStore())
  }

  @Test func aFaultMayBefallOneProcessOnly() throws {
    let machine = SimulatedFileSystem(seed: 11)
    let other = machine.anotherProcess()
    machine.inject(SimulatedFault(.io, at: 1, isSticky: true, of: other))
    _ = try machine.open("/mine", .create)
    #expect(code { _ = try other.open("/other", .create) } == .io)
  }

  /// Lets the second of two processes run whenever the first waits.
  private final class Alternation: SimulatedTurns {
    let second = DispatchSemaphore(value: 0)
    let first = DispatchSemaphore(value: 0)
    let waits = Mutex(0)
    let ended = Mutex(false)

    func reach(_ point: SimulatedPoint, at path: String, process: Int) -> Bool { true }
    func wait(process: Int) -> Bool {
      waits.withLock { $0 += 1 }
      guard process == 0, !ended.withLock({ $0 }) else { return false }
      second.signal()
      first.wait()
      return true
    }
  }

  @Test func whoWaitsForALockGivesItsTurnAway() throws {
    let machine = SimulatedFileSystem(seed: 12)
    let locks = try LockFile(in: "", host: machine.host(), mode: .createIfMissing)
    let other = machine.anotherProcess()
    let theirs = try LockFile(in: "", host: other.host(), mode: .update)
    let held = try theirs.acquire(.append, timeout: .seconds(1))
    let turns = Alternation()
    machine.setTurns(turns)
    let group = DispatchGroup()
    DispatchQueue.global().async(group: group) {
      turns.second.wait()
      held.release()
      turns.ended.withLock { $0 = true }
      turns.first.signal()
    }
    // An hour, of which none passes.
    let taken = try locks.acquire(.append, timeout: .seconds(3_600))
    group.wait()
    #expect(turns.waits.withLock { $0 } > 0)
    // Nobody is left who could give it up: the time is over at once.
    machine.setTurns(SimulatedSolitude())
    let start = ContinuousClock.now
    #expect(code { _ = try theirs.acquire(.append, timeout: .seconds(3_600)) } == .locked)
    #expect(ContinuousClock.now - start < .seconds(60))
    taken.release()
  }
}
