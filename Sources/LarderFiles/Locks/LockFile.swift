import Dispatch
import LarderColumns
import Synchronization

/// The locks of one open store: bytes of its file LOCK.
///
/// The kernel keeps processes, and store objects of one process, apart: each has an open file
/// description of its own, and a lock dies with its holder. Threads that share this object share
/// the description, so they are kept apart here. Pins are elsewhere; see `SnapshotPins`.
///
/// ```swift
/// let locks = try LockFile(in: directory, host: host, mode: .update)
/// let held = try locks.acquire(.append, timeout: .seconds(10))
/// defer { held.release() }
/// ```
package final class LockFile: Sendable {
  /// The path of LOCK.
  package let path: String
  private let file: any File
  private let now: @Sendable () -> Int64
  private let isWritable: Bool
  private let generation = ForkedChild.generation
  private let turns = ForkSafeMutex(Turns())

  /// Opens the file LOCK of a store.
  ///
  /// - Parameters:
  ///   - mode: `createIfMissing` for a new store, `update` to lock, `read` only to ask.
  /// - Throws: as `FileSystem.open`.
  package init(in directory: String, host: Host, mode: OpenMode) throws(LarderError) {
    path = "\(directory)/\(StoreLock.fileName)"
    file = try host.files.openForLocking(path, mode)
    now = host.now
    isWritable = mode != .read
  }

  /// Opens the file LOCK only to ask who holds what; nil where that is not allowed.
  ///
  /// - Throws: as `FileSystem.open`, but for `permissionDenied` and `notFound`.
  package static func forAsking(in directory: String, host: Host) throws(LarderError) -> LockFile? {
    do { return try LockFile(in: directory, host: host, mode: .read) } catch {
      guard error.code == .permissionDenied || error.code == .notFound else { throw error }
      return nil
    }
  }

  /// Takes a lock, waiting for it if need be.
  ///
  /// It polls, from every 0.1 ms to every 10 ms: the kernel's own wait cannot be given up
  /// without a signal to the whole process. Whoever waits is let in before one that comes later, or
  /// comes back.
  ///
  /// - Parameters:
  ///   - lock: which one.
  ///   - kind: shared locks need LOCK open for reading only.
  ///   - timeout: how long to wait; it is tried once in any case.
  /// - Throws: `locked` with the holder's advice after the time-out; `readOnly` for an exclusive
  ///   lock of a file opened for reading; `forked` in a child of the process that opened it; `io`.
  package func acquire(
    _ lock: StoreLock, _ kind: LockKind = .exclusive, timeout: Duration
  ) throws(LarderError) -> HeldLock {
    let deadline = ContinuousClock.now + timeout
    let range = try takeable(lock, kind)
    guard wait(for: range, kind, until: deadline) else {
      throw refusal(lock, timeout, holder: "another thread of this process")
    }
    guard try takeFromKernel(lock, range, kind, until: deadline) else {
      throw refusal(lock, timeout, holder: LockAdvice.read(lock, from: file))
    }
    if isWritable { LockAdvice.write(lock, to: file, since: now()) }
    return HeldLock(of: self, range)
  }

  /// Takes a lock if that needs no waiting.
  ///
  /// - Returns: nil if another holds it.
  /// - Throws: as `acquire`, but for `locked`.
  package func tryAcquire(_ lock: StoreLock, _ kind: LockKind = .exclusive) throws(LarderError)
    -> HeldLock?
  {
    let deadline = ContinuousClock.now
    let range = try takeable(lock, kind)
    guard wait(for: range, kind, until: deadline),
      try takeFromKernel(lock, range, kind, until: deadline)
    else { return nil }
    if isWritable { LockAdvice.write(lock, to: file, since: now()) }
    return HeldLock(of: self, range)
  }

  /// Who holds a lock by its advice text; nil if no other description or thread holds it.
  package func holder(of lock: StoreLock) throws(LarderError) -> String? {
    let range = try takeable(lock, .shared)
    if turns.withLock({ $0.entries[range.lowerBound] != nil }) { return "this process" }
    guard try file.conflictingLock(in: range) != nil else { return nil }
    return LockAdvice.read(lock, from: file)
  }

  private func takeable(_ lock: StoreLock, _ kind: LockKind) throws(LarderError) -> Range<UInt64> {
    guard generation == ForkedChild.generation else { throw ForkedChild.error(path: path) }
    if kind == .exclusive, !isWritable {
      throw LarderError(
        .readOnly, "The store was opened read-only; \(lock) cannot be taken.", file: path)
    }
    return try lock.range()
  }

  private func refusal(_ lock: StoreLock, _ timeout: Duration, holder: String) -> LarderError {
    LarderError(
      .locked,
      """
      Waited \(timeout) for \(lock), held by \(holder). Try again when it is done, or allow a \
      longer lock time-out.
      """, file: path)
  }
}

// MARK: Threads of this process

/// The locks that threads of this process hold or are taking through one `LockFile`.
private struct Turns {
  struct Entry {
    var kind: LockKind
    /// Threads that hold it; 0 while the first of them still asks the kernel.
    var holders: Int
  }
  var entries: [UInt64: Entry] = [:]
  /// Threads that wait for some entry to go.
  var waiting: [DispatchSemaphore] = []

