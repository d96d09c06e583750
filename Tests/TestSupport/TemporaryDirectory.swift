import Glibc
import LarderColumns

/// A directory of a test's own, removed with all that is in it when the object goes.
public final class TemporaryDirectory: Sendable {
  /// Its absolute path.
  public let path: String

  /// Makes one in `/tmp`.
  public init() throws(LarderError) {
    var template = Array("/tmp/larder-tests-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw LarderError(.io, "A directory for a test cannot be made.", systemError: errno)
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    if !Self.remove(path) { print("The test's directory \(path) stays: errno \(errno)") }
  }

  /// Removes a directory and what it holds; links are removed, not followed.
  private static func remove(_ path: String) -> Bool {
    guard let directory = opendir(path) else { return false }
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name == "." || name == ".." { continue }
      let inner = "\(path)/\(name)"
      if entry.pointee.d_type == DT_DIR { _ = remove(inner) } else { unlink(inner) }
    }
    closedir(directory)
    return rmdir(path) == 0
  }
}
