import LarderColumns
import LarderInterchange
import TestSupport
import Testing

/// A table rewritten by Larder.
enum WrittenTable {
  /// The bytes of a file in the format of an ending.
  ///
  /// - Parameter variant: varies sizes of row groups, compression and the emptying of the output.
  static func bytes(
    of reader: any TableReader, ending: String, variant: Int
  ) throws -> [UInt8] {
    var whole: [UInt8] = []
    var part: [UInt8] = []
    if ending == "parquet" {
      var writer = try ParquetWriter(
        schema: reader.schema,
        options: ParquetWriteOptions(
          rowGroupRows: [29, 512, 1 << 20][variant % 3], threads: 1 + variant % 2))
      while let batch = try reader.nextBatch() {
        try writer.append(batch, to: &part)
        whole += part
        part = []
      }
      try writer.finish(to: &part)
    } else {
      var writer = try ArrowWriter(
        schema: reader.schema,
        options: ArrowWriteOptions(
          isFile: ending == "arrow", compressionLevel: variant % 4 == 0 ? 1 : nil))
      while let batch = try reader.nextBatch() {
        try writer.append(batch, to: &part)
        whole += part
        part = []
      }
      try writer.finish(to: &part)
    }
    return whole + part
  }

  /// The lines of a table, with the types that are written as others.
  static func asWritten(_ lines: [String]) -> [String] {
    lines.map { line in
      var cells = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      if cells[1] == "uuid" || cells[1] == "decimal" { cells[1] = "string" }
      if cells[1].hasPrefix("opaque") { cells[1] = "bytes" }
      return cells.joined(separator: "\t")
    }
  }
}

@Suite struct WriterTests {
  /// The golden files, rewritten in each format and read again.
  @Test(arguments: GoldenFileTests.folders, ["parquet", "arrow", "arrows"])
  func whatIsWrittenReadsBack(folder: String, ending: String) throws {
    let files = ExpectedFiles.golden(folder)
    for (index, name) in files.names().enumerated() {
      for batchRows in [7, 1 << 20] {
        var lines = WrittenTable.asWritten(files.expected(name))
        // Parquet has no seconds.
        if ending == "parquet" { lines.removeAll { $0.contains("\ttimestamp(s)\t") } }
        let options = TableReadOptions(
          columns: lines.map { String($0.prefix { $0 != "\t" }) }, batchRows: batchRows,
          keepsDictionaries: index % 2 == 0)
        let reader = try openTable(files.bytes(name), name: name, options: options)
        let bytes = try WrittenTable.bytes(of: reader, ending: ending, variant: index)
        let again = try openTable(bytes, name: name, options: TableReadOptions())
        #expect(try TableText.lines(of: again) == lines, "\(name) as \(ending)")
      }
    }
  }

  @Test func secondsBecomeMillisecondsInParquet() throws {
    let column = Column.timestamp([1, nil, -3], unit: .seconds)
    let batch = try RecordBatch(["t": column])
    var writer = try ParquetWriter(schema: batch.schema)
    var bytes: [UInt8] = []
    try writer.append(batch, to: &bytes)
    try writer.finish(to: &bytes)
    let reader = try openTable(bytes, name: "t", options: TableReadOptions())
    #expect(try TableText.lines(of: reader) == ["t\ttimestamp(ms)\t1000 N -3000"])
    var other = try ParquetWriter(schema: batch.schema)
    let late = try RecordBatch(["t": .timestamp([.max], unit: .seconds)])
    #expect(throws: LarderError.self) {
      try other.append(late, to: &bytes)
      try other.finish(to: &bytes)
    }
  }

  @Test func rowGroupsOutsideTheBoundsAreSkipped() throws {
    let rows = 1_000
    let batch = try RecordBatch([
      "t": .timestamp((0..<rows).map { Int64($0) * 1_000 }, unit: .milliseconds),
      "x": .float64((0..<rows).map { $0 % 7 == 0 ? nil : Double($0) }),
      "s": .string((0..<rows).map { "k\($0 / 100)" }),
    ])
    var writer = try ParquetWriter(
      schema: batch.schema, options: ParquetWriteOptions(rowGroupRows: 100))
    var bytes: [UInt8] = []
    try writer.append(batch, to: &bytes)
    try writer.finish(to: &bytes)
    func skipped(_ bounds: [ColumnBounds]) throws -> (Int, Int?) {
      let reader = try ParquetReader(
        RandomAccessBytes(bytes, name: "b"), options: TableReadOptions(bounds: bounds))
      return (reader.skippedRowGroups, reader.rowCount)
    }
    #expect(try skipped([]) == (0, rows))
    let at = Timestamp(seconds: 250)
    #expect(try skipped([ColumnBounds("t", atLeast: .timestamp(at))]) == (2, 800))
    #expect(try skipped([ColumnBounds("t", atMost: .timestamp(at))]) == (7, 300))
    #expect(
      try skipped([ColumnBounds("x", atLeast: .float64(899), atMost: .float64(900))]) == (8, 200))
    #expect(try skipped([ColumnBounds("s", atLeast: .string("k8"))]) == (8, 200))
    #expect(
      try skipped([ColumnBounds("t", atLeast: .timestamp(Timestamp(seconds: 5_000)))]) == (10, 0))
    #expect(throws: LarderError.self) { try skipped([ColumnBounds("t", atLeast: .int64(3))]) }
    #expect(throws: LarderError.self) { try skipped([ColumnBounds("nothing")]) }
  }

  @Test func unknownColumnsAreNamedWithASuggestion() throws {
    let files = ExpectedFiles.golden("parquet")
    do {
      let options = TableReadOptions(columns: ["int8_O"])
      _ = try openTable(
        files.bytes("types-plain-zstd-v2.parquet"), name: "x", options: options)
      Issue.record("An unknown column was found.")
    } catch let error as LarderError {
      #expect(error.code == .notFound)
      #expect(error.message.contains("int8_0"))
    }
  }
}