  mutating func wakeAll() {
    for semaphore in waiting { semaphore.signal() }
    waiting = []
  }
}

extension LockFile {
  /// Waits until no other thread holds the range; then this one is taking or sharing it.
  private func wait(
    for range: Range<UInt64>, _ kind: LockKind, until deadline: ContinuousClock.Instant
  ) -> Bool {
    while true {
      let semaphore: DispatchSemaphore? = turns.withLock { turns in
        guard var entry = turns.entries[range.lowerBound] else {
          turns.entries[range.lowerBound] = Turns.Entry(kind: kind, holders: 0)
          return nil
        }
        if entry.kind == .shared, kind == .shared, entry.holders > 0 {
          entry.holders += 1
          turns.entries[range.lowerBound] = entry
          return nil
        }
        let semaphore = DispatchSemaphore(value: 0)
        turns.waiting.append(semaphore)
        return semaphore
      }
      guard let semaphore else { return true }
      let left = deadline - ContinuousClock.now
      let bound = DispatchTime.now() + .nanoseconds(left.clampedNanoseconds)
      if left <= .zero || semaphore.wait(timeout: bound) == .timedOut {
        turns.withLock { $0.waiting.removeAll { $0 === semaphore } }
        if ContinuousClock.now >= deadline { return false }
      }
    }
  }

  /// Asks the kernel, unless a thread that shares the lock has it already.
  private func takeFromKernel(
    _ lock: StoreLock, _ range: Range<UInt64>, _ kind: LockKind,
    until deadline: ContinuousClock.Instant
  ) throws(LarderError) -> Bool {
    if turns.withLock({ $0.entries[range.lowerBound]?.holders ?? 0 > 0 }) { return true }
    // Who does not wait has no place in a queue.
    let queue = kind == .exclusive && deadline > ContinuousClock.now ? lock.queue : nil
    do throws(LarderError) {
      if try takeInTurn(range, kind, behind: queue, until: deadline) {
        turns.withLock { turns in
          turns.entries[range.lowerBound]?.holders = 1
          // Sharers may join.
          turns.wakeAll()
        }
        return true
      }
    } catch {
      abandon(range)
      throw error
    }
    abandon(range)
    return false
  }

  /// Takes a range from the kernel behind whoever waits for it.
  ///
  /// The first that waits holds the queue's byte, and whoever comes looks at that before the lock.
  /// Else one that takes a lock again as soon as it gave it up is there before any that polls, time
  /// and again until they give up.
  private func takeInTurn(
    _ range: Range<UInt64>, _ kind: LockKind, behind queue: Range<UInt64>?,
    until deadline: ContinuousClock.Instant
  ) throws(LarderError) -> Bool {
    guard let queue else { return try poll(range, kind, until: deadline) }
    if try file.conflictingLock(in: queue) == nil, try file.tryLock(range, kind) { return true }
    guard try poll(queue, .exclusive, until: deadline) else { return false }
    let isTaken: Bool
    do throws(LarderError) { isTaken = try poll(range, kind, until: deadline) } catch {
      unlock(queue)
      throw error
    }
    unlock(queue)
    return isTaken
  }

  private func poll(
    _ range: Range<UInt64>, _ kind: LockKind, until deadline: ContinuousClock.Instant
  ) throws(LarderError) -> Bool {
    var pause = Duration.microseconds(100)
    while true {
      if try file.tryLock(range, kind) { return true }
      let left = deadline - ContinuousClock.now
      if left <= .zero { return false }
      if !file.pause(min(pause, left)) { return false }
      pause = min(pause * 2, .milliseconds(10))
    }
  }

  private func unlock(_ range: Range<UInt64>) {
    // The kernel refuses only for want of memory; then the lock goes with the file.
    do throws(LarderError) { try file.unlock(range) } catch {}
  }

  private func abandon(_ range: Range<UInt64>) {
    turns.withLock { turns in
      turns.entries[range.lowerBound] = nil
      turns.wakeAll()
    }
  }

  /// Gives up one holder's share of a lock.
  fileprivate func release(_ range: Range<UInt64>) {
    // In a forked child the lock is the parent's, and so is the state of the mutex.
    guard generation == ForkedChild.generation else { return }
    turns.withLock { turns in
      guard let entry = turns.entries[range.lowerBound] else { return }
      if entry.holders > 1 {
        turns.entries[range.lowerBound]?.holders -= 1
        return
      }
      unlock(range)
      turns.entries[range.lowerBound] = nil
      turns.wakeAll()
    }
  }
}

/// A lock that is held until it is released, or until this object goes.
package final class HeldLock: Sendable {
  private let file: LockFile
  private let range: Range<UInt64>
  private let isReleased = Atomic(false)

  fileprivate init(of file: LockFile, _ range: Range<UInt64>) {
    self.file = file
    self.range = range
  }

  deinit { release() }

  /// Gives the lock up; does nothing the second time.
  package func release() {
    if isReleased.exchange(true, ordering: .acquiringAndReleasing) { return }
    file.release(range)
  }
}
