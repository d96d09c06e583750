import LarderColumns
import LarderContract
import LarderInterchange
import TestSupport
import Testing

/// What a spine's file says of its columns beyond their types, and what a copy of it says.
@Suite struct OriginTests {
  private static let origins: [ColumnOrigin] = [
    .plain, .noZone, .zone("Europe/Berlin"), .noZone, .plain, .plain,
  ]

  private func batch() throws -> RecordBatch {
    let words = try Column.string(["a", "b"])
    let indexes = Buffer(copying: [Int32](arrayLiteral: 0, 1, 1))
    return try RecordBatch([
      "utc": .timestamp([1, nil, 3], unit: .microseconds),
      "none": .timestamp([1, 2, 3], unit: .nanoseconds),
      "berlin": .timestamp([1, 2, 3], unit: .milliseconds),
      "list": Column(
        type: .list(.timestamp(.microseconds)), count: 3, nullCount: 0, validity: nil,
        values: Buffer(copying: [Int32](arrayLiteral: 0, 1, 1, 3)),
        child: .timestamp([7, 8, 9], unit: .microseconds)),
      "word": Column(
        type: .string, count: 3, nullCount: 0, validity: nil, values: indexes, child: words,
        isDictionary: true),
      "n": .int64([1, 2, nil]),
    ])
  }

  private func written(_ format: String, _ batch: RecordBatch) throws -> [UInt8] {
    var bytes: [UInt8] = []
    if format == "parquet" {
      var writer = try ParquetWriter(schema: batch.schema, origins: Self.origins)
      try writer.append(batch, to: &bytes)
      try writer.finish(to: &bytes)
    } else {
      var writer = try ArrowWriter(
        schema: batch.schema, origins: Self.origins,
        options: ArrowWriteOptions(isFile: format == "arrow"))
      try writer.append(batch, to: &bytes)
      try writer.finish(to: &bytes)
    }
    return bytes
  }

  @Test(arguments: ["parquet", "arrow", "arrows"])
  func copiesSayWhatTheFileSaid(format: String) throws {
    let batch = try batch()
    let bytes = try written(format, batch)
    let reader = try openTable(bytes, name: format, options: TableReadOptions())
    var expected = Self.origins
    // Parquet knows instants, and times without a zone, and no names of zones.
    if format == "parquet" { expected[2] = .plain }
    #expect(reader.origins == expected)
    #expect(reader.schema == batch.schema)
    let found = try describeTable(RandomAccessBytes(bytes, name: format))
    #expect(found?.columns.map(\.origin) == expected)
    let again = try reader.readAll()
    for row in 0..<batch.count { #expect(again.row(row) == batch.row(row)) }
    #expect(again["word"]?.isDictionary == true)
  }

  @Test(arguments: ["parquet", "arrow"])
  func spinesKeepTheirColumns(format: String) throws {
    let bytes = try written(format, try batch())
    let keys = [CSVSpine.Key(column: "word", type: .string), .init(column: "n", type: .int64)]
    let spine = try SpineTable(
      ByteSource(name: "spine", bytes: bytes), keys: keys, timestamp: "none")
    #expect(spine.query.schema.fields.map(\.name) == ["none", "word", "n"])
    #expect(spine.batch.schema == (try batch()).schema)
    #expect(spine.origins[1] == .noZone)
    // Integers are times to the query alone.
    var options = SpineOptions()
    options.timeUnit = .seconds
    let ticks = try SpineTable(
      ByteSource(name: "spine", bytes: bytes), keys: [], timestamp: "n", options: options)
    #expect(ticks.query["n"]?.type == .timestamp(.seconds))
    #expect(ticks.batch["n"]?.type == .int64)
    #expect(throws: LarderError.self) {
      try SpineTable(ByteSource(name: "spine", bytes: bytes), keys: [], timestamp: "n")
    }
  }

  /// Dictionaries of several batches become one; anything else becomes plain values.
  @Test func joinedColumnsHoldTheValuesOfAll() throws {
    let seed: UInt64 = 5
    var random = SeededRandom(seed: seed)
    func dictionary(_ words: [String?], _ rows: Int) throws -> Column {
      let indexes = (0..<rows).map { _ in Int32(random.int(0...(words.count - 1))) }
      let valid = (0..<(rows + 7) / 8).map { _ in UInt8(random.int(0...255)) }
      let nulls = (0..<rows).count { valid[$0 >> 3] >> ($0 & 7) & 1 == 0 }
      return try Column(
        type: .string, count: rows, nullCount: nulls, validity: Buffer(copying: valid),
        values: Buffer(copying: indexes), child: .string(words), isDictionary: true)
    }
    let first = try dictionary(["a", "b", nil, "ß"], 40)
    let parts = try [
      first, dictionary(["b", "c"], 9), first.slice(3..<31), dictionary(["", "a"], 1),
      Column.string([nil, nil, nil]),
    ]
    for count in 1...parts.count {
      let some = Array(parts.prefix(count))
      let joined = try Column.joined(some)
      #expect(joined.isDictionary)
      let expected = some.flatMap { part in (0..<part.count).map { part[$0] } }
      #expect((0..<joined.count).map { joined[$0] } == expected, "seed \(seed)")
      #expect(joined.nullCount == expected.count { $0 == .null } || count == 1)
    }
    let mixed = try Column.joined(parts + [.string(["plain"])])
    #expect(!mixed.isDictionary)
    #expect(mixed[mixed.count - 1] == .string("plain"))
  }

  /// The types that are found in text, and those that are not taken for what they look like.
  @Test func typesOfTextAreFound() throws {
    let text = """
      a,b,c,d,e,f,g,h,i,j
      1,1.5,true,2026-01-01,2026-01-01T00:00:00Z,007,,x,+5,99999999999999999999
      -2,3,FALSE,2026-12-31,2026-01-01,1,,1,6,1
      ,,,,2026-01-01T00:00:00.000000001Z,,,,,

      """
    let table = try CSVTable(ByteSource(name: "t", bytes: Array(text.utf8)))
    #expect(
      table.schema.fields.map(\.type) == [
        .int64, .float64, .bool, .date, .timestamp(.nanoseconds), .string, .string, .string,
        .string, .string,
      ])
    let rows = try table.readAll()
    #expect(rows.count == 3 && table.rowCount == 3)
    #expect(rows.row(1).prefix(3) == [.int64(-2), .float64(3), .bool(false)])
    let forced = try CSVTable(ByteSource(name: "t", bytes: Array(text.utf8)), texts: ["a"])
    #expect(try forced.readAll().columns[0][1] == .string("-2"))
  }
}
