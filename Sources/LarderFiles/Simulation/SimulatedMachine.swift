import Glibc
import LarderColumns

/// One boot of a simulated machine: its disk, its page cache, its processes and their locks.
///
/// All state is under one mutex; every use takes it at the outermost call.
@safe final class SimulatedMachine: @unchecked Sendable {
  let seed: UInt64
  let boot: Int
  let root: SimulatedDirectory
  /// The directories that processes see, by normal path; nothing is ever renamed.
  var directories: [String: SimulatedDirectory]
  var nextInode: UInt64 = 2
  var nextOwner = 0
  var nextProcess = 1

  var capacity = UInt64.max
  var used: UInt64 = 0
  var isLocal = true

  var operations = 0
  var log: [SimulatedOperation] = []
  var keepsLog = true
  var faults: [SimulatedFault] = []
  /// The operation before which the machine stops.
  var stopAt = Int.max
  var isStopped = false
  var dead: Set<Int> = []
  /// The operations before which processes die.
  var killAt: [Int: Int] = [:]
  /// Called before each operation, with a way to copy the machine.
  var watcher: (@Sendable (SimulatedOperation, () -> SimulatedFileSystem) -> Void)?
  /// Who says which process goes on.
  var turns: (any SimulatedTurns)?
  /// Files with shared maps.
  var shared: [UInt64: SimulatedInode] = [:]

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

  init(seed: UInt64, boot: Int, rootNumber: UInt64 = 1) {
    self.seed = seed
    self.boot = boot
    root = SimulatedDirectory(number: rootNumber)
    directories = ["/": root]
    unsafe mutex.initialize(to: pthread_mutex_t())
    unsafe pthread_mutex_init(mutex, nil)
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe mutex.deallocate()
  }

  func lock() { unsafe pthread_mutex_lock(mutex) }
  func unlock() { unsafe pthread_mutex_unlock(mutex) }

  // MARK: Operations

  /// Throws if the machine has stopped or the process has died.
  func checkAlive(_ process: Int, _ path: String) throws(LarderError) {
    if isStopped {
      throw LarderError(
        .io, "The simulated machine stopped at operation \(operations).", file: path,
        systemError: EIO)
    }
    if dead.contains(process) {
      throw LarderError(.io, "The simulated process \(process) is dead.", file: path)
    }
  }

  /// Counts an operation, and lets happen what is to happen to it.
  ///
  /// - Returns: a fault that takes part in the operation; others are thrown.
  func begin(_ kind: SimulatedOperation.Kind, _ path: String, _ process: Int)
    throws(LarderError) -> SimulatedFault.Kind?
  {
    try checkAlive(process, path)
    reach(.operation(kind), path, process)
    try checkAlive(process, path)
    operations += 1
    if keepsLog {
      log.append(SimulatedOperation(number: operations, kind: kind, path: path))
    }
    if let watcher {
      watcher(SimulatedOperation(number: operations, kind: kind, path: path)) { forked() }
    }
    if operations >= stopAt { stop() }
    if let death = killAt[process], operations >= death { kill(process) }
    try checkAlive(process, path)
    if faults.isEmpty { return nil }
    for fault in faults
    where fault.kind.applies(to: kind) && (fault.process ?? process) == process {
      guard fault.isSticky ? operations >= fault.operation : operations == fault.operation else {
        continue
      }
      switch fault.kind {
      case .io: throw failure(EIO, kind, path)
      case .noSpace: throw failure(ENOSPC, kind, path)
      case .shortWrite, .lostSync: return fault.kind
      }
    }
    return nil
  }

  /// Lets others go on first, if it is their turn; the mutex is held before and after.
  func reach(_ point: SimulatedPoint, _ path: String, _ process: Int) {
    guard let turns else { return }
    unlock()
    let lives = turns.reach(point, at: path, process: process)
    lock()
    if !lives { kill(process) }
  }

  func failure(_ number: Int32, _ kind: SimulatedOperation.Kind, _ path: String) -> LarderError {
    .system(number, "\(kind.rawValue) (simulated, operation \(operations))", path: path)
  }

  /// Stops the machine: from now on every call throws, and stores into maps are lost.
  func stop() {
    if isStopped { return }
    isStopped = true
    for (_, inode) in shared { inode.leaveMaps() }
    shared = [:]
  }

  /// Ends a process: its locks are free, and what it wrote stays in the page cache.
  func kill(_ process: Int) {
    dead.insert(process)
    release(root, of: process)
    for (number, inode) in shared {
      inode.locks.release(process: process)
      inode.sharers[process] = nil
      // Where another process has maps too, the block stays theirs.
      if inode.sharers.isEmpty {
        inode.leaveMaps()
        shared[number] = nil
      }
    }
  }

  private func release(_ directory: SimulatedDirectory, of process: Int) {
    for (_, node) in directory.entries {
      switch node {
      case .file(let inode): inode.locks.release(process: process)
      case .directory(let inner): release(inner, of: process)
      }
    }
  }

  // MARK: Names

  /// The directory a path lies in and its name there.
  ///
  /// - Throws: `notFound` or ENOTDIR as `io`.
  func parent(of path: String, _ kind: SimulatedOperation.Kind) throws(LarderError)
    -> (directory: SimulatedDirectory, name: String)
  {
    let normal = Self.normalized(path)
    guard let slash = normal.utf8.lastIndex(of: UInt8(ascii: "/")), normal.utf8.count > 1 else {
      throw failure(EEXIST, kind, path)
    }
    let folder = slash == normal.startIndex ? "/" : String(normal[..<slash])
    let name = String(normal[normal.utf8.index(after: slash)...])
    if let directory = directories[folder] { return (directory, name) }
    throw failure(try node(at: folder, kind) == nil ? ENOENT : ENOTDIR, kind, path)
  }

  /// What processes see at a path.
  func node(at path: String, _ kind: SimulatedOperation.Kind) throws(LarderError)
    -> SimulatedDirectory.Node?
  {
    let normal = Self.normalized(path)
    if let directory = directories[normal] { return .directory(directory) }
    guard let slash = normal.utf8.lastIndex(of: UInt8(ascii: "/")) else { return nil }
    let folder = slash == normal.startIndex ? "/" : String(normal[..<slash])
    if let directory = directories[folder] {
      return directory.entries[String(normal[normal.utf8.index(after: slash)...])]
    }
    guard case .file? = try node(at: folder, kind) else { return nil }
    throw failure(ENOTDIR, kind, path)
  }

  /// A path from the root, without empty components; `.` and `..` mean nothing special.
  static func normalized(_ path: String) -> String {
    var previous = UInt8(0)
    var isNormal = path.utf8.first == UInt8(ascii: "/")
    for byte in path.utf8 {
      if byte == UInt8(ascii: "/"), previous == byte { isNormal = false }
      previous = byte
    }
    if isNormal, previous != UInt8(ascii: "/") || path.utf8.count == 1 { return path }
    return "/" + path.split(separator: "/").joined(separator: "/")
  }

  // MARK: Space

  /// The bytes that are free.
  var free: UInt64 { used >= capacity ? 0 : capacity - used }

  /// Notes that a file's share of the disk changed.
  func account(_ before: Int, _ after: Int) {
    used = used &+ UInt64(after) &- UInt64(before)
  }

  /// Frees a file's share of the disk if no process can reach it any more.
  func freeIfUnreachable(_ inode: SimulatedInode) {
    if inode.links == 0, inode.openings == 0 { account(inode.allocated, 0) }
  }
}
