import Glibc
import LarderColumns

/// Where bytes go: standard output, or a file that appears whole or not at all.
///
/// A file is written under a name of its own beside its place and moved there at the end. What is
/// not a regular file, such as a pipe, is written to as it stands.
package final class ByteOutput {
  private let descriptor: Int32
  private let path: String?
  private let temporary: String?
  private var buffer: [UInt8] = []
  private var isFinished = false

  /// Bytes gathered before they are handed to the system.
  private static let bufferBytes = 1 << 18

  private init(descriptor: Int32, path: String?, temporary: String?) {
    self.descriptor = descriptor
    self.path = path
    self.temporary = temporary
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
    let descriptor = unsafe Glibc.open(
      temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure("create", path) }
    return ByteOutput(descriptor: descriptor, path: path, temporary: temporary)
  }

  deinit {
    if descriptor > 2 { close(descriptor) }
    if !isFinished, let temporary { unsafe unlink(temporary) }
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
    if let path, let temporary {
      guard unsafe rename(temporary, path) == 0 else { throw Self.failure("write", path) }
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
