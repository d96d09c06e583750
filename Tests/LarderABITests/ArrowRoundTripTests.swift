import CLarder
import LarderColumns
import LarderInterchange
import TestSupport
import Testing

@Suite struct ArrowRoundTripTests {
  private static let types: [DataType] = [
    .bool, .int32, .int64, .float32, .float64, .string, .bytes, .timestamp(.seconds),
    .timestamp(.milliseconds), .timestamp(.microseconds), .timestamp(.nanoseconds), .date, .json,
    .list(.int64), .list(.string), .list(.bool), .list(.timestamp(.nanoseconds)),
  ]

  private func value(_ type: DataType, _ random: inout SeededRandom) -> Value {
    let bits = random.next()
    return switch type {
    case .bool: .bool(bits & 1 == 1)
    case .int32: .int32(Int32(truncatingIfNeeded: bits))
    case .int64: .int64(Int64(bitPattern: bits))
    case .float32: .float32(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
    case .float64: .float64(Double(bitPattern: bits))
    case .bytes, .opaque: .bytes((0..<random.int(0...20)).map { _ in UInt8(random.next() & 255) })
    case .timestamp(let unit): .timestamp(Timestamp(ticks: Int64(bitPattern: bits), unit: unit))
    case .date: .date(Int32(truncatingIfNeeded: bits))
    case .string, .json, .uuid, .decimal:
      .string(
        String(
          (0..<random.int(0...9)).map { _ in ["a", "é", "\u{1F600}"][random.int(0...2)] }.joined()))
    case .list(let element):
      .list(
        (0..<random.int(0...4)).map { _ in random.chance(0.2) ? .null : value(element, &random) })
    }
  }

  private func batch(_ random: inout SeededRandom) throws -> RecordBatch {
    let rows = random.int(0...100)
    let nulls = [0.0, 0.3, 1.0][random.int(0...2)]
    var fields: [ColumnField] = []
    var columns: [Column] = []
    for index in 0..<random.int(1...6) {
      let type = Self.types[random.int(0...(Self.types.count - 1))]
      var values: [Value] = []
      for _ in 0..<rows { values.append(random.chance(nulls) ? .null : value(type, &random)) }
      fields.append(ColumnField("c\(index)", type))
      columns.append(try Column.of(type, values))
    }
    let whole = try RecordBatch(schema: Schema(fields), columns: columns, count: rows)
    let first = random.int(0...rows)
    return whole.slice(first..<random.int(first...rows))
  }

  @Test func batchesSurviveExportAndImport() throws {
    for seed in UInt64(0)..<400 {
      var random = SeededRandom(seed: seed)
      let batch = try batch(&random)
      var (array, schema) = (ArrowArray(), ArrowSchema())
      exportArrow(batch.schema, dictionaries: batch.columns.map(\.isDictionary), to: &schema)
      exportArrow(batch, to: &array)
      let back = try importArrow(moving: &array, schema: &schema)
      schema.release(&schema)
      #expect(back.schema == batch.schema, "seed \(seed)")
      #expect(back.count == batch.count, "seed \(seed)")
      for row in 0..<batch.count {
        #expect(back.row(row) == batch.row(row), "seed \(seed), row \(row)")
      }
    }
  }

  @Test func dictionaryColumnsSurvive() throws {
    let words = try Column.string(["x", "yy", ""])
    let column = Column(
      type: .string, count: 4, nullCount: 1, validity: Buffer(copying: [UInt8(0b1011)]),
      values: Buffer(copying: [Int32(2), 0, 77, 1]), child: words, isDictionary: true)
    let batch = try RecordBatch(["w": column]).slice(1..<4)
    var (array, schema) = (ArrowArray(), ArrowSchema())
    exportArrow(batch.schema, dictionaries: [true], to: &schema)
    exportArrow(batch, to: &array)
    #expect(String(cString: schema.children[0]!.pointee.format) == "i")
    let back = try importArrow(moving: &array, schema: &schema)
    schema.release(&schema)
    #expect(back.columns[0].isDictionary)
    #expect((0..<3).map { back.columns[0][$0] } == [.string("x"), .null, .string("yy")])
  }

  /// Batches of numbers that count up.
  private final class Counting: BatchSource {
    let schema = Schema([ColumnField("n", .int64)])
    let dictionaries = [false]
    private var next: Int64 = 0

    func nextBatch() throws(LarderError) -> RecordBatch? {
      if next == 3 { throw LarderError(.corrupt, "Page 7 is torn.") }
      next += 1
      return try RecordBatch(["n": .int64([next])])
    }
  }

  @Test func streamsCarryBatchesAndFailures() throws {
    var stream = ArrowArrayStream()
    exportArrow(Counting(), to: &stream)
    let reader = try ArrowStreamReader(moving: &stream)
    #expect(stream.release == nil)
    for expected in Int64(1)...3 {
      #expect(try reader.nextBatch()?.columns[0][0] == .int64(expected))
    }
    let error = #expect(throws: LarderError.self) { _ = try reader.nextBatch() }
    #expect(error?.message.contains("Page 7 is torn.") == true)
    #expect(throws: LarderError.self) { _ = try ArrowStreamReader(moving: &stream) }
  }

  @Test func aStreamIsReleasedOnceWhateverHappens() throws {
    let log = ReleaseLog()
    let column = Foreign("l", length: 1, name: "n", [nil, Foreign.bytes([Int64(1)])])
    do {
      let source = ForeignStream(
        [Foreign.batch([column]), Foreign.batch([column])], log: log)
      var stream = source.make()
      let reader = try ArrowStreamReader(moving: &stream)
      _ = try reader.nextBatch()
      source.failsAt = 1
      let error = #expect(throws: LarderError.self) { _ = try reader.nextBatch() }
      #expect(error?.message.contains("the tap ran dry") == true)
    }
    #expect(log.streams == 1 && log.arrays == 1 && log.schemas == 1)
    let refused = Foreign.batch([
      Foreign("+m", length: 0, name: "m", [nil, nil], children: [column])
    ])
    var stream = ForeignStream([refused], log: log).make()
    #expect(throws: LarderError.self) { _ = try ArrowStreamReader(moving: &stream) }
    #expect(log.streams == 2 && log.arrays == 1 && log.schemas == 2)
  }
}
