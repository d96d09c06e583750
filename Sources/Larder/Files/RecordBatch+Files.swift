import LarderColumns
import LarderFiles
import LarderInterchange

extension RecordBatch {
  /// Reads a Parquet, Arrow or CSV file whole.
  ///
  /// ```swift
  /// let spine = try RecordBatch(contentsOf: "spine.parquet")
  /// ```
  ///
  /// Columns come in the types that `docs/interchange.md` lists; those of CSV are found by looking at
  /// all cells: bool, int64, float64, date, timestamp or string.
  ///
  /// - Parameters:
  ///   - path: the file; what it holds is told by its first bytes.
  ///   - columns: the columns wanted, in this order; nil for all.
  ///   - threads: how many may decode at once; nil for all cores.
  /// - Throws: `notFound` for the file or a column; `unsupported` for a column that is not read, with
  ///   the feature's name; `invalidInput` for bytes that contradict the format, with file, column and
  ///   place; `limitExceeded`; `permissionDenied`, `io`.
  public init(
    contentsOf path: String, columns: [String]? = nil, threads: Int? = nil
  ) throws(LarderError) {
    let source = try ByteSource(path: path)
    if try source.detectFormat() == .text {
      self = try CSVTable(source, columns: columns).readAll()
      return
    }
    let options = TableReadOptions(columns: columns, threads: threads ?? .availableCores)
    guard let reader = try openTable(try RandomAccessBytes(source), options: options) else {
      throw LarderError(.invalidInput, "It is no known format.", file: path)
    }
    self = try reader.readAll()
  }

  /// Writes the batch to a file.
  ///
  /// - Parameters:
  ///   - path: the file, which appears whole or not at all; `-` is standard output.
  ///   - format: the format; nil for what the path's ending says, or else CSV.
  /// - Throws: `permissionDenied`, `noSpace`, `io`; `invalidInput` for a value that the format cannot
  ///   hold.
  public func write(to path: String, format: TableFormat? = nil) throws(LarderError) {
    var writer = try TableFileWriter(path: path, format: format, schema: schema)
    try writer.append(self)
    try writer.finish()
  }
}
