import Glibc
import LarderColumns
import LarderFiles

/// The bytes of an input: a mapped file whole, or a pipe a window at a time.
///
/// Used by one thread. What is not a regular file (a pipe, a terminal, standard input) cannot be
/// mapped, and is read by plain system calls.
package final class ByteSource {
  /// The name for messages: the path, or `standard input`.
  package let name: String
  /// How many bytes there are in all, if that is known.
  package private(set) var totalBytes: Int?
  /// Whether the input ends with the window.
  package private(set) var isFinal: Bool
  /// How many bytes came before the window.
  private(set) var bytesBefore = 0

  /// Asked while a pipe keeps silent; true ends the waiting with `cancelled`.
  package var isCancelled: @Sendable () -> Bool = { false }

  /// The regular file behind it; nil for a pipe and for bytes in memory.
  private(set) var file: (any File)?
  private var mapped: MappedFile?
  private let descriptor: Int32
  private var buffer: Buffer
  private var filled = 0

  /// Bytes of a pipe's first window; it grows where a record is longer.
  private static let windowBytes = 4 << 20

  /// Opens a path; `-` is standard input.
  ///
  /// - Throws: `notFound`, `permissionDenied`, `io`; `invalidInput` for a directory.
  package init(path: String, files: any FileSystem) throws(LarderError) {
    if path == "-" {
      name = "standard input"
      totalBytes = nil
      isFinal = false
      file = nil
      mapped = nil
      descriptor = 0
      buffer = Buffer(uninitializedBytes: Self.windowBytes)
      return
    }
    name = path
    var details = stat()
    guard unsafe stat(path, &details) == 0 else { throw Self.failure("open", path) }
    switch details.st_mode & S_IFMT {
    case S_IFDIR:
      throw LarderError(.invalidInput, "It is a directory; a file was expected.", file: path)
    case S_IFREG:
      // The file system below follows no symbolic link; data of the caller's may be one.
      guard let real = unsafe realpath(path, nil) else { throw Self.failure("open", path) }
      let realPath = unsafe String(cString: real)
      unsafe free(real)
      let file = try files.open(realPath, .read)
      let bytes = try file.status().bytes
      guard let count = Int(exactly: bytes) else {
        throw LarderError(.limitExceeded, "The file has \(bytes) bytes.", file: path)
      }
      totalBytes = count
      mapped = count == 0 ? nil : try file.map(bytes: count)
      self.file = file
      isFinal = true
      descriptor = -1
      buffer = Buffer(uninitializedBytes: 0)
    default:
      totalBytes = nil
      isFinal = false
      file = nil
      mapped = nil
      descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
      buffer = Buffer(uninitializedBytes: Self.windowBytes)
      guard descriptor >= 0 else { throw Self.failure("open", path) }
    }
  }

  /// Opens a path of this machine's; `-` is standard input.
  package convenience init(path: String) throws(LarderError) {
    try self.init(path: path, files: POSIXFileSystem())
  }

  /// Bytes in memory, for tests and text that is already there.
  package init(name: String, bytes: [UInt8]) {
    self.name = name
    totalBytes = bytes.count
    isFinal = true
    file = nil
    mapped = nil
    descriptor = -1
    buffer = Buffer(copying: bytes)
    filled = bytes.count
  }

  /// An open descriptor, read to its end, for tests of windows.
  package init(name: String, descriptor: Int32, windowBytes: Int) {
    self.name = name
    totalBytes = nil
    isFinal = false
    file = nil
    mapped = nil
    self.descriptor = descriptor
    buffer = Buffer(uninitializedBytes: windowBytes)
  }

  deinit { if descriptor > 2 { close(descriptor) } }

  /// The bytes at hand, valid until `advance`.
  var window: UnsafeBufferPointer<UInt8> {
    if let mapped { return unsafe mapped.bytes.bindMemory(to: UInt8.self) }
    return unsafe UnsafeBufferPointer(rebasing: buffer.values(as: UInt8.self)[0..<filled])
  }

  /// The format that the first bytes name; they stay in the window.
  ///
  /// Text that is compressed by gzip or zstd is decompressed.
  ///
  /// - Throws: `unsupported` for another kind of file that is known, by its name; `io`, `cancelled`.
  package func detectFormat() throws(LarderError) -> FileFormat {
    if !isFinal, unsafe window.count < FileFormat.leadBytes { _ = try advance(keepingFrom: 0) }
    try decompress()
    do throws(LarderError) { return unsafe try FileFormat.detect(window) } catch {
      throw error.located(file: name)
    }
  }

  /// The format that the first bytes name, without decompressing: compressed text is text.
  ///
  /// - Throws: `unsupported` for another kind of file that is known, by its name.
  func leadFormat() throws(LarderError) -> FileFormat {
    if isCompressed { return .text }
    do throws(LarderError) { return unsafe try FileFormat.detect(window) } catch {
      throw error.located(file: name)
    }
  }

  private var isGzip: Bool { unsafe window.starts(with: [0x1F, 0x8B]) }

  private var isCompressed: Bool {
    unsafe isGzip || window.starts(with: [0x28, 0xB5, 0x2F, 0xFD])
  }

  /// Takes the place of compressed text by the text, whole; other bytes stay as they are.
  ///
  /// - Throws: `invalidInput` for damaged bytes; `limitExceeded`.
  func decompress() throws(LarderError) {
    guard isCompressed else { return }
    let isGzip = isGzip
    try gather()
    let packed = unsafe UnsafeRawBufferPointer(window)
    do throws(LarderError) {
      let plain =
        isGzip
        ? unsafe try DeflateDecompressor().decompress(packed, limit: Limits.compressedTextBytes)
        : unsafe try decompressZstd(packed, limit: Limits.compressedTextBytes)
      (buffer, filled) = plain
    } catch { throw error.located(file: name) }
    mapped = nil
    file = nil
    bytesBefore = 0
    totalBytes = filled
  }

  /// Drops the bytes before a position and reads more behind the rest.
  ///
  /// - Returns: where the position is now.
  func advance(keepingFrom position: Int) throws(LarderError) -> Int {
    guard !isFinal else { return position }
    let rest = filled - position
    if rest > buffer.count / 2 {
      let larger = Buffer(uninitializedBytes: buffer.count * 2)
      unsafe larger.base.copyMemory(from: buffer.base + position, byteCount: rest)
      buffer = larger
    } else {
      unsafe memmove(buffer.base, buffer.base + position, rest)
    }
    bytesBefore += position
    filled = rest
    while filled < buffer.count {
      try waitForBytes()
      let got = unsafe read(descriptor, buffer.base + filled, buffer.count - filled)
      if got < 0 {
        if errno == EINTR { continue }
        throw Self.failure("read", name)
      }
      if got == 0 {
        isFinal = true
        break
      }
      filled += got
    }
    return 0
  }

  /// Waits until the pipe has bytes or ends, and looks up now and then whether to give up.
  ///
  /// - Throws: `cancelled`.
  private func waitForBytes() throws(LarderError) {
    var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    while true {
      if isCancelled() { throw LarderError(.cancelled, "Interrupted.", file: name) }
      let ready = unsafe poll(&wanted, 1, 200)
      // A failure other than a signal shows in the read.
      if ready > 0 || (ready < 0 && errno != EINTR) { return }
    }
  }

  /// Reads everything into one window.
  func gather() throws(LarderError) { while !isFinal { _ = try advance(keepingFrom: 0) } }

  /// All bytes, for small inputs.
  package func readAll() throws(LarderError) -> [UInt8] {
    try gather()
    return unsafe Array(window)
  }

  private static func failure(_ what: String, _ path: String) -> LarderError {
    let code: LarderError.Code =
      switch errno {
      case ENOENT, ENOTDIR: .notFound
      case EACCES, EPERM: .permissionDenied
      default: .io
      }
    let why = unsafe String(cString: strerror(errno))
    return LarderError(code, "Cannot \(what) it: \(why).", file: path, systemError: errno)
  }
}
