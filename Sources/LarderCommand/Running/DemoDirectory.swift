import Glibc
import Larder
import LarderFiles

/// Where the demo's store lies: a directory of the caller's, or a temporary one that goes again.
struct DemoDirectory {
  /// The store's directory.
  let store: String
  private let temporary: String?

  init(keeping path: String?) throws(LarderError) {
    if let path {
      guard !Self.exists(path) else {
        throw LarderError(
          .alreadyExists, "It is there already; the demo makes its own.", file: path)
      }
      store = path
      temporary = nil
      return
    }
    let parent = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/larder-demo.XXXXXX".utf8CString)
    guard unsafe mkdtemp(&template) != nil else {
      throw LarderError(
        .io, "Cannot make a temporary directory.", file: parent, systemError: errno)
    }
    let made = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    temporary = made
    store = made + "/demo.larder"
  }

  /// Whether something lies at a path.
  static func exists(_ path: String) -> Bool {
    var details = stat()
    return unsafe stat(path, &details) == 0
  }

  /// Removes a temporary directory with all that is in it.
  func remove() {
    guard let temporary else { return }
    do throws(LarderError) {
      try Self.remove(temporary, POSIXFileSystem())
    } catch {
      Terminal.note("warning: a temporary directory stays behind: \(error)")
    }
  }

  private static func remove(_ path: String, _ files: POSIXFileSystem) throws(LarderError) {
    guard let status = try files.status(of: path) else { return }
    guard status.kind == .directory else {
      try files.remove(path)
      return
    }
    for name in try files.names(in: path) { try remove("\(path)/\(name)", files) }
    try files.removeDirectory(path)
  }
}
