import LarderColumns

/// How Arrow IPC is written.
package struct ArrowWriteOptions: Sendable {
  /// Whether a file with a footer is written; else a stream.
  package var isFile: Bool
  /// zstd's level for the buffers; nil leaves them as they are, for readers that map the file.
  package var compressionLevel: Int32?

  /// Makes options.
  package init(isFile: Bool = true, compressionLevel: Int32? = nil) {
    self.isFile = isFile
    self.compressionLevel = compressionLevel
  }
}

/// Writes batches as an Arrow IPC file or stream.
///
/// The bytes are appended to an array that the caller writes and may empty between calls. A column
/// that is a dictionary in the first batch is written as one, new values as deltas. `uuid` and
/// `decimal` are written as text, `opaque` as bytes; timestamps have the zone UTC.
package struct ArrowWriter {
  private let schema: Schema
  private let origins: [ColumnOrigin]
  private let options: ArrowWriteOptions
  private let compressor: ZstdCompressor?
  private var written = 0
  private var isStarted = false
  /// Which columns are dictionary-encoded, and the values written so far.
  private var dictionaries: [Bool] = []
  private var known: [[[UInt8]: Int32]] = []
  private var announced: [Bool] = []
  private var dictionaryBlocks: [Int64] = []
  private var batchBlocks: [Int64] = []

  /// Makes a writer of a schema.
  ///
  /// - Parameters:
  ///   - schema: the columns.
  ///   - origins: what is to be said of each column beyond its type; nothing where there is none.
  ///   - options: file or stream, and compression.
  /// - Throws: `unsupported` for lists of lists; `invalidArgument` for a level out of range.
  package init(
    schema: Schema, origins: [ColumnOrigin] = [],
    options: ArrowWriteOptions = ArrowWriteOptions()
  ) throws(LarderError) {
    for field in schema.fields where field.type.element?.element != nil {
      throw LarderError(.unsupported, "Lists of lists are not written.", column: field.name)
    }
    if let level = options.compressionLevel {
      guard (1...19).contains(level) else {
        throw LarderError(.invalidArgument, "zstd's levels are 1 to 19.")
      }
      compressor = try ZstdCompressor(level: level)
    } else {
      compressor = nil
    }
    self.schema = schema
    self.origins = origins
    self.options = options
  }

  /// Appends a batch.
  ///
  /// - Throws: `invalidArgument` for a batch of another schema; `limitExceeded`.
  package mutating func append(
    _ batch: RecordBatch, to output: inout [UInt8]
  ) throws(LarderError) {
    guard batch.schema == schema else {
      throw LarderError(.invalidArgument, "The batch has another schema than the file.")
    }
    start(&output, first: batch)
    var body = ArrowBodyWriter(compressor: compressor)
    for (index, column) in batch.columns.enumerated() {
      if dictionaries[index] {
        let (indexes, translated) = try translate(column, index, &output)
        try body.append(indexesOf: indexes, translated: translated)
      } else {
        try body.append(column.flattened())
      }
    }
    appendMessage(body, rows: batch.count, dictionary: nil, to: &output)
  }

  /// Appends the end; nothing may be appended afterwards.
  package mutating func finish(to output: inout [UInt8]) throws(LarderError) {
    start(&output, first: nil)
    append([0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0], to: &output)
    guard options.isFile else { return }
    var builder = FlatBuilder()
    let schema = builder.schema(schema, origins, dictionaries: dictionaries)
    let dictionaryVector = builder.words(dictionaryBlocks, perStruct: 3)
    let batchVector = builder.words(batchBlocks, perStruct: 3)
    let root = builder.table([
      (1, .object(schema)), (2, .object(dictionaryVector)), (3, .object(batchVector)),
      (0, .int16(4)),
    ])
    let footer = builder.finish(root)
    append(footer, to: &output)
    append((0..<4).map { UInt8(truncatingIfNeeded: footer.count >> ($0 * 8)) }, to: &output)
    append(Array("ARROW1".utf8), to: &output)
  }

  private mutating func append(_ bytes: [UInt8], to output: inout [UInt8]) {
    output += bytes
    written += bytes.count
  }

  private mutating func start(_ output: inout [UInt8], first: RecordBatch?) {
    if isStarted { return }
    isStarted = true
    dictionaries = schema.fields.indices.map { index in
      guard let column = first?.columns[index] else { return false }
      // The extension type for JSON is not defined over dictionaries.
      return column.isDictionary && column.type.layout == .variable && column.type != .json
    }
    known = schema.fields.map { _ in [:] }
    announced = schema.fields.map { _ in false }
    if options.isFile { append(Array("ARROW1".utf8) + [0, 0], to: &output) }
    var builder = FlatBuilder()
    let header = builder.schema(schema, origins, dictionaries: dictionaries)
    _ = appendMetadata(&builder, kind: .schema, header: header, bodyBytes: 0, to: &output)
  }

  /// Appends the metadata of a message, padded so that its body is aligned.
  ///
  /// - Returns: how many bytes it takes with its two lead words.
  private mutating func appendMetadata(
    _ builder: inout FlatBuilder, kind: ArrowMessage.Kind, header: FlatBuilder.Place,
    bodyBytes: Int, to output: inout [UInt8]
  ) -> Int {
    let message = builder.table([
      (3, .int64(Int64(bodyBytes))), (2, .object(header)), (0, .int16(4)),
      (1, .byte(kind.rawValue)),
    ])
    let metadata = builder.finish(message)
    append([0xFF, 0xFF, 0xFF, 0xFF], to: &output)
    append((0..<4).map { UInt8(truncatingIfNeeded: metadata.count >> ($0 * 8)) }, to: &output)
    append(metadata, to: &output)
    return metadata.count + 8
  }

  private mutating func appendMessage(
    _ body: ArrowBodyWriter, rows: Int, dictionary: (identifier: Int, isDelta: Bool)?,
    to output: inout [UInt8]
  ) {
    var builder = FlatBuilder()
    let nodes = builder.words(body.nodes, perStruct: 2)
    let buffers = builder.words(body.buffers, perStruct: 2)
    var parts: [(Int, FlatBuilder.Field)] = [
      (0, .int64(Int64(rows))), (1, .object(nodes)), (2, .object(buffers)),
    ]
    if compressor != nil {
      let compression = builder.table([(0, .byte(1))])
      parts.append((3, .object(compression)))
    }
    var header = builder.table(parts)
    var kind = ArrowMessage.Kind.batch
    if let dictionary {
      kind = .dictionary
      header = builder.table([
        (0, .int64(Int64(dictionary.identifier))), (1, .object(header)),
        (2, .bool(dictionary.isDelta)),
      ])
    }
    let start = written
    let metadata = appendMetadata(
      &builder, kind: kind, header: header, bodyBytes: body.bytes.count, to: &output)
    append(body.bytes, to: &output)
    let block = [Int64(start), Int64(metadata), Int64(body.bytes.count)]
    if dictionary == nil { batchBlocks += block } else { dictionaryBlocks += block }
  }

  /// Finds the written index of each value of a column's dictionary; values that were not written
  /// before are, as a delta.
  private mutating func translate(
    _ column: Column, _ index: Int, _ output: inout [UInt8]
  ) throws(LarderError) -> (column: Column, translated: [Int32]) {
    let values = column.dictionary ?? column
    var translated: [Int32] = []
    var fresh = ColumnBuilder(column.type)
    let isFirst = !announced[index]
    announced[index] = true
    for entry in 0..<values.count {
      guard values.isValid(entry) else {
        translated.append(0)
        continue
      }
      let bytes = unsafe Array(values.variableBytes(entry))
      if let place = known[index][bytes] {
        translated.append(place)
        continue
      }
      let place = Int32(truncatingIfNeeded: known[index].count)
      known[index][bytes] = place
      translated.append(place)
      try fresh.append(bytes: bytes)
    }
    let added = fresh.finish()
    if added.count > 0 || isFirst {
      var body = ArrowBodyWriter(compressor: compressor)
      try body.append(added)
      appendMessage(
        body, rows: added.count, dictionary: (index, isDelta: !isFirst), to: &output)
    }
    return (column.isDictionary ? column : rowsAsIndexes(column), translated)
  }

  /// A column as if each row had a dictionary entry of its own.
  private func rowsAsIndexes(_ column: Column) -> Column {
    let indexes = Buffer(copying: (0..<Int32(column.count)).map { $0 })
    let validity = column.nullCount > 0 ? Buffer(zeroedBytes: (column.count + 7) / 8) : nil
    if let validity {
      for row in 0..<column.count where column.isValid(row) {
        unsafe fillBits(validity.base, at: row, count: 1, with: true)
      }
    }
    return Column(
      type: column.type, count: column.count, nullCount: column.nullCount, validity: validity,
      values: indexes, child: column, isDictionary: true)
  }
}
