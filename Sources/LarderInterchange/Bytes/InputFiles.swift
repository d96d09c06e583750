import Glibc
import LarderColumns
import LarderFiles

/// A file and what its folders say of all of its rows.
package struct InputFile: Sendable, Hashable {
  /// The path; `-` is standard input.
  package var path: String
  /// Columns whose one value the names of the folders say, outermost first.
  package var partition: [PartitionValue] = []

  /// Names a file that no folder says anything of.
  package init(_ path: String) { self.path = path }
}

/// The files that paths on a command line name.
package struct InputFiles: Sendable {
  /// The files, in order.
  package private(set) var inputs: [InputFile] = []
  /// Files in folders that cannot be read, and why, where they are passed over.
  package private(set) var unreadable: [LarderError] = []

  /// The paths of the files, in order.
  package var files: [String] { inputs.map(\.path) }

  private let skipsUnreadable: Bool

  /// How deep folders may nest; links can make them endless.
  private static let depthLimit = 32

  /// Looks the paths up.
  ///
  /// A folder stands for the files in it and below, ordered by name. Names that begin with `.` or
  /// `_` are passed over, as the writers of such folders mean them to be, and so are checksums
  /// (`.crc`). A folder of the form `name=value` says that a column has one value in all files below.
  ///
  /// - Parameter skipsUnreadable: whether other files in folders that are no tables are passed over.
  /// - Throws: `notFound`, `permissionDenied`, `io`; `invalidInput` for a folder without tables and for
  ///   a file in one that is none; `unsupported` for a table whose folder alone does not say which rows
  ///   count.
  package init(_ paths: [String], skipsUnreadable: Bool = false) throws(LarderError) {
    self.skipsUnreadable = skipsUnreadable
    for path in paths {
      guard path != "-", Self.isDirectory(path) else {
        inputs.append(InputFile(path))
        continue
      }
      try LogTable.refuse(around: path)
      let before = inputs.count
      try walk(path, depth: 0, try PartitionValue.trailing(path))
      guard inputs.count > before else {
        throw LarderError(
          .invalidInput, "The folder holds no Parquet, Arrow or CSV files.", file: path)
      }
    }
    for index in inputs.indices where inputs[index].path != "-" && inputs[index].partition.isEmpty {
      inputs[index].partition = try PartitionValue.trailing(Self.folder(of: inputs[index].path))
    }
    try LogTable.refuse(several: inputs.map(\.path).filter { $0 != "-" }.map(Self.folder))
  }

  /// Refuses options that none of the files applies.
  ///
  /// Pipes are not looked at.
  ///
  /// - Parameters:
  ///   - text: options that were given and are for CSV.
  ///   - tables: options that were given and are for Parquet and Arrow.
  /// - Throws: `invalidArgument` that names one of them; what opening the files throws.
  package func requireUse(text: [String], tables: [String]) throws(LarderError) {
    if text.isEmpty, tables.isEmpty { return }
    var hasText = false
    var hasTables = false
    for input in inputs {
      if input.path == "-" { return }
      let source = try ByteSource(path: input.path)
      guard source.file != nil else { return }
      if try source.leadFormat() == .text { hasText = true } else { hasTables = true }
    }
    let idle =
      (hasText ? [] : text.map { ($0, "CSV") })
      + (hasTables ? [] : tables.map { ($0, "Parquet and Arrow") })
    guard let (option, formats) = idle.first else { return }
    throw LarderError(
      .invalidArgument, "\(option) is for \(formats); no file given is of that kind.",
      file: inputs.count == 1 ? inputs[0].path : nil)
  }

  private mutating func walk(
    _ folder: String, depth: Int, _ partition: [PartitionValue]
  ) throws(LarderError) {
    guard depth < Self.depthLimit else {
      throw LarderError(
        .limitExceeded, "Folders nest deeper than \(Self.depthLimit).", file: folder)
    }
    let base = folder.hasSuffix("/") ? folder : folder + "/"
    let names = try POSIXFileSystem().names(in: folder).sorted()
    for name in names {
      let path = base + name
      let isFolder = Self.isDirectory(path)
      // Spark keeps folders of partitions whose column begins with an underscore.
      if name.hasPrefix(".") || (name.hasPrefix("_") && !(isFolder && name.contains("="))) {
        continue
      }
      if isFolder {
        try LogTable.refuse(at: path)
        let value = try PartitionValue(folder: name, path: path)
        try walk(path, depth: depth + 1, partition + (value.map { [$0] } ?? []))
      } else if !name.hasSuffix(".crc") {
        try take(path, partition)
      }
    }
  }

  private mutating func take(
    _ path: String, _ partition: [PartitionValue]
  ) throws(LarderError) {
    do throws(LarderError) {
      let source = try ByteSource(path: path)
      if source.totalBytes == 0 {
        throw LarderError(.invalidInput, "The file is empty.", file: path)
      }
      // Text is a table only if its name says so.
      if FileFormat.named(by: path) == nil, try source.leadFormat() == .text {
        throw LarderError(
          .unsupported, "It is text whose name does not end in .csv, .tsv or .txt.", file: path)
      }
      _ = try source.leadFormat()
    } catch {
      guard [.invalidInput, .unsupported].contains(error.code) else { throw error }
      guard skipsUnreadable else {
        var error = error
        error.message +=
          " It lies in a folder that is read; take it out, or pass over such files with "
          + "--skip-unreadable."
        throw error
      }
      unreadable.append(error)
      return
    }
    var input = InputFile(path)
    input.partition = partition
    inputs.append(input)
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Whether a path, or what it links to, is a directory.
  static func isDirectory(_ path: String) -> Bool {
    var details = stat()
    return unsafe stat(path, &details) == 0 && details.st_mode & S_IFMT == S_IFDIR
  }
}
