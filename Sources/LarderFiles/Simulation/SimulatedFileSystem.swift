import Glibc
import LarderColumns

/// A file system in memory that promises no more than POSIX does, and fails on demand.
///
/// What was written and not synced may after a crash be there, or not, or in part, by sectors of
/// 512 bytes, or garbage; a file's size apart from its bytes; and every name made or removed in a
/// directory that was not synced since may have been, or not. One seed replays all of it.
///
/// A value is one process's view of the machine.
///
/// ```swift
/// let machine = SimulatedFileSystem(seed: 1)
/// machine.crashAtOperation(17)
/// ... run until it throws ...
/// let rebooted = machine.crash(seed: 42)
/// ```
package struct SimulatedFileSystem: FileSystem {
  let machine: SimulatedMachine
  let process: Int

  init(machine: SimulatedMachine, process: Int) {
    self.machine = machine
    self.process = process
  }

  /// A machine with an empty disk: only the root directory `/` is there.
  ///
  /// - Parameters:
  ///   - seed: decides the boot identifier and, with the seed of each crash, what survives.
  ///   - capacity: the bytes of file content that the disk takes.
  package init(seed: UInt64 = 0, capacity: UInt64 = .max) {
    machine = SimulatedMachine(seed: seed, boot: 0)
    machine.capacity = capacity
    process = 0
  }

  package func open(_ path: String, _ mode: OpenMode) throws(LarderError) -> any File {
    machine.lock()
    defer { machine.unlock() }
    try machine.checkAlive(process, path)
    let canCreate = mode != .read && mode != .update
    var creates = false
    if canCreate, try machine.node(at: path, .open) == nil { creates = true }
    _ = try machine.begin(creates ? .create : .open, path, process)
    // Looked for now: another process may have had its turn.
    switch try machine.node(at: path, .open) {
    case .directory?:
      if mode == .create { throw machine.failure(EEXIST, .create, path) }
      throw LarderError(
        .corrupt, "A regular file was expected here; found a directory.", file: path)
    case .file(let inode)?:
      if mode == .create { throw machine.failure(EEXIST, .create, path) }
      return SimulatedFile(self, path: path, inode, isWritable: mode != .read)
    case nil:
      guard canCreate else { throw machine.failure(ENOENT, .open, path) }
      let (directory, name) = try machine.parent(of: path, .create)
      let inode = SimulatedInode(number: machine.nextInode)
      machine.nextInode += 1
      inode.links = 1
      directory.set(name, to: .file(inode), operation: machine.operations)
      return SimulatedFile(self, path: path, inode, isWritable: true)
    }
  }

  package func status(of path: String) throws(LarderError) -> FileStatus? {
    machine.lock()
    defer { machine.unlock() }
    _ = try machine.begin(.status, path, process)
    switch try machine.node(at: path, .status) {
    case .file(let inode)?: return inode.status
    case .directory(let directory)?:
      return FileStatus(
        kind: .directory, bytes: 4096, device: 1, inode: directory.number, permissions: 0o755)
    case nil: return nil
    }
  }

  package func names(in directory: String) throws(LarderError) -> [String] {
    machine.lock()
    defer { machine.unlock() }
    _ = try machine.begin(.names, directory, process)
    // In an order of no meaning, but the same in each run.
    return try folder(directory, .names).entries.keys.sorted(by: >)
  }

  package func makeDirectory(_ path: String) throws(LarderError) {
    machine.lock()
    defer { machine.unlock() }
    _ = try machine.begin(.makeDirectory, path, process)
    switch try machine.node(at: path, .makeDirectory) {
    case .directory?: return
    case .file?: throw machine.failure(EEXIST, .makeDirectory, path)
    case nil: break
    }
    let (parent, name) = try machine.parent(of: path, .makeDirectory)
    let made = SimulatedDirectory(number: machine.nextInode)
    machine.nextInode += 1
    parent.set(name, to: .directory(made), operation: machine.operations)
    machine.directories[SimulatedMachine.normalized(path)] = made
  }

  package func syncDirectory(_ path: String) throws(LarderError) {
    machine.lock()
    defer { machine.unlock() }
    _ = try machine.begin(.syncDirectory, path, process)
    try folder(path, .syncDirectory).sync()
  }

  @discardableResult
  package func remove(_ path: String) throws(LarderError) -> Bool {
    machine.lock()
    defer { machine.unlock() }
    _ = try machine.begin(.remove, path, process)
    switch try machine.node(at: path, .remove) {
    case nil: return false
    case .directory?: throw machine.failure(EISDIR, .remove, path)
    case .file(let inode)?:
      let (directory, name) = try machine.parent(of: path, .remove)
      directory.set(name, to: nil, operation: machine.operations)
      inode.links -= 1
      machine.freeIfUnreachable(inode)
      return true
    }
  }

  @discardableResult
  package func removeDirectory(_ path: String) throws(LarderError) -> Bool {
    machine.lock()
    defer { machine.unlock() }
    _ = try machine.begin(.removeDirectory, path, process)
    guard let found = try machine.node(at: path, .removeDirectory) else { return false }
    guard case .directory(let directory) = found else {
      throw machine.failure(ENOTDIR, .removeDirectory, path)
    }
    guard directory.entries.isEmpty else {
      throw machine.failure(ENOTEMPTY, .removeDirectory, path)
    }
    let (parent, name) = try machine.parent(of: path, .removeDirectory)
    parent.set(name, to: nil, operation: machine.operations)
    machine.directories[SimulatedMachine.normalized(path)] = nil
    return true
  }

  package func link(_ path: String, as newPath: String) throws(LarderError) {
    machine.lock()
    defer { machine.unlock() }
    _ = try machine.begin(.link, newPath, process)
    guard let found = try machine.node(at: path, .link) else {
      throw machine.failure(ENOENT, .link, path)
    }
    let (directory, name) = try machine.parent(of: newPath, .link)
    if directory.entries[name] != nil { throw machine.failure(EEXIST, .link, newPath) }
    guard case .file(let inode) = found else { throw machine.failure(EPERM, .link, path) }
    directory.set(name, to: .file(inode), operation: machine.operations)
    inode.links += 1
  }

  package func bootIdentifier() throws(LarderError) -> FileIdentifier {
    machine.lock()
    defer { machine.unlock() }
    try machine.checkAlive(process, "/")
    var random = SimulatedRandom(seed: machine.seed, salt: UInt64(machine.boot) &+ 1)
    return FileIdentifier(from: &random)
  }

  package func isLocal(_ directory: String) throws(LarderError) -> Bool {
    machine.lock()
    defer { machine.unlock() }
    try machine.checkAlive(process, directory)
    return machine.isLocal
  }

  private func folder(_ path: String, _ kind: SimulatedOperation.Kind) throws(LarderError)
    -> SimulatedDirectory
  {
    switch try machine.node(at: path, kind) {
    case .directory(let directory)?: return directory
    case .file?: throw machine.failure(ENOTDIR, kind, path)
    case nil: throw machine.failure(ENOENT, kind, path)
    }
  }
}
