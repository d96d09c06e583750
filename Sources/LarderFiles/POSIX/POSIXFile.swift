import CLarderKernels
import Glibc
import LarderColumns

/// An open file of the machine.
final class POSIXFile: File {
  let path: String
  private let descriptor: Int32
  /// Where a forked child finds the descriptor to close it; nil if it keeps it.
  private let forkEntry: ForkedChild.Entry?

  /// Takes over a descriptor, which is closed with this object.
  ///
  /// - Parameter closedInForkedChild: whether a forked child closes it at once, so as not to keep
  ///   the locks of its parent alive.
  init(path: String, descriptor: Int32, closedInForkedChild: Bool = false) {
    self.path = path
    self.descriptor = descriptor
    forkEntry = closedInForkedChild ? ForkedChild.enter(descriptor) : nil
  }

  deinit {
    // In a forked child the number may already belong to another file.
    if let forkEntry, !forkEntry.leave() { return }
    close(descriptor)
  }

  /// The descriptor, unless a fork closed it.
  func live() throws(LarderError) -> Int32 {
    if let forkEntry, !forkEntry.isOpen {
      throw ForkedChild.error(path: path)
    }
    return descriptor
  }

  func status() throws(LarderError) -> FileStatus {
    let descriptor = try live()
    var found = stat()
    let failure = uninterrupted { unsafe fstat(descriptor, &found) }.failure
    if failure != 0 { throw .system(failure, "look at the open file", path: path) }
    return FileStatus(found)
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(LarderError)
    -> Int
  {
    let descriptor = try live()
    var done = 0
    while done < buffer.count {
      // No file reaches to where an offset cannot be told to the system.
      guard let position = off_t(exactly: offset &+ UInt64(done)) else { return done }
      let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let (count, failure) = uninterrupted {
        unsafe pread(descriptor, rest.baseAddress, rest.count, position)
      }
      if failure != 0 {
        throw .system(failure, "read \(rest.count) bytes", path: path, offset: UInt64(position))
      }
      if count == 0 { return done }
      done += count
    }
    return done
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(LarderError) {
    let descriptor = try live()
    guard let end = UInt64(exactly: bytes.count).map({ offset.addingReportingOverflow($0) }),
      !end.overflow, end.partialValue <= UInt64(off_t.max)
    else { throw .system(EFBIG, "write \(bytes.count) bytes", path: path, offset: offset) }
    var done = 0
    while done < bytes.count {
      let position = off_t(offset) + off_t(done)
      let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[done...])
      let (count, failure) = uninterrupted {
        unsafe pwrite(descriptor, rest.baseAddress, rest.count, position)
      }
      // A write of nothing without an error would loop forever.
      if failure != 0 || count == 0 {
        throw .system(
          failure == 0 ? EIO : failure, "write \(rest.count) bytes", path: path,
          offset: UInt64(position))
      }
      done += count
    }
  }

  func beginWriting(_ range: Range<UInt64>) {
    guard let start = Int64(exactly: range.lowerBound), let count = Int64(exactly: range.count)
    else { return }
    larder_begin_write(descriptor, start, count)
  }

  func syncData() throws(LarderError) {
    let descriptor = try live()
    let failure = uninterrupted { fdatasync(descriptor) }.failure
    if failure != 0 { throw .system(failure, "sync the file", path: path) }
  }

  func reserve(bytes: UInt64) throws(LarderError) {
    let descriptor = try live()
    if bytes == 0 { return }
    guard let length = off_t(exactly: bytes) else {
      throw .system(EFBIG, "reserve \(bytes) bytes", path: path)
    }
    // posix_fallocate returns its error and leaves errno alone.
    var failure = EINTR
    while failure == EINTR { failure = posix_fallocate(descriptor, 0, length) }
    if failure != 0 { throw .system(failure, "reserve \(bytes) bytes", path: path) }
  }

  func map(bytes: Int) throws(LarderError) -> MappedFile {
    try map(bytes: bytes, PROT_READ, MAP_PRIVATE)
  }

  func mapShared(bytes: Int, writable: Bool) throws(LarderError) -> MappedFile {
    try map(bytes: bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED)
  }

  private func map(bytes: Int, _ protection: Int32, _ kind: Int32) throws(LarderError)
    -> MappedFile
  {
    let descriptor = try live()
    let length = try status().bytes
    guard bytes >= 0, UInt64(bytes) <= length else {
      throw LarderError(
        .corrupt, "The file has \(length) bytes; at least \(bytes) were expected.", file: path,
        offset: length)
    }
    // mmap refuses a length of zero.
    guard bytes > 0 else {
      return unsafe MappedFile(
        path: path, bytes: UnsafeRawBufferPointer(start: nil, count: 0), release: {})
    }
    let start = unsafe mmap(nil, bytes, protection, kind, descriptor, 0)
    guard let start = unsafe start, unsafe start != MAP_FAILED else {
      throw .system(errno, "map \(bytes) bytes", path: path)
    }
    let address = UInt(bitPattern: start)
    return unsafe MappedFile(
      path: path, bytes: UnsafeRawBufferPointer(start: start, count: bytes),
      isGuarded: kind == MAP_SHARED,
      release: { unsafe munmap(UnsafeMutableRawPointer(bitPattern: address), bytes) })
  }
}
