import LarderColumns

/// The only way to a disk: everything the engine does with files goes through here.
///
/// There are two: `POSIXFileSystem`, and `SimulatedFileSystem`, which loses, tears and reorders
/// what was not synced and fails on demand. Paths are plain strings; only ENOENT is told apart
/// from other failures (as nil or `.notFound`), because only a missing file may mean "new".
package protocol FileSystem: Sendable {
  /// Opens a regular file. Never follows a symbolic link in the last component; O_CLOEXEC.
  ///
  /// - Throws: `notFound` if it is missing and was not to be created; `alreadyExists`;
  ///   `permissionDenied`; `noSpace`; `corrupt` if it is not a regular file; `io`.
  func open(_ path: String, _ mode: OpenMode) throws(LarderError) -> any File

  /// Opens a file to lock bytes of it; a forked child closes it at once.
  ///
  /// A child that kept it would keep its parent's locks alive; see `ForkedChild`.
  ///
  /// - Throws: as `open`.
  func openForLocking(_ path: String, _ mode: OpenMode) throws(LarderError) -> any File

  /// What lies at a path; nil only if nothing does (ENOENT).
  ///
  /// A symbolic link is `.other`, but one to a directory is a directory: a store's root may be one.
  func status(of path: String) throws(LarderError) -> FileStatus?

  /// The names in a directory, without `.` and `..`, in no order.
  ///
  /// - Throws: `notFound` if the directory is missing; `io`.
  func names(in directory: String) throws(LarderError) -> [String]

  /// Makes a directory; does nothing if it is there already.
  func makeDirectory(_ path: String) throws(LarderError)

  /// Makes the entries of a directory durable: names made and removed in it.
  func syncDirectory(_ path: String) throws(LarderError)

  /// Removes a file's name. What has it open or mapped goes on.
  ///
  /// - Returns: false if there was none.
  @discardableResult
  func remove(_ path: String) throws(LarderError) -> Bool

  /// Removes an empty directory.
  ///
  /// - Returns: false if there was none.
  @discardableResult
  func removeDirectory(_ path: String) throws(LarderError) -> Bool

  /// Gives a sealed file a second name.
  func link(_ path: String, as newPath: String) throws(LarderError)

  /// Names this boot of the machine: what was mapped or published under another boot is void.
  func bootIdentifier() throws(LarderError) -> FileIdentifier

  /// The kind of file system a directory lies on, for the refusal of network file systems.
  func isLocal(_ directory: String) throws(LarderError) -> Bool
}

extension FileSystem {
  /// Opens a file as any other, where nothing forks.
  package func openForLocking(_ path: String, _ mode: OpenMode) throws(LarderError) -> any File {
    try open(path, mode)
  }
}

/// How a file is opened.
package enum OpenMode: Sendable, Hashable {
  /// For reading; it must exist.
  case read
  /// For reading and writing; it must exist.
  case update
  /// For reading and writing; it must not exist.
  case create
  /// For reading and writing; it is made if it is missing.
  case createIfMissing
  /// For reading and writing; it is made if it is missing, and then closed to all but its owner.
  case createForOwnerIfMissing
}

/// What lies at a path.
package struct FileStatus: Sendable, Hashable {
  /// The kinds that matter.
  package enum Kind: Sendable, Hashable { case file, directory, other }
  package var kind: Kind
  package var bytes: UInt64
  package var device: UInt64
  package var inode: UInt64
  /// Permission bits, such as 0o600.
  package var permissions: UInt32
  package init(kind: Kind, bytes: UInt64, device: UInt64, inode: UInt64, permissions: UInt32) {
    self.kind = kind
    self.bytes = bytes
    self.device = device
    self.inode = inode
    self.permissions = permissions
  }
}

/// An open file, closed when the last reference goes.
package protocol File: AnyObject, Sendable {
  /// The path it was opened by, for messages.
  var path: String { get }

  /// What fstat says.
  func status() throws(LarderError) -> FileStatus

  /// Fills the buffer from an offset; returns fewer bytes only at the end of the file.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(LarderError)
    -> Int

  /// Writes all the bytes at an offset, extending the file where needed.
  ///
  /// - Throws: `noSpace`, `io`; then any prefix of the bytes may have been written.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(LarderError)

  /// Lets the disk begin with bytes that were written, so that a sync later finds little to do.
  ///
  /// A hint: nothing is durable by it, and what fails shows at the sync.
  func beginWriting(_ range: Range<UInt64>)

  /// fdatasync. After a failure the file must be abandoned: a retry may lie.
  func syncData() throws(LarderError)

  /// posix_fallocate: reserves and extends, so that later writes there do not meet a full disk.
  func reserve(bytes: UInt64) throws(LarderError)

  /// Takes an open-file-description lock on bytes without waiting; false if another holds it.
  ///
  /// A shared lock needs a file open for reading, an exclusive one a file open for writing. The
  /// lock lasts until it is given up, or until this object and all its maps are gone.
  func tryLock(_ range: Range<UInt64>, _ kind: LockKind) throws(LarderError) -> Bool

  /// Gives up this description's locks on bytes.
  func unlock(_ range: Range<UInt64>) throws(LarderError)

  /// Waits a moment before a lock is asked for again.
  ///
  /// - Returns: false if waiting is in vain, which only a simulation can know.
  func pause(_ duration: Duration) -> Bool

  /// Some range within bytes on which another description's lock would refuse an exclusive one.
  ///
  /// Which one is not said where there are several; see `LockTable` for the enumeration.
  func conflictingLock(in range: Range<UInt64>) throws(LarderError) -> Range<UInt64>?

  /// Maps the first bytes of the file for reading; see `MappedFile`.
  ///
  /// - Throws: `corrupt` if the file is shorter.
  func map(bytes: Int) throws(LarderError) -> MappedFile

  /// Maps the first bytes shared for reading and writing: STATE and the online index only.
  ///
  /// - Throws: `corrupt` if the file is shorter.
  func mapShared(bytes: Int, writable: Bool) throws(LarderError) -> MappedFile
}

/// How a byte range is locked.
package enum LockKind: Sendable, Hashable { case shared, exclusive }

extension File {
  /// Nothing, where there is no disk to begin with.
  package func beginWriting(_ range: Range<UInt64>) {}

  /// Sleeps.
  package func pause(_ duration: Duration) -> Bool {
    sleep(duration)
    return true
  }

  /// Reads exactly so many bytes.
  ///
  /// - Throws: `corrupt` if the file ends before.
  package func readExactly(_ count: Int, at offset: UInt64) throws(LarderError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var failure: LarderError?
    var got = 0
    unsafe bytes.withUnsafeMutableBytes { buffer in
      do throws(LarderError) { got = unsafe try read(into: buffer, at: offset) } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    guard got == count else {
      throw LarderError(
        .corrupt, "The file ends after \(offset + UInt64(got)) bytes; \(count) were expected here.",
        file: path, offset: offset)
    }
    return bytes
  }

  /// Writes all bytes of an array.
  package func write(_ bytes: [UInt8], at offset: UInt64) throws(LarderError) {
    var failure: LarderError?
    unsafe bytes.withUnsafeBytes { buffer in
      do throws(LarderError) { unsafe try write(buffer, at: offset) } catch { failure = error }
    }
    if let failure { throw failure }
  }
}
