import Glibc
import LarderColumns
import LarderFiles

/// Tables whose rows are not simply those of the files in their folder: a log beside the files says
/// which of them count, and rows may be removed without a file being changed.
enum LogTable {
  /// Refuses a folder that is such a table.
  ///
  /// - Throws: `unsupported` with the table's kind and what to do; `io`.
  static func refuse(at folder: String) throws(LarderError) {
    let base = folder.hasSuffix("/") ? folder : folder + "/"
    if InputFiles.isDirectory(base + "_delta_log") {
      throw refusal(
        "a Delta Lake table",
        "delta_scan in DuckDB, or deltalake's DeltaTable(...).to_pyarrow_table()",
        folder)
    }
    if InputFiles.isDirectory(base + ".hoodie") {
      throw refusal("an Apache Hudi table", "Spark's format(\"hudi\")", folder)
    }
    if InputFiles.isDirectory(base + "metadata"), try isIceberg(base + "metadata") {
      throw refusal(
        "an Apache Iceberg table", "iceberg_scan in DuckDB, or pyiceberg's scan().to_arrow()",
        folder)
    }
  }

  /// Refuses a folder that is such a table or a part of one.
  static func refuse(around folder: String) throws(LarderError) {
    var path = folder
    while true {
      try refuse(at: path)
      while path.count > 1, path.hasSuffix("/") { path.removeLast() }
      // Its data lies in the table's folder, in `data`, or in partitions below.
      let last = path.split(separator: "/").last ?? ""
      guard last == "data" || last.contains("="), let slash = path.lastIndex(of: "/") else {
        return
      }
      path = slash == path.startIndex ? "/" : String(path[..<slash])
    }
  }

  /// Refuses several files of one such table: some of them may count no more.
  ///
  /// One file by itself is what its caller asked for.
  ///
  /// - Parameter folders: the folder of each file.
  static func refuse(several folders: [String]) throws(LarderError) {
    var counts: [String: Int] = [:]
    for folder in folders { counts[folder, default: 0] += 1 }
    var tables: [String: Int] = [:]
    for (folder, count) in counts.sorted(by: { $0.key < $1.key }) {
      do throws(LarderError) { try refuse(around: folder) } catch {
        guard error.code == .unsupported, let table = error.file else { throw error }
        tables[table, default: 0] += count
        if tables[table, default: 0] > 1 { throw error }
      }
    }
  }

  private static func isIceberg(_ folder: String) throws(LarderError) -> Bool {
    try POSIXFileSystem().names(in: folder).contains {
      $0.hasSuffix(".metadata.json") || $0 == "version-hint.text"
    }
  }

  private static func refusal(_ kind: String, _ way: String, _ folder: String) -> LarderError {
    LarderError(
      .unsupported,
      "The folder is \(kind): its files also hold rows that were removed or replaced. Read it with "
        + "\(way), write the rows as Parquet, and take that file.", file: folder)
  }
}
