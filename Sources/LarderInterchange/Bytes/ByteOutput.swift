import Glibc
import LarderColumns

/// Where bytes go: standard output, or a file that appears whole or not at all.
///
/// A file is written without a name, and gets its own at the end: however the process ends before,
/// nothing of it stays. Where the file system knows no files without names it has another one
/// beside its place meanwhile. What is not a regular file, such as a pipe, is written to as it stands.
package final class ByteOutput {
  private let descriptor: Int32
  private let path: String?
  /// The name before the end, or only in the moment before it takes another file's place.
  private let temporary: String?
  private let isNameless: Bool
  private var buffer: [UInt8] = []
  private var isFinished = false

  /// Bytes gathered before they are handed to the system.
  private static let bufferBytes = 1 << 18

  private init(
    descriptor: Int32, path: String?, temporary: String?, isNameless: Bool = false
  ) {
    self.descriptor = descriptor
    self.path = path
    self.temporary = temporary
    self.isNameless = isNameless
    buffer.reserveCapacity(Self.bufferBytes + 4_096)
  }

  /// Standard output.
  package static func standard() throws(LarderError) -> ByteOutput {
    ByteOutput(descriptor: 1, path: nil, temporary: nil)
  }

  /// A file, or standard output for nil and `-`.
  ///
  /// - Throws: `io`, `permissionDenied`, `noSpace`.
  package static func open(_ path: String?) throws(LarderError) -> ByteOutput {
    guard let path, path != "-" else { return try standard() }
    var details = stat()
    let exists = unsafe stat(path, &details) == 0
    if exists, details.st_mode & S_IFMT != S_IFREG {
      let descriptor = unsafe Glibc.open(path, O_WRONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw failure("open", path) }
      return ByteOutput(descriptor: descriptor, path: path, temporary: nil)
    }
    let temporary = "\(path).\(getpid()).part"
    if let descriptor = nameless(beside: path) {
      return ByteOutput(
        descriptor: descriptor, path: path, temporary: temporary, isNameless: true)
    }
    let descriptor = unsafe Glibc.open(
      temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure("create", path) }
    return ByteOutput(descriptor: descriptor, path: path, temporary: temporary)
  }

  deinit {
    if descriptor > 2 { close(descriptor) }
    if !isFinished, !isNameless, let temporary { unsafe unlink(temporary) }
  }

  /// Makes a file without a name in the directory of a path; nil where that cannot be, or where it
  /// could not be named in the end.
  private static func nameless(beside path: String) -> Int32? {
    let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
    let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    // O_TMPFILE, which the headers give as a macro.
    let flags = 0o20000000 | O_DIRECTORY | O_WRONLY | O_CLOEXEC
    let descriptor = unsafe Glibc.open(directory, flags, 0o666)
    guard descriptor >= 0 else { return nil }
    if unsafe access("/proc/self/fd/\(descriptor)", F_OK) == 0 { return descriptor }
    close(descriptor)
    return nil
  }

  /// Gives the file a name that no file has.
  private func link(_ name: String) -> Bool {
    unsafe linkat(AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0
  }

  /// Appends text.
  package func write(_ text: String) throws(LarderError) {
    try write { $0.append(contentsOf: text.utf8) }
  }

  /// Appends what a closure appends to the buffer.
  package func write(_ fill: (inout [UInt8]) -> Void) throws(LarderError) {
    fill(&buffer)
    if buffer.count >= Self.bufferBytes { try flush() }
  }

  /// Appends bytes.
  package func write(_ bytes: [UInt8]) throws(LarderError) {
    try write { (buffer: inout [UInt8]) in buffer += bytes }
  }

  /// Hands everything over; a file gets its name.
  package func finish() throws(LarderError) {
    try flush()
    if let path, let temporary, !isNameless || !link(path) {
      if isNameless {
        guard errno == EEXIST, link(temporary) else { throw Self.failure("write", path) }
      }
      guard unsafe rename(temporary, path) == 0 else {
        let error = Self.failure("write", path)
        unsafe unlink(temporary)
        throw error
      }
    }
    isFinished = true
  }

  private func flush() throws(LarderError) {
    var at = 0
    while at < buffer.count {
      let written = unsafe buffer.withUnsafeBytes { bytes in
        unsafe Glibc.write(
          descriptor, bytes.baseAddress.map { unsafe $0 + at }, bytes.count - at)
      }
      if written < 0 {
        if errno == EINTR { continue }
        // Whoever read standard output has gone: `larder ... | head` is no failure.
        if errno == EPIPE, descriptor == 1 {
          signal(SIGPIPE, SIG_DFL)
          raise(SIGPIPE)
        }
        throw Self.failure("write", path ?? "standard output")
      }
      at += written
    }
    buffer.removeAll(keepingCapacity: true)
  }

  private static func failure(_ what: String, _ path: String) -> LarderError {
    let number = errno
    let code: LarderError.Code =
      switch number {
      case ENOENT, ENOTDIR: .notFound
      case EACCES, EPERM, EROFS: .permissionDenied
      case ENOSPC, EDQUOT: .noSpace
      default: .io
      }
    let why = unsafe String(cString: strerror(number))
    return LarderError(code, "Cannot \(what) it: \(why).", file: path, systemError: number)
  }
}
