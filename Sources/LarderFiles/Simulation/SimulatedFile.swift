import Glibc
import LarderColumns

/// An open file of a simulated machine.
///
/// A map holds on to it, as a map does to an open file description: its locks stay that long.
final class SimulatedFile: File, @unchecked Sendable {
  let path: String
  private let machine: SimulatedMachine
  private let process: Int
  /// Which open file description this is, for locks.
  private let owner: Int
  private let inode: SimulatedInode
  private let isWritable: Bool

  /// The greatest offset a simulated file reaches.
  private static let largest = UInt64(SimulatedBytes.fixedCapacity)

  /// Opens a file; the machine's mutex is held.
  init(_ files: SimulatedFileSystem, path: String, _ inode: SimulatedInode, isWritable: Bool) {
    self.path = path
    self.inode = inode
    self.isWritable = isWritable
    machine = files.machine
    process = files.process
    owner = machine.nextOwner
    machine.nextOwner += 1
    inode.openings += 1
  }

  deinit {
    machine.lock()
    inode.locks.release(owner: owner)
    inode.openings -= 1
    machine.freeIfUnreachable(inode)
    machine.unlock()
  }

  func status() throws(LarderError) -> FileStatus {
    machine.lock()
    defer { machine.unlock() }
    _ = try machine.begin(.status, path, process)
    return inode.status
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(LarderError)
    -> Int
  {
    machine.lock()
    defer { machine.unlock() }
    _ = try machine.begin(.read, path, process)
    guard offset < UInt64(inode.size) else { return 0 }
    return unsafe inode.read(into: buffer, at: Int(offset))
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(LarderError) {
    machine.lock()
    defer { machine.unlock() }
    let fault = try machine.begin(.write, path, process)
    guard isWritable else { throw machine.failure(EBADF, .write, path) }
    guard offset < Self.largest, UInt64(bytes.count) < Self.largest else {
      throw machine.failure(EFBIG, .write, path)
    }
    var room = bytes.count
    if fault == .shortWrite {
      var random = SimulatedRandom(seed: machine.seed, salt: UInt64(machine.operations))
      room = random.below(max(1, room))
    }
    let possible = roomOnDisk(at: Int(offset), for: room)
    let part = unsafe UnsafeRawBufferPointer(rebasing: bytes[..<possible])
    let before = inode.allocated
    guard unsafe inode.write(part, at: Int(offset)) else {
      throw machine.failure(EFBIG, .write, path)
    }
    machine.account(before, inode.allocated)
    if fault == .shortWrite { throw machine.failure(EIO, .write, path) }
    if possible < bytes.count { throw machine.failure(ENOSPC, .write, path) }
  }

  /// How many bytes of a write the disk has room for.
  private func roomOnDisk(at offset: Int, for count: Int) -> Int {
    let allowed = UInt64(inode.allocated).addingReportingOverflow(machine.free)
    if allowed.overflow { return count }
    let end = min(UInt64(offset + count), allowed.partialValue)
    return max(0, Int(end) - offset)
  }

  func syncData() throws(LarderError) {
    machine.lock()
    defer { machine.unlock() }
    let fault = try machine.begin(.sync, path, process)
    if fault == .lostSync {
      inode.dropDirty()
      throw machine.failure(EIO, .sync, path)
    }
    inode.sync()
  }

  func reserve(bytes: UInt64) throws(LarderError) {
    machine.lock()
    defer { machine.unlock() }
    _ = try machine.begin(.reserve, path, process)
    guard isWritable else { throw machine.failure(EBADF, .reserve, path) }
    guard bytes <= Self.largest else { throw machine.failure(EFBIG, .reserve, path) }
    let before = inode.allocated
    let missing = Int(bytes) - before
    if missing > 0, UInt64(missing) > machine.free {
      throw machine.failure(ENOSPC, .reserve, path)
    }
    guard inode.extend(to: Int(bytes)) else { throw machine.failure(EFBIG, .reserve, path) }
    machine.account(before, inode.allocated)
  }

  // MARK: Locks

  func tryLock(_ range: Range<UInt64>, _ kind: LockKind) throws(LarderError) -> Bool {
    machine.lock()
    defer { machine.unlock() }
    try machine.checkAlive(process, path)
    machine.reach(.lock, path, process)
    try machine.checkAlive(process, path)
    try check(range)
    if kind == .exclusive, !isWritable {
      throw LarderError(
        .readOnly, "An exclusive lock needs the file open for writing.", file: path)
    }
    return inode.locks.tryLock(range, kind, owner: owner, process: process)
  }

  func unlock(_ range: Range<UInt64>) throws(LarderError) {
    machine.lock()
    defer { machine.unlock() }
    try machine.checkAlive(process, path)
    try check(range)
    inode.locks.unlock(range, owner: owner)
    machine.reach(.unlock, path, process)
  }

  func pause(_ duration: Duration) -> Bool {
    machine.lock()
    let turns = machine.turns
    machine.unlock()
    if let turns { return turns.wait(process: process) }
    sleep(duration)
    return true
  }

  func conflictingLock(in range: Range<UInt64>) throws(LarderError) -> Range<UInt64>? {
    machine.lock()
    defer { machine.unlock() }
    try machine.checkAlive(process, path)
    try check(range)
    return inode.locks.conflict(in: range, owner: owner)
  }

  private func check(_ range: Range<UInt64>) throws(LarderError) {
    guard !range.isEmpty, range.upperBound <= UInt64(Int64.max) else {
      throw LarderError(
        .invalidArgument, "A lock needs at least one byte below 2^63; asked for \(range).",
        file: path)
    }
  }

  // MARK: Maps

  func map(bytes: Int) throws(LarderError) -> MappedFile {
    machine.lock()
    defer { machine.unlock() }
    _ = try machine.begin(.map, path, process)
    try checkMap(bytes)
    // The block is shared until the next write copies it, unless shared maps must see that.
    let block =
      inode.bytes.isFixed
      ? SimulatedBytes(copying: inode.bytes, count: bytes, capacity: bytes) : inode.bytes
    return unsafe MappedFile(
      path: path, bytes: UnsafeRawBufferPointer(start: block.start, count: bytes),
      release: { [self] in withExtendedLifetime((block, self)) {} })
  }

  func mapShared(bytes: Int, writable: Bool) throws(LarderError) -> MappedFile {
    machine.lock()
    defer { machine.unlock() }
    _ = try machine.begin(.mapShared, path, process)
    try checkMap(bytes)
    if writable, !isWritable { throw machine.failure(EACCES, .mapShared, path) }
    guard inode.fixBytes() else { throw machine.failure(ENOMEM, .mapShared, path) }
    if writable { inode.expectMappedStores() }
    inode.sharers[process, default: 0] += 1
    machine.shared[inode.number] = inode
    let block = inode.bytes
    var counting: (@Sendable () -> Bool)?
    if writable {
      counting = { [machine, path, process] in machine.beginStore(path, process) }
    }
    let share = SimulatedShare(machine: machine, inode: inode, process: process, block: block)
    return unsafe MappedFile(
      path: path, bytes: UnsafeRawBufferPointer(start: block.start, count: bytes),
      counting: counting,
      release: { [self] in
        share.end()
        withExtendedLifetime(self) {}
      })
  }

  private func checkMap(_ bytes: Int) throws(LarderError) {
    guard bytes >= 0, bytes <= inode.size else {
      throw LarderError(
        .corrupt, "The file has \(inode.size) bytes; at least \(bytes) were expected.",
        file: path, offset: UInt64(inode.size))
    }
  }
}

/// One shared map of a simulated file.
private final class SimulatedShare: @unchecked Sendable {
  private let machine: SimulatedMachine
  private let inode: SimulatedInode
  private let process: Int
  private let block: SimulatedBytes

  init(
    machine: SimulatedMachine, inode: SimulatedInode, process: Int, block: SimulatedBytes
  ) {
    self.machine = machine
    self.inode = inode
    self.process = process
    self.block = block
  }

  /// The map is gone.
  func end() {
    machine.lock()
    defer { machine.unlock() }
    // A stop or a kill may have parted the file from its maps before.
    guard inode.bytes === block, let count = inode.sharers[process] else { return }
    inode.sharers[process] = count == 1 ? nil : count - 1
    if inode.sharers.isEmpty {
      inode.noteMappedStores()
      inode.lastClean = nil
      machine.shared[inode.number] = nil
    }
  }
}

extension SimulatedInode {
  /// What a process sees of the file.
  var status: FileStatus {
    FileStatus(
      kind: .file, bytes: UInt64(size), device: 1, inode: number, permissions: 0o644)
  }
}

extension SimulatedMachine {
  /// Counts a store through a map.
  ///
  /// - Returns: whether it is to happen.
  fileprivate func beginStore(_ path: String, _ process: Int) -> Bool {
    lock()
    defer { unlock() }
    do throws(LarderError) {
      _ = try begin(.store, path, process)
      return true
    } catch {
      return false
    }
  }
}
