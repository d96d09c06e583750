import Glibc
import LarderColumns

// Open-file-description locks (Linux 3.15). The older POSIX locks belong to the process: a second
// open in one process would get them too, and the close of any descriptor of the file drops them.

/// From <bits/fcntl-linux.h>, where they are hidden behind a feature macro.
private let getDescriptionLock: Int32 = 36
private let setDescriptionLock: Int32 = 37

/// Takes, or with F_UNLCK gives up, a lock; false if another description holds one in its way.
func setLock(
  _ descriptor: Int32, _ range: Range<UInt64>, _ kind: Int32, path: String
) throws(LarderError) -> Bool {
  var request = try lockRequest(range, kind, path: path)
  let failure = uninterrupted { unsafe fcntl(descriptor, setDescriptionLock, &request) }.failure
  switch failure {
  case 0: return true
  case EAGAIN, EACCES: return false
  case EBADF:
    throw LarderError(
      .readOnly, "An exclusive lock needs the file open for writing.", file: path,
      systemError: failure)
  default: throw .system(failure, "lock bytes of the file", path: path, offset: range.lowerBound)
  }
}

/// Some range that another description has locked within a range.
func findLock(_ descriptor: Int32, _ range: Range<UInt64>, path: String) throws(LarderError)
  -> Range<UInt64>?
{
  var request = try lockRequest(range, F_WRLCK, path: path)
  let failure = uninterrupted { unsafe fcntl(descriptor, getDescriptionLock, &request) }.failure
  if failure != 0 {
    throw .system(failure, "ask for locks of the file", path: path, offset: range.lowerBound)
  }
  if Int32(request.l_type) == F_UNLCK { return nil }
  let start = UInt64(clamping: request.l_start)
  // A length of zero reaches to the end of all offsets.
  let end = request.l_len == 0 ? lockLimit : start &+ UInt64(clamping: request.l_len)
  return start..<max(start, end)
}

/// One past the greatest byte that can be locked.
private let lockLimit = UInt64(off_t.max)

private func lockRequest(_ range: Range<UInt64>, _ kind: Int32, path: String) throws(LarderError)
  -> flock
{
  guard !range.isEmpty, range.upperBound <= lockLimit else {
    throw LarderError(
      .invalidArgument, "A lock needs at least one byte below 2^63; asked for \(range).",
      file: path)
  }
  // For these locks the process must be left 0.
  return flock(
    l_type: Int16(kind), l_whence: Int16(SEEK_SET), l_start: off_t(range.lowerBound),
    l_len: off_t(range.upperBound - range.lowerBound), l_pid: 0)
}

extension POSIXFile {
  func tryLock(_ range: Range<UInt64>, _ kind: LockKind) throws(LarderError) -> Bool {
    try setLock(live(), range, kind == .shared ? F_RDLCK : F_WRLCK, path: path)
  }

  func unlock(_ range: Range<UInt64>) throws(LarderError) {
    _ = try setLock(live(), range, F_UNLCK, path: path)
  }

  func conflictingLock(in range: Range<UInt64>) throws(LarderError) -> Range<UInt64>? {
    try findLock(live(), range, path: path)
  }
}
