import LarderColumns

/// How a Parquet file is written.
package struct ParquetWriteOptions: Sendable {
  /// Rows of a row group.
  package var rowGroupRows: Int
  /// zstd's level, 1 (fast) to 19 (small).
  package var compressionLevel: Int32
  /// How many threads may encode at once.
  package var threads: Int

  /// Makes options.
  package init(rowGroupRows: Int = 1 << 20, compressionLevel: Int32 = 3, threads: Int = 1) {
    self.rowGroupRows = rowGroupRows
    self.compressionLevel = compressionLevel
    self.threads = threads
  }
}

/// Writes batches as Parquet in the one dialect that every reader takes: dictionary or PLAIN
/// values, zstd, data pages of version 1, statistics.
///
/// The bytes are appended to an array that the caller writes and may empty between calls. Rows are
/// held until a row group is full. Timestamps are written in their unit as instants in UTC, seconds
/// as milliseconds; `uuid` and `decimal` as text, `opaque` as bytes.
package struct ParquetWriter {
  private let schema: Schema
  private let origins: [ColumnOrigin]
  private let options: ParquetWriteOptions
  private var pending: [RecordBatch] = []
  private var pendingRows = 0
  private var written = 0
  private var rowCount = 0
  private var rowGroups: [WrittenRowGroup] = []
  private var isStarted = false

  /// What the footer says of a row group.
  struct WrittenRowGroup {
    var rows: Int
    /// Chunks without their bytes, and where they start in the file.
    var chunks: [(chunk: EncodedChunk, offset: Int, bytes: Int)]
  }

  /// Makes a writer of a schema.
  ///
  /// - Parameters:
  ///   - schema: the columns.
  ///   - origins: what is to be said of each column beyond its type; nothing where there is none.
  ///   - options: sizes and threads.
  /// - Throws: `unsupported` for lists of lists; `invalidArgument` for a number of rows or a level
  ///   out of range.
  package init(
    schema: Schema, origins: [ColumnOrigin] = [],
    options: ParquetWriteOptions = ParquetWriteOptions()
  ) throws(LarderError) {
    for field in schema.fields where field.type.element?.element != nil {
      throw LarderError(.unsupported, "Lists of lists are not written.", column: field.name)
    }
    guard options.rowGroupRows > 0, (1...19).contains(options.compressionLevel) else {
      throw LarderError(
        .invalidArgument, "Row groups need rows, and zstd's levels are 1 to 19.")
    }
    self.schema = schema
    self.origins = origins
    self.options = options
  }

  /// Takes the rows of a batch; appends the row groups that become full.
  ///
  /// - Throws: `invalidArgument` for a batch of another schema; `invalidInput` for a time that
  ///   Parquet cannot hold.
  package mutating func append(
    _ batch: RecordBatch, to output: inout [UInt8]
  ) throws(LarderError) {
    guard batch.schema == schema else {
      throw LarderError(.invalidArgument, "The batch has another schema than the file.")
    }
    start(&output)
    var rest = batch
    while rest.count >= options.rowGroupRows - pendingRows {
      let room = options.rowGroupRows - pendingRows
      pending.append(rest.slice(0..<room))
      pendingRows += room
      rest = rest.slice(room..<rest.count)
      try flush(&output)
    }
    if rest.count > 0 {
      pending.append(rest)
      pendingRows += rest.count
    }
  }

  /// Appends what is held, and the footer.
  ///
  /// Nothing may be appended afterwards.
  package mutating func finish(to output: inout [UInt8]) throws(LarderError) {
    start(&output)
    if pendingRows > 0 { try flush(&output) }
    let footer = footer(schema, origins, rowGroups: rowGroups, rowCount: rowCount)
    output += footer
    for byte in 0..<4 { output.append(UInt8(truncatingIfNeeded: footer.count >> (byte * 8))) }
    output += Array("PAR1".utf8)
  }

  private mutating func start(_ output: inout [UInt8]) {
    if isStarted { return }
    isStarted = true
    output += Array("PAR1".utf8)
    written = 4
  }

  private mutating func flush(_ output: inout [UInt8]) throws(LarderError) {
    let parts = pending
    let (schema, level) = (schema, options.compressionLevel)
    let chunks = try performTasks(schema.fields.count, threads: options.threads) {
      index, _ throws(LarderError) in
      do throws(LarderError) {
        var values = ChunkValues()
        for part in parts { try values.append(part.columns[index]) }
        let encoder = ChunkEncoder(
          type: schema.fields[index].type, compressor: try ZstdCompressor(level: level))
        return try encoder.encode(values)
      } catch { throw error.inColumn(schema.fields[index].name) }
    }
    var group = WrittenRowGroup(rows: pendingRows, chunks: [])
    for var chunk in chunks {
      let bytes = chunk.bytes
      chunk.bytes = []
      group.chunks.append((chunk, written, bytes.count))
      output += bytes
      written += bytes.count
    }
    rowGroups.append(group)
    rowCount += pendingRows
    pending = []
    pendingRows = 0
  }
}
