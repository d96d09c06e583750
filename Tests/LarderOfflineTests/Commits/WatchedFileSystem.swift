import LarderColumns
import LarderFiles
import Synchronization

/// A file system that calls back before every operation that changes something, so that a test can
/// let another process act just there.
struct WatchedFileSystem: FileSystem {
  let base: any FileSystem
  let watcher: Watcher

  /// What is called; only while it is armed, and never from within itself.
  final class Watcher: Sendable {
    let action = Mutex<(@Sendable (String, String) -> Void)?>(nil)

    func call(_ operation: String, _ path: String) {
      guard
        let body = action.withLock({ action in
          defer { action = nil }
          return action
        })
      else { return }
      body(operation, path)
      action.withLock { $0 = $0 ?? body }
    }
    func arm(_ body: @escaping @Sendable (String, String) -> Void) {
      action.withLock { $0 = body }
    }
    func disarm() { action.withLock { $0 = nil } }
  }

  func open(_ path: String, _ mode: OpenMode) throws(LarderError) -> any File {
    if mode == .create { watcher.call("create", path) }
    let file = WatchedFile(base: try base.open(path, mode), watcher: watcher)
    // Its maker has not locked it yet.
    if mode == .create { watcher.call("created", path) }
    return file
  }
  func openForLocking(_ path: String, _ mode: OpenMode) throws(LarderError) -> any File {
    try base.openForLocking(path, mode)
  }
  func status(of path: String) throws(LarderError) -> FileStatus? { try base.status(of: path) }
  func names(in directory: String) throws(LarderError) -> [String] {
    try base.names(in: directory)
  }
  func makeDirectory(_ path: String) throws(LarderError) {
    watcher.call("makeDirectory", path)
    try base.makeDirectory(path)
  }
  func syncDirectory(_ path: String) throws(LarderError) {
    watcher.call("syncDirectory", path)
    try base.syncDirectory(path)
  }
  func remove(_ path: String) throws(LarderError) -> Bool {
    watcher.call("remove", path)
    return try base.remove(path)
  }
  func removeDirectory(_ path: String) throws(LarderError) -> Bool {
    watcher.call("removeDirectory", path)
    return try base.removeDirectory(path)
  }
  func link(_ path: String, as newPath: String) throws(LarderError) {
    try base.link(path, as: newPath)
  }
  func bootIdentifier() throws(LarderError) -> FileIdentifier { try base.bootIdentifier() }
  func isLocal(_ directory: String) throws(LarderError) -> Bool { try base.isLocal(directory) }
}

final class WatchedFile: File {
  let base: any File
  let watcher: WatchedFileSystem.Watcher
  init(base: any File, watcher: WatchedFileSystem.Watcher) {
    self.base = base
    self.watcher = watcher
  }
  var path: String { base.path }
  func status() throws(LarderError) -> FileStatus { try base.status() }
  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(LarderError) -> Int { unsafe try base.read(into: buffer, at: offset) }
  func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(LarderError) {
    watcher.call("write", path)
    unsafe try base.write(bytes, at: offset)
  }
  func syncData() throws(LarderError) {
    watcher.call("sync", path)
    try base.syncData()
  }
  func reserve(bytes: UInt64) throws(LarderError) { try base.reserve(bytes: bytes) }
  func tryLock(_ range: Range<UInt64>, _ kind: LockKind) throws(LarderError) -> Bool {
    try base.tryLock(range, kind)
  }
  func unlock(_ range: Range<UInt64>) throws(LarderError) { try base.unlock(range) }
  func conflictingLock(in range: Range<UInt64>) throws(LarderError) -> Range<UInt64>? {
    try base.conflictingLock(in: range)
  }
  func map(bytes: Int) throws(LarderError) -> MappedFile { try base.map(bytes: bytes) }
  func mapShared(bytes: Int, writable: Bool) throws(LarderError) -> MappedFile {
    try base.mapShared(bytes: bytes, writable: writable)
  }
}
