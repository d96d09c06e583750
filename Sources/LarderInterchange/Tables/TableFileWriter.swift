import LarderColumns

/// Writes one table in any of the formats, batch by batch.
package struct TableFileWriter {
  private enum Format {
    case csv(CSVWriter)
    case parquet(ParquetWriter)
    case arrow(ArrowWriter)
  }

  private let output: ByteOutput
  private var format: Format

  /// Rows that are made into text at a time, so that the text at hand stays small.
  private static let textRows = 4_096

  /// Begins a table; a header of text is written at once.
  ///
  /// - Parameters:
  ///   - format: the format.
  ///   - schema: the columns.
  ///   - origins: what is to be said of each column beyond its type; nothing where there is none.
  ///   - delimiter: of text, the byte between cells.
  ///   - threads: how many may encode at once.
  ///   - output: where the bytes go.
  /// - Throws: `unsupported` for lists of lists in Parquet and Arrow; `io`, `noSpace`.
  package init(
    _ format: FileFormat, schema: Schema, origins: [ColumnOrigin] = [],
    delimiter: UInt8 = UInt8(ascii: ","), threads: Int = 1, to output: ByteOutput
  ) throws(LarderError) {
    self.output = output
    switch format {
    case .text:
      let writer = CSVWriter(delimiter: delimiter)
      try output.write { writer.append(header: schema.fields.map(\.name), to: &$0) }
      self.format = .csv(writer)
    case .parquet:
      self.format = .parquet(
        try ParquetWriter(
          schema: schema, origins: origins, options: ParquetWriteOptions(threads: threads)))
    case .arrowFile, .arrowStream:
      self.format = .arrow(
        try ArrowWriter(
          schema: schema, origins: origins,
          options: ArrowWriteOptions(isFile: format == .arrowFile)))
    }
  }

  /// Writes the rows of a batch.
  ///
  /// - Throws: `invalidInput` for a value that the format cannot hold; `io`, `noSpace`.
  package mutating func append(_ batch: RecordBatch) throws(LarderError) {
    var bytes: [UInt8] = []
    switch format {
    case .csv(let writer):
      for start in stride(from: 0, to: batch.count, by: Self.textRows) {
        let slice = batch.slice(start..<min(start + Self.textRows, batch.count))
        try output.write { writer.append(slice, to: &$0) }
      }
    case .parquet(var writer):
      // The writer must have one owner, or its buffers are copied.
      format = .csv(CSVWriter())
      try writer.append(batch, to: &bytes)
      format = .parquet(writer)
    case .arrow(var writer):
      format = .csv(CSVWriter())
      try writer.append(batch, to: &bytes)
      format = .arrow(writer)
    }
    if !bytes.isEmpty { try output.write(bytes) }
  }

  /// Writes what is held and the end; a file gets its name.
  ///
  /// Nothing may be appended afterwards.
  package mutating func finish() throws(LarderError) {
    var bytes: [UInt8] = []
    switch format {
    case .csv: break
    case .parquet(var writer): try writer.finish(to: &bytes)
    case .arrow(var writer): try writer.finish(to: &bytes)
    }
    try output.write(bytes)
    try output.finish()
  }
}
