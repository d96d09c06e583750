import LarderColumns
import LarderContract
import LarderFiles
import LarderInterchange

extension RetrievalJob {
  /// Runs the query and writes the answer to a file, batch by batch, in bounded memory.
  ///
  /// ```swift
  /// try job.write(to: "training.parquet")
  /// ```
  ///
  /// - Parameters:
  ///   - path: the file, which appears whole or not at all; `-` is standard output.
  ///   - format: the format; nil for what the path's ending says, or else CSV.
  /// - Returns: how many rows were written.
  /// - Throws: what `collect` throws; `permissionDenied`, `noSpace` and `io` from the file.
  @discardableResult
  public func write(to path: String, format: TableFormat? = nil) throws -> Int {
    var writer = try TableFileWriter(path: path, format: format, schema: schema)
    var rows = 0
    try forEachBatch { batch in
      try writer.append(batch)
      rows += batch.count
    }
    try writer.finish()
    return rows
  }
}

extension TableFileWriter {
  /// Begins a file in a format, or else in the one that its ending says.
  init(path: String, format: TableFormat?, schema: Schema) throws(LarderError) {
    let named = format?.file ?? FileFormat.named(by: path) ?? .text
    try self.init(
      named, schema: schema, threads: .availableCores, to: try ByteOutput.open(path))
  }
}
