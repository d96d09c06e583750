import LarderColumns
import LarderFiles

/// A break of the commit protocol that a test must notice.
enum Mutation: String, CaseIterable, Sendable {
  case skipsSegmentSync
  case skipsKeyLogSync
  case skipsManifestSync
  case skipsViewFolderSync
  case skipsKeyFolderSync
  case skipsRootSync
  case skipsOfflineFolderSync
  case skipsKeysFolderSync
  case syncsSegmentsAfterTheManifest
  case leavesTornTails
  case swallowsSyncErrors
  case swallowsWriteErrors
  case swallowsDirectorySyncErrors
  case takesErrorsForMissing
  case listsNothingOnError
  case ignoresBoot
  case ignoresInode
  case ignoresLocks
  case ignoresPins
  case removesInsteadOfLocking
  /// Only maintenance meets it.
  case keepsRemovedFiles

  /// Those that the commit protocol itself meets.
  static let allCases: [Mutation] = [
    .skipsSegmentSync, .skipsKeyLogSync, .skipsManifestSync, .skipsViewFolderSync,
    .skipsKeyFolderSync, .skipsRootSync, .skipsOfflineFolderSync, .skipsKeysFolderSync,
    .syncsSegmentsAfterTheManifest, .leavesTornTails, .swallowsSyncErrors, .swallowsWriteErrors,
    .swallowsDirectorySyncErrors, .takesErrorsForMissing, .listsNothingOnError, .ignoresBoot,
    .ignoresInode, .ignoresLocks, .ignoresPins, .removesInsteadOfLocking,
  ]
}

/// A file system that breaks the protocol in one way.
struct MutantFileSystem: FileSystem {
  let base: any FileSystem
  let mutation: Mutation

  func open(_ path: String, _ mode: OpenMode) throws(LarderError) -> any File {
    do {
      return MutantFile(base: try base.open(path, mode), mutation: mutation, files: base)
    } catch  where mutation == .takesErrorsForMissing && error.code == .io {
      throw LarderError(.notFound, error.message, file: path)
    }
  }
  func openForLocking(_ path: String, _ mode: OpenMode) throws(LarderError) -> any File {
    MutantFile(base: try base.openForLocking(path, mode), mutation: mutation, files: base)
  }
  func status(of path: String) throws(LarderError) -> FileStatus? {
    do {
      var status = try base.status(of: path)
      if mutation == .ignoresInode { status?.inode = 1 }
      return status
    } catch  where mutation == .takesErrorsForMissing && error.code == .io {
      return nil
    }
  }
  func names(in directory: String) throws(LarderError) -> [String] {
    do { return try base.names(in: directory) } catch
      where mutation == .listsNothingOnError && error.code == .io
    { return [] }
  }
  func makeDirectory(_ path: String) throws(LarderError) { try base.makeDirectory(path) }
  func syncDirectory(_ path: String) throws(LarderError) {
    switch mutation {
    case .skipsViewFolderSync where path.contains("/offline/"): return
    case .skipsKeyFolderSync where path.contains("/keys/"): return
    case .skipsRootSync where path == "/s": return
    case .skipsOfflineFolderSync where path.hasSuffix("/offline"): return
    case .skipsKeysFolderSync where path.hasSuffix("/keys"): return
    default: break
    }
    do { try base.syncDirectory(path) } catch {
      if mutation != .swallowsDirectorySyncErrors { throw error }
    }
  }
  func remove(_ path: String) throws(LarderError) -> Bool {
    try mutation == .keepsRemovedFiles ? true : base.remove(path)
  }
  func removeDirectory(_ path: String) throws(LarderError) -> Bool {
    try base.removeDirectory(path)
  }
  func link(_ path: String, as newPath: String) throws(LarderError) {
    try base.link(path, as: newPath)
  }
  func bootIdentifier() throws(LarderError) -> FileIdentifier {
    mutation == .ignoresBoot ? FileIdentifier(high: 1, low: 2) : try base.bootIdentifier()
  }
  func isLocal(_ directory: String) throws(LarderError) -> Bool { try base.isLocal(directory) }
}

final class MutantFile: File {
  let base: any File
  let mutation: Mutation
  let files: any FileSystem
  init(base: any File, mutation: Mutation, files: any FileSystem) {
    self.base = base
    self.mutation = mutation
    self.files = files
  }
  var path: String { base.path }
  func status() throws(LarderError) -> FileStatus {
    var status = try base.status()
    if mutation == .ignoresInode { status.inode = 1 }
    return status
  }
  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(LarderError) -> Int { unsafe try base.read(into: buffer, at: offset) }
  func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(LarderError) {
    let isManifest = path.contains("/manifest-")
    if mutation == .leavesTornTails, isManifest, offset > 0,
      !(unsafe bytes.contains { $0 != 0 })
    {
      return
    }
    do { unsafe try base.write(bytes, at: offset) } catch {
      if mutation != .swallowsWriteErrors { throw error }
    }
  }
  func syncData() throws(LarderError) {
    switch mutation {
    case .skipsSegmentSync where path.hasSuffix(".seg"): return
    case .skipsKeyLogSync where path.contains("/keys/"): return
    case .skipsManifestSync where path.contains("/manifest-"): return
    case .syncsSegmentsAfterTheManifest where path.hasSuffix(".seg"): return
    default: break
    }
    do { try base.syncData() } catch {
      if mutation != .swallowsSyncErrors { throw error }
    }
    if mutation == .syncsSegmentsAfterTheManifest, path.contains("/manifest-"),
      try files.status(of: "/s/offline/v1") != nil
    {
      for name in try files.names(in: "/s/offline/v1") {
        try files.open("/s/offline/v1/\(name)", .update).syncData()
      }
    }
  }
  func reserve(bytes: UInt64) throws(LarderError) { try base.reserve(bytes: bytes) }
  func tryLock(_ range: Range<UInt64>, _ kind: LockKind) throws(LarderError) -> Bool {
    if mutation == .ignoresLocks, kind == .exclusive { return true }
    if mutation == .ignoresPins, kind == .shared { return true }
    if mutation == .removesInsteadOfLocking, path.hasSuffix(".seg") { return true }
    return try base.tryLock(range, kind)
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
