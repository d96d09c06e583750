import Glibc
import LarderColumns
import LarderFiles

/// The files that paths on a command line name.
package struct InputFiles: Sendable {
  /// Files, and `-` for standard input, in order.
  package private(set) var files: [String] = []
  /// Files in folders that hold no table by their name and their first bytes.
  package private(set) var leftOut: [String] = []

  /// How deep folders may nest; links can make them endless.
  private static let depthLimit = 32

  /// Looks the paths up.
  ///
  /// A folder stands for the files in it and below, ordered by name; names that begin with `.` or
  /// `_` are passed over, as the writers of such folders mean them to be.
  ///
  /// - Throws: `notFound`, `permissionDenied`, `io`; `invalidInput` for a folder without tables.
  package init(_ paths: [String]) throws(LarderError) {
    for path in paths {
      guard path != "-", Self.isDirectory(path) else {
        files.append(path)
        continue
      }
      let before = files.count
      try walk(path, depth: 0)
      guard files.count > before else {
        throw LarderError(
          .invalidInput, "The folder holds no Parquet, Arrow or CSV files.", file: path)
      }
    }
  }

  private mutating func walk(_ folder: String, depth: Int) throws(LarderError) {
    guard depth < Self.depthLimit else {
      throw LarderError(
        .limitExceeded, "Folders nest deeper than \(Self.depthLimit).", file: folder)
    }
    let base = folder.hasSuffix("/") ? folder : folder + "/"
    for name in try POSIXFileSystem().names(in: folder).sorted() {
      if name.hasPrefix(".") || name.hasPrefix("_") { continue }
      let path = base + name
      if Self.isDirectory(path) {
        try walk(path, depth: depth + 1)
      } else if try Self.isTable(path) {
        files.append(path)
      } else {
        leftOut.append(path)
      }
    }
  }

  /// Text is a table only if its name says so.
  private static func isTable(_ path: String) throws(LarderError) -> Bool {
    if FileFormat.named(by: path) != nil { return true }
    return try ByteSource(path: path).detectFormat() != .text
  }

  /// Whether a path, or what it links to, is a directory.
  private static func isDirectory(_ path: String) -> Bool {
    var details = stat()
    return unsafe stat(path, &details) == 0 && details.st_mode & S_IFMT == S_IFDIR
  }
}
