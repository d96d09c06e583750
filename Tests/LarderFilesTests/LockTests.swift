import Dispatch
import Glibc
import LarderColumns
import LarderFiles
import Synchronization
import TestSupport
import Testing

@Suite struct LockTests {
  let directory: TemporaryDirectory
  let host = Host.system()

  init() throws { directory = try TemporaryDirectory() }

  func locks(_ mode: OpenMode = .createIfMissing) throws -> LockFile {
    try LockFile(in: directory.path, host: host, mode: mode)
  }

  @Test func bytesOfTheLocks() throws {
    #expect(try StoreLock.commit.range() == 0..<1)
    #expect(try StoreLock.append.range() == 1..<2)
    #expect(try StoreLock.maintenance.range() == 2..<3)
    #expect(try StoreLock.onlineWriter(table: 5).range() == 21..<22)
    #expect(try StoreLock.pin(snapshot: 9).range() == (1 << 32) + 9..<(1 << 32) + 10)
    let table = UInt32.max - 16
    #expect(try StoreLock.onlineWriter(table: table - 1).range().upperBound < 1 << 32)
    #expect(try StoreLock.onlineWriter(table: table).range().upperBound == 1 << 32)
    #expect(code { _ = try StoreLock.onlineWriter(table: table + 1).range() } == .limitExceeded)
    let snapshot = UInt64(Int64.max) - (1 << 32)
    #expect(try StoreLock.pin(snapshot: snapshot - 1).range().upperBound == UInt64(Int64.max))
    #expect(code { _ = try StoreLock.pin(snapshot: snapshot).range() } == .limitExceeded)
  }

  @Test func twoStoresExcludeEachOtherAndNameTheHolder() throws {
    let one = try locks()
    let two = try locks()
    let held = try one.acquire(.append, timeout: .zero)
    #expect(try two.tryAcquire(.append) == nil)
    do {
      _ = try two.acquire(.append, timeout: .milliseconds(30))
      Issue.record("The lock was given twice.")
    } catch {
      #expect(error.code == .locked)
      #expect(error.message.contains("the append lock"), "\(error)")
      #expect(error.message.contains("process \(getpid()) ("), "\(error)")
      #expect(error.message.contains("since 20"), "\(error)")
    }
    #expect(try two.holder(of: .append)?.contains("process \(getpid())") == true)
    #expect(try two.holder(of: .commit) == nil)
    let other = try two.acquire(.commit, timeout: .zero)
    held.release()
    held.release()
    let again = try two.acquire(.append, timeout: .zero)
    again.release()
    other.release()
    #expect(try one.tryAcquire(.commit) != nil)
  }

  @Test func aLostHolderIsUnknown() throws {
    let one = try locks()
    let held = try one.acquire(.maintenance, timeout: .zero)
    let file = try host.files.open(one.path, .update)
    try file.write([UInt8](repeating: 0xC3, count: 600), at: 512)
    do {
      _ = try locks().acquire(.maintenance, timeout: .zero)
      Issue.record("The lock was given twice.")
    } catch let error as LarderError {
      #expect(error.code == .locked && error.message.contains("an unknown process"))
    }
    held.release()
  }

  @Test func aWaiterGetsTheLockWhenItIsFree() throws {
    let one = try locks()
    let two = try locks()
    for waiter in [one, two] {
      let held = try one.acquire(.append, timeout: .zero)
      let done = Mutex(false)
      let start = ContinuousClock.now
      try withThread {
        sleepMilliseconds(20)
        done.withLock { $0 = true }
        held.release()
      } during: {
        let second = try waiter.acquire(.append, timeout: .seconds(10))
        #expect(done.withLock { $0 })
        second.release()
      }
      #expect(ContinuousClock.now - start < .seconds(5))
    }
  }

  /// One that takes the lock again as soon as it gave it up is there before any that polls.
  @Test func whoWaitsIsLetInBeforeOneThatComesBack() throws {
    let busy = try locks()
    let waiting = try locks()
    let turns = 20
    let taken = Atomic(0)
    let isDone = Atomic(false)
    let failures = Atomic(0)
    withThread {
      while !isDone.load(ordering: .acquiring) {
        do {
          let held = try busy.acquire(.append, timeout: .seconds(30))
          taken.add(1, ordering: .relaxed)
          sleepMilliseconds(2)
          held.release()
        } catch { failures.add(1, ordering: .relaxed) }
      }
    } during: {
      for _ in 0..<turns {
        do {
          let held = try waiting.acquire(.append, timeout: .seconds(30))
          held.release()
          sleepMilliseconds(1)
        } catch { failures.add(1, ordering: .relaxed) }
      }
      isDone.store(true, ordering: .releasing)
    }
    #expect(failures.load(ordering: .relaxed) == 0)
    // A few to each of the other's; hundreds, if it were left to chance.
    #expect(taken.load(ordering: .relaxed) < turns * 15)
  }

  @Test func queuesHaveBytesOfTheirOwn() throws {
    let locks: [StoreLock] = [.commit, .append, .maintenance, .onlineWriter(table: 0)]
    let bytes = try locks.map { try $0.range() } + locks.compactMap(\.queue)
    #expect(Set(bytes).count == 7)
    // Nobody waits: the byte is free while the lock is held.
    let one = try self.locks()
    let held = try one.acquire(.append, timeout: .seconds(1))
    let file = try host.files.open(one.path, .update)
    #expect(try file.tryLock(4..<5, .exclusive))
    // Somebody does: it is tried once by those who do not wait, and not at all by those who do.
    held.release()
    #expect(try self.locks().tryAcquire(.append) != nil)
    #expect(code { _ = try self.locks().acquire(.append, timeout: .milliseconds(20)) } == .locked)
    withExtendedLifetime(file) {}
  }

