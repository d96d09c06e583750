import LarderColumns
import Synchronization

/// What a test does to a simulated machine. None of it counts as an operation.
extension SimulatedFileSystem {
  /// Another process on the same machine, with locks of its own.
  package func anotherProcess() -> SimulatedFileSystem {
    machine.lock()
    defer { machine.unlock() }
    machine.nextProcess += 1
    return SimulatedFileSystem(machine: machine, process: machine.nextProcess - 1)
  }

  /// Ends this process as kill -9 does: its locks are free, and the page cache stays.
  ///
  /// What it stores into shared maps afterwards is lost, unless another process maps that file.
  package func kill() {
    machine.lock()
    defer { machine.unlock() }
    machine.kill(process)
  }

  /// Ends this process before an operation, counted as `operations` does.
  package func killAtOperation(_ number: Int) {
    machine.lock()
    defer { machine.unlock() }
    machine.killAt[process] = number
  }

  /// Stops the machine before an operation; that one and all later calls throw.
  package func crashAtOperation(_ number: Int) {
    machine.lock()
    defer { machine.unlock() }
    machine.stopAt = number
  }

  /// The machine after the power failed now, or when it stopped, and came back.
  ///
  /// This one is left as it is, so that many outcomes can be drawn from one state.
  ///
  /// - Parameters:
  ///   - seed: decides what of the unsynced survives.
  ///   - survival: confines it.
  /// - Complexity: O(files + bytes of files with unsynced changes).
  package func crash(seed: UInt64, _ survival: SimulatedSurvival = .random)
    -> SimulatedFileSystem
  {
    machine.lock()
    defer { machine.unlock() }
    return SimulatedFileSystem(
      machine: machine.rebooted(seed: seed, survival), process: 0)
  }

  /// The operations so far, of all processes since the boot.
  package var operations: Int {
    machine.lock()
    defer { machine.unlock() }
    return machine.operations
  }

  /// The operations so far, oldest first.
  package var log: [SimulatedOperation] {
    machine.lock()
    defer { machine.unlock() }
    return machine.log
  }

  /// Whether operations are kept in the log; they are by default.
  package func keepLog(_ keeps: Bool) {
    machine.lock()
    defer { machine.unlock() }
    machine.keepsLog = keeps
  }

  /// Whether the machine has stopped or this process has died.
  package var isDown: Bool {
    machine.lock()
    defer { machine.unlock() }
    return machine.isStopped || machine.dead.contains(process)
  }

  /// Plans a fault; there may be several.
  package func inject(_ fault: SimulatedFault) {
    machine.lock()
    defer { machine.unlock() }
    machine.faults.append(fault)
  }

  /// Forgets all planned faults.
  package func removeFaults() {
    machine.lock()
    defer { machine.unlock() }
    machine.faults = []
  }

  /// Changes the size of the disk; less than is used means full.
  package func setCapacity(_ bytes: UInt64) {
    machine.lock()
    defer { machine.unlock() }
    machine.capacity = bytes
  }

  /// The bytes of file content that the disk holds, in whole sectors.
  package var usedBytes: UInt64 {
    machine.lock()
    defer { machine.unlock() }
    return machine.used
  }

  /// Makes the file system pretend to be a remote one.
  package func setLocal(_ isLocal: Bool) {
    machine.lock()
    defer { machine.unlock() }
    machine.isLocal = isLocal
  }

  /// Evicts clean pages: what a failed sync dropped now reads as the disk has it.
  package func evictCleanPages() {
    machine.lock()
    defer { machine.unlock() }
    machine.forEachFile { $0.evictClean() }
  }

  /// The paths of all files as processes see them, in order.
  package var paths: [String] {
    machine.lock()
    defer { machine.unlock() }
    return machine.directories.flatMap { path, directory in
      directory.entries.compactMap { name, node in
        guard case .file = node else { return nil }
        return path == "/" ? "/\(name)" : "\(path)/\(name)"
      }
    }.sorted()
  }

  /// The bytes of a file as processes see them; nil if there is none.
  package func contents(of path: String) -> [UInt8]? {
    machine.lock()
    defer { machine.unlock() }
    do throws(LarderError) {
      guard case .file(let inode)? = try machine.node(at: path, .read) else { return nil }
      return inode.bytes.prefix(inode.size)
    } catch {
      return nil
    }
  }

  /// Gives a file other bytes, as somebody with an editor would who syncs; it stays the same inode.
  ///
  /// - Returns: false if there is no such file.
  @discardableResult
  package func overwrite(_ path: String, with bytes: [UInt8]) -> Bool {
    machine.lock()
    defer { machine.unlock() }
    do throws(LarderError) {
      guard case .file(let inode)? = try machine.node(at: path, .write) else { return false }
      machine.account(inode.allocated, 0)
      inode.overwrite(with: bytes)
      machine.account(0, inode.allocated)
      return true
    } catch {
      return false
    }
  }

  /// A host on this process's files, with a clock and randomness that replay from the seed.
  ///
  /// - Parameter start: the first time the clock tells, in microseconds since 1970; each look at
  ///   it is one later.
  package func host(start: Int64 = 1_700_000_000_000_000) -> Host {
    var random = SimulatedRandom(
      seed: machine.seed, salt: UInt64(machine.boot) &<< 32 | UInt64(process))
    let source = HostSource(start: start, seed: random.next())
    return Host(files: self, now: { source.tick() }, random: { source.word() })
  }
}

/// The clock and the randomness of a simulated host.
private final class HostSource: Sendable {
  private let clock: Atomic<Int64>
  private let words: Atomic<UInt64>
  private let seed: UInt64

  init(start: Int64, seed: UInt64) {
    clock = Atomic(start)
    words = Atomic(0)
    self.seed = seed
  }

  func tick() -> Int64 { clock.wrappingAdd(1, ordering: .relaxed).oldValue }

  func word() -> UInt64 {
    let index = words.wrappingAdd(1, ordering: .relaxed).oldValue
    var random = SimulatedRandom(seed: seed, salt: index)
    return random.next()
  }
}
