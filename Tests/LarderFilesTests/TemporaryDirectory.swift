import Glibc
import LarderColumns
import LarderFiles

/// A directory of a test's own, removed with all that is in it when the test ends.
final class TemporaryDirectory {
  let path: String

  init() throws {
    var template = Array("/tmp/larder-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw LarderError.system(errno, "make a directory for a test", path: "/tmp")
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { Self.removeAll(path) }

  private static func removeAll(_ path: String) {
    let files = POSIXFileSystem()
    do {
      for name in try files.names(in: path) {
        let inner = "\(path)/\(name)"
        if try files.status(of: inner)?.kind == .directory {
          removeAll(inner)
        } else {
          try files.remove(inner)
        }
      }
      try files.removeDirectory(path)
    } catch {
      print("The test's directory \(path) stays: \(error)")
    }
  }
}

/// The code of the error that a body throws; nil if it throws none.
func code(_ body: () throws -> Void) -> LarderError.Code? {
  do { try body() } catch let error as LarderError { return error.code } catch { return nil }
  return nil
}
