import Glibc
import LarderColumns

/// The one table from the system's error numbers to the codes of `LarderError`.
extension LarderError {
  /// Tells of a failed system call.
  ///
  /// - Parameters:
  ///   - number: the `errno` it left.
  ///   - action: what was tried, to follow "Cannot": "open the file".
  ///   - path: the file or directory.
  ///   - offset: the byte offset in it, if there is one.
  package static func system(
    _ number: Int32, _ action: String, path: String, offset: UInt64? = nil
  ) -> LarderError {
    let (code, advice) = meaning(of: number)
    let reason = unsafe String(cString: strerror(number))
    return LarderError(
      code, "Cannot \(action): \(reason).\(advice.map { " " + $0 } ?? "")",
      file: path, offset: offset, systemError: number)
  }

  private static func meaning(of number: Int32) -> (code: Code, advice: String?) {
    switch number {
    case ENOENT: (.notFound, nil)
    case EEXIST: (.alreadyExists, nil)
    case ENOSPC: (.noSpace, "Free some space and try again; what was committed is intact.")
    case EDQUOT:
      (.noSpace, "The user's disk quota is used up; what was committed is intact.")
    case EACCES, EPERM:
      (.permissionDenied, "Check who owns the path and its mode, and the directories above it.")
    case EROFS: (.permissionDenied, "The file system is mounted read-only.")
    case EMFILE:
      (.limitExceeded, "The process has too many files open; raise its limit (ulimit -n).")
    case ENFILE: (.limitExceeded, "The machine has too many files open (fs.file-max).")
    case EFBIG:
      (.limitExceeded, "The file would exceed the process's limit of file size (ulimit -f).")
    case ENOMEM:
      (.limitExceeded, "There is no memory for it, or the process has too many memory maps.")
    default: (.io, nil)
    }
  }
}

/// Repeats a system call while a signal interrupts it.
///
/// - Returns: what it returned, and its `errno` where that is negative, else 0.
@inline(__always)
func uninterrupted<Result: SignedInteger>(_ call: () -> Result) -> (
  result: Result, failure: Int32
) {
  while true {
    let result = call()
    if result >= 0 { return (result, 0) }
    let failure = errno
    if failure != EINTR { return (result, failure) }
  }
}