  @Test func threadsOfOneStoreTakeTurns() throws {
    let one = try locks()
    let counter = Mutex(0)
    let inside = Atomic(0)
    let failures = Atomic(0)
    let work: @Sendable () -> Void = {
      for _ in 0..<200 {
        do {
          let held = try one.acquire(.commit, timeout: .seconds(30))
          if inside.add(1, ordering: .sequentiallyConsistent).oldValue != 0 {
            failures.add(1, ordering: .relaxed)
          }
          counter.withLock { $0 += 1 }
          inside.subtract(1, ordering: .sequentiallyConsistent)
          held.release()
        } catch { failures.add(1, ordering: .relaxed) }
      }
    }
    withThread(work) { withThread(work) { work() } }
    #expect(failures.load(ordering: .relaxed) == 0)
    #expect(counter.withLock { $0 } == 600)
  }

  @Test func sharersShareAndWritersWait() throws {
    let one = try locks()
    let two = try locks(.read)
    let first = try one.acquire(.commit, .shared, timeout: .zero)
    let second = try one.acquire(.commit, .shared, timeout: .zero)
    let third = try two.acquire(.commit, .shared, timeout: .zero)
    #expect(code { _ = try two.acquire(.commit, timeout: .zero) } == .readOnly)
    #expect(try one.tryAcquire(.commit) == nil)
    first.release()
    third.release()
    #expect(try locks().tryAcquire(.commit) == nil, "the second share was freed by the first")
    second.release()
    #expect(try locks().tryAcquire(.commit) != nil)
  }

  @Test func aReaderNeedsTheFile() throws {
    #expect(code { _ = try locks(.read) } == .notFound)
    #expect(
      code { _ = try SnapshotPins(in: directory.path, files: host.files) } == .notFound)
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func allPinsAreFound(seed: UInt64) throws {
    _ = try locks()
    var random = SeededRandom(seed: seed)
    let readers = try (0..<3).map { _ in
      try SnapshotPins(in: directory.path, files: host.files)
    }
    var held: [SnapshotPin] = []
    for _ in 0..<60 {
      if random.chance(0.6) || held.isEmpty {
        let wide = random.chance(0.1)
        let snapshot = random.next() % (wide ? 1 << 40 : 30)
        held.append(try readers[random.int(0...2)].pin(snapshot))
      } else {
        let index = random.int(0...held.count - 1)
        if random.chance(0.5) { held[index].release() }
        held.remove(at: index)
      }
      let expected = Set(held.map(\.snapshot))
      for reader in readers {
        let found = try reader.pinned(below: .max)
        #expect(Set(found.ranges.flatMap { $0 }) == expected, "seed \(seed)")
        #expect(found.least == expected.min())
        for snapshot in 0..<31 as Range<UInt64> {
          #expect(found.contains(snapshot) == expected.contains(snapshot))
        }
        let low = try reader.pinned(below: 10)
        #expect(Set(low.ranges.flatMap { $0 }) == expected.filter { $0 < 10 }, "seed \(seed)")
      }
    }
  }

  @Test func aForkedChildHoldsNothing() throws {
    let one = try locks()
    let pins = try SnapshotPins(in: directory.path, files: host.files)
    let pin = try pins.pin(3)
    let held = try one.acquire(.append, timeout: .zero)
    var raw: (any File)? = try host.files.openForLocking(one.path, .update)
    #expect(try raw?.tryLock(2..<3, .exclusive) == true)

    var toParent: [Int32] = [0, 0]
    var toChild: [Int32] = [0, 0]
    #expect(pipe(&toParent) == 0 && pipe(&toChild) == 0)
    typealias Fork = @convention(c) () -> Int32
    let fork = unsafeBitCast(try #require(dlsym(nil, "fork")), to: Fork.self)
    let child = fork()
    if child == 0 {
      alarm(20)
      var answers: [UInt8] = [
        code { _ = try one.tryAcquire(.commit) } == .forked ? 1 : 0,
        code { _ = try pins.pin(4) } == .forked ? 1 : 0,
        code { _ = try raw?.status() } == .forked ? 1 : 0,
      ]
      held.release()
      pin.release()
      raw = nil
      write(toParent[1], &answers, 3)
      close(toChild[1])
      read(toChild[0], &answers, 1)
      _exit(0)
    }
    #expect(child > 0)
    var answers: [UInt8] = [0, 0, 0]
    #expect(read(toParent[0], &answers, 3) == 3)
    #expect(answers == [1, 1, 1])
    // The child lives on; its releases freed nothing of ours, and ours free everything.
    let two = try locks()
    #expect(try two.tryAcquire(.append) == nil)
    let others = try SnapshotPins(in: directory.path, files: host.files)
    #expect(try others.pinned(below: .max).contains(3))
    #expect(try two.tryAcquire(.maintenance) == nil)
    raw = nil
    #expect(try two.tryAcquire(.maintenance) != nil, "the child keeps the lock alive")
    held.release()
    #expect(try two.tryAcquire(.append) != nil)
    pin.release()
    #expect(try others.pinned(below: .max).ranges.isEmpty)
    for descriptor in toParent + toChild { close(descriptor) }
    var status: Int32 = 0
    #expect(waitpid(child, &status, 0) == child && status == 0)
  }
}

/// Runs a body while a thread runs another; returns when both are done.
func withThread(_ work: @escaping @Sendable () -> Void, during body: () throws -> Void) rethrows {
  let group = DispatchGroup()
  DispatchQueue.global().async(group: group, execute: work)
  defer { group.wait() }
  try body()
}

func sleepMilliseconds(_ milliseconds: UInt32) { usleep(milliseconds * 1000) }
