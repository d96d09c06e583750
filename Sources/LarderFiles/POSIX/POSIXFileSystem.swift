import CLarderKernels
import Glibc
import LarderColumns

/// The files of the machine, by system calls.
///
/// Every call that a signal may interrupt is repeated. New files and directories get all the
/// permissions that the process's umask leaves.
package struct POSIXFileSystem: FileSystem {
  package init() {}

  package func open(_ path: String, _ mode: OpenMode) throws(LarderError) -> any File {
    let descriptor = try openRegularFile(path, mode)
    return POSIXFile(path: path, descriptor: descriptor)
  }

  package func openForLocking(_ path: String, _ mode: OpenMode) throws(LarderError) -> any File {
    let descriptor = try openRegularFile(path, mode)
    return POSIXFile(path: path, descriptor: descriptor, closedInForkedChild: true)
  }

  package func status(of path: String) throws(LarderError) -> FileStatus? {
    var found = stat()
    let failure = uninterrupted { unsafe lstat(path, &found) }.failure
    if failure == 0, found.st_mode & S_IFMT == S_IFLNK {
      // A symbolic link to a directory is a directory, so that a store's root may be one; a link
      // to anything else is not a file, since `open` refuses it.
      var target = stat()
      if uninterrupted({ unsafe stat(path, &target) }).failure == 0,
        target.st_mode & S_IFMT == S_IFDIR
      {
        found = target
      }
    }
    if failure == ENOENT { return nil }
    if failure != 0 { throw .system(failure, "look at the path", path: path) }
    return FileStatus(found)
  }

  package func names(in directory: String) throws(LarderError) -> [String] {
    guard let stream = unsafe opendir(directory) else {
      throw .system(errno, "list the directory", path: directory)
    }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(stream) else {
        if errno != 0 { throw .system(errno, "list the directory", path: directory) }
        return names
      }
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
  }

  package func makeDirectory(_ path: String) throws(LarderError) {
    // The umask may take rights away; it never gives group or others the right to write, which a
    // store's directory is refused for.
    let failure = uninterrupted { unsafe mkdir(path, 0o755) }.failure
    if failure == 0 { return }
    if failure == EEXIST, try status(of: path)?.kind == .directory { return }
    throw .system(failure, "make the directory", path: path)
  }

  package func syncDirectory(_ path: String) throws(LarderError) {
    let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC
    let (descriptor, failure) = uninterrupted { unsafe Glibc.open(path, flags) }
    if failure != 0 { throw .system(failure, "open the directory to sync it", path: path) }
    defer { close(descriptor) }
    let failed = uninterrupted { fsync(descriptor) }.failure
    if failed != 0 { throw .system(failed, "sync the directory", path: path) }
  }

  @discardableResult
  package func remove(_ path: String) throws(LarderError) -> Bool {
    let failure = uninterrupted { unsafe unlink(path) }.failure
    if failure == ENOENT { return false }
    if failure != 0 { throw .system(failure, "remove the file", path: path) }
    return true
  }

  @discardableResult
  package func removeDirectory(_ path: String) throws(LarderError) -> Bool {
    let failure = uninterrupted { unsafe rmdir(path) }.failure
    if failure == ENOENT { return false }
    if failure != 0 { throw .system(failure, "remove the directory", path: path) }
    return true
  }

  package func link(_ path: String, as newPath: String) throws(LarderError) {
    let failure = uninterrupted { unsafe Glibc.link(path, newPath) }.failure
    if failure != 0 { throw .system(failure, "link \(path) under this name", path: newPath) }
  }

  package func bootIdentifier() throws(LarderError) -> FileIdentifier {
    let path = "/proc/sys/kernel/random/boot_id"
    let bytes = try open(path, .read).readExactly(36, at: 0)
    let digits = String(decoding: bytes.filter { $0 != UInt8(ascii: "-") }, as: UTF8.self)
    guard let identifier = FileIdentifier(digits) else {
      throw LarderError(
        .io, "The kernel's boot identifier should be 32 hexadecimal digits.", file: path)
    }
    return identifier
  }

  package func isLocal(_ directory: String) throws(LarderError) -> Bool {
    let kind = unsafe larder_file_system_kind(directory)
    if kind < 0 { throw .system(errno, "ask for the kind of file system", path: directory) }
    return !RemoteFileSystems.kinds.contains(UInt32(truncatingIfNeeded: kind))
  }
}

/// Opens a regular file and nothing else; a pipe or a device neither blocks nor passes.
private func openRegularFile(_ path: String, _ mode: OpenMode) throws(LarderError) -> Int32 {
  // O_NONBLOCK: the open of a pipe returns at once. It has no effect on a regular file.
  let common = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
  let flags: Int32 =
    switch mode {
    case .read: O_RDONLY
    case .update: O_RDWR
    case .create: O_RDWR | O_CREAT | O_EXCL
    case .createIfMissing, .createForOwnerIfMissing: O_RDWR | O_CREAT
    }
  let permissions: mode_t = mode == .createForOwnerIfMissing ? 0o600 : 0o644
  let (descriptor, failure) = uninterrupted {
    unsafe Glibc.open(path, flags | common, permissions)
  }
  switch failure {
  case 0: break
  case ELOOP, EISDIR, ENXIO, ENODEV: throw notRegular(path)
  default: throw .system(failure, mode == .create ? "make the file" : "open the file", path: path)
  }
  var found = stat()
  let failed = uninterrupted { unsafe fstat(descriptor, &found) }.failure
  if failed == 0, found.st_mode & S_IFMT == S_IFREG { return descriptor }
  close(descriptor)
  if failed != 0 { throw .system(failed, "look at the open file", path: path) }
  throw notRegular(path)
}

private func notRegular(_ path: String) -> LarderError {
  LarderError(
    .corrupt, "A regular file was expected here; found a link, a directory, a pipe or a device.",
    file: path)
}

extension FileStatus {
  init(_ found: stat) {
    let kind: Kind =
      switch found.st_mode & S_IFMT {
      case S_IFREG: .file
      case S_IFDIR: .directory
      default: .other
      }
    self.init(
      kind: kind, bytes: UInt64(clamping: found.st_size), device: UInt64(found.st_dev),
      inode: UInt64(found.st_ino), permissions: found.st_mode & 0o7777)
  }
}
