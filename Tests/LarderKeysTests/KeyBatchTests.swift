import LarderColumns
import LarderKeys
import TestSupport
import Testing

@Suite struct KeyBatchTests {
  private func schema(_ types: KeyType...) throws -> KeySchema {
    try KeySchema(types.enumerated().map { KeyColumn("k\($0.offset)", $0.element) })
  }

  private func batch(
    _ columns: Column..., as schema: KeySchema, for use: KeyUse = .lookup, rows: Range<Int>? = nil
  ) throws -> KeyBatch {
    let named = columns.enumerated().map { (name: "c\($0.offset)", column: $0.element) }
    return try KeyBatch(named, schema: schema, rows: rows ?? 0..<columns[0].count, for: use)
  }

  /// The keys of a batch, nil where a row has none.
  private func keys(_ batch: KeyBatch) throws -> [[KeyValue]?] {
    try (0..<batch.count).map { row in
      guard batch.mark(row) == .key else { return nil }
      return try EntityKey.deserialize(batch.schema.key(fromTail: batch.tail(row))).values
    }
  }

  @Test func takesIntegersOfAnyWidth() throws {
    let wide = Column.int64([1, nil, Int64(Int32.max), Int64(Int32.max) + 1, Int64(Int32.min) - 1])
    let narrow = try batch(wide, as: schema(.int32))
    #expect(try keys(narrow) == [[.int32(1)], nil, [.int32(.max)], nil, nil])
    #expect((0..<5).map { narrow.mark($0) } == [.key, .null, .key, .outOfRange, .outOfRange])
    let small = Column.int32([-7, nil, .max])
    #expect(
      try keys(batch(small, as: schema(.int64))) == [[.int64(-7)], nil, [.int64(2_147_483_647)]])
    #expect(try keys(batch(small, as: schema(.int32))) == [[.int32(-7)], nil, [.int32(.max)]])
    #expect(
      try keys(batch(wide, as: schema(.int64), rows: 1..<3)) == [nil, [.int64(2_147_483_647)]])
  }

  @Test func takesIntegralFloats() throws {
    let doubles = Column.float64([
      1001, -0.0, .nan, nil, .infinity, 0x1p63, -0x1p63, 0x1p31, 0x1.fffffffffffffp62, -0x1p31,
    ])
    #expect(
      try keys(batch(doubles, as: schema(.int64))) == [
        [.int64(1001)], [.int64(0)], nil, nil, nil, nil, [.int64(.min)], [.int64(1 << 31)],
        [.int64(0x7FFF_FFFF_FFFF_FC00)], [.int64(-1 << 31)],
      ])
    let narrow = try batch(doubles, as: schema(.int32))
    #expect(
      try keys(narrow) == [
        [.int32(1001)], [.int32(0)], nil, nil, nil, nil, nil, nil, nil, [.int32(.min)],
      ])
    #expect([2, 3, 4, 7].map { narrow.mark($0) } == [.null, .null, .outOfRange, .outOfRange])
    let floats = Column.float32([3, .nan, 16_777_216])
    #expect(
      try keys(batch(floats, as: schema(.int64))) == [[.int64(3)], nil, [.int64(16_777_216)]])
  }

  @Test func refusesFractionsWithTheirRow() throws {
    for use in [KeyUse.lookup, .write] {
      let error = #expect(throws: LarderError.self) {
        try batch(.float64([1, 2, 1001.5]), as: schema(.int64), for: use, rows: 1..<3)
      }
      #expect(error?.code == .invalidInput && error?.row == 2 && error?.column == "c0")
      #expect(error?.message.contains("1001.5") == true)
    }
  }

  @Test func refusesOtherKindsOfTypes() throws {
    let text = try Column.string(["1"])
    let cases: [(Column, KeyType)] = [
      (text, .int64), (text, .int32), (text, .bytes), (text, .timestamp), (.int64([1]), .string),
      (.int64([1]), .bytes), (.int64([1]), .timestamp), (.bool([true]), .int32),
      (.date([1]), .int32), (.date([1]), .timestamp), (.timestamp([1]), .int64),
      (try Column.string(["a"], type: .json), .string),
    ]
    for (column, type) in cases {
      let error = #expect(throws: LarderError.self, "\(column.type) as \(type)") {
        try batch(column, as: schema(type))
      }
      #expect(error?.code == .invalidInput && error?.column == "c0" && error?.row == 0)
    }
  }

  @Test func takesInstantsOfWholeSeconds() throws {
    for (unit, scale) in [
      (TimeUnit.seconds, 1), (.milliseconds, 1_000), (.microseconds, 1_000_000),
      (.nanoseconds, 1_000_000_000),
    ] {
      let column = Column.timestamp([Int64(-5) * Int64(scale), nil, 0], unit: unit)
      #expect(
        try keys(batch(column, as: schema(.timestamp))) == [
          [.timestamp(seconds: -5)], nil, [.timestamp(seconds: 0)],
        ])
    }
    let error = #expect(throws: LarderError.self) {
      try batch(.timestamp([0, 1], unit: .milliseconds), as: schema(.timestamp))
    }
    #expect(error?.row == 1 && error?.code == .invalidInput)
  }

  @Test func refusesNullsAndLargeValuesOnWrite() throws {
    let cases: [(Column, KeyType, Int)] = [
      (.int64([1, nil]), .int64, 1), (.int64([1 << 40]), .int32, 0),
      (.float64([1, .nan]), .int64, 1), (.float64([.infinity]), .int64, 0),
      (try Column.string(["", nil]), .string, 1), (.timestamp([nil]), .timestamp, 0),
    ]
    for (column, type, row) in cases {
      let error = #expect(throws: LarderError.self) {
        try batch(column, as: schema(type), for: .write)
      }
      #expect(error?.code == .invalidInput && error?.row == row && error?.column == "c0")
    }
  }

  @Test func holdsTheLimitOfKeyBytes() throws {
    let schema = try schema(.string)
    let room = schema.longestTail
    func column(_ count: Int) throws -> Column {
      try .string(["a", String(repeating: "x", count: count)])
    }
    for count in [room - 1, room] {
      let batch = try batch(column(count), as: schema, for: .write)
      #expect(batch.tail(1).count == count && batch.mark(1) == .key)
    }
    #expect(try batch(column(room + 1), as: schema).mark(1) == .outOfRange)
    let error = #expect(throws: LarderError.self) {
      try batch(column(room + 1), as: schema, for: .write)
    }
    #expect(error?.code == .limitExceeded && error?.row == 1)
  }

  @Test func takesDictionaries() throws {
    let words = try Column.string(["nyc", nil, "", "käse"])
    let indexes = Buffer(copying: [Int32(3), 0, 1, 2, 0, 3])
    let validity = Buffer(copying: [UInt8(0b101111)])
    let column = Column(
      type: .string, count: 6, nullCount: 1, validity: validity, values: indexes, child: words,
      isDictionary: true)
    let expected: [[KeyValue]?] = [
      [.string("käse")], [.string("nyc")], nil, [.string("")], nil, [.string("käse")],
    ]
    #expect(try keys(batch(column, as: schema(.string))) == expected)
    #expect(try keys(batch(column, as: schema(.string), rows: 1..<5)) == Array(expected[1..<5]))
    let numbers = Column(
      type: .int64, count: 6, nullCount: 1, validity: validity, values: indexes,
      child: .int64([10, nil, 30, 1 << 40]), isDictionary: true)
    #expect(
      try keys(batch(numbers, as: schema(.int64))) == [
        [.int64(1 << 40)], [.int64(10)], nil, [.int64(30)], nil, [.int64(1 << 40)],
      ])
    let error = #expect(throws: LarderError.self) {
      try batch(numbers, as: schema(.int32), for: .write, rows: 3..<6)
    }
    #expect(error?.row == 4)
  }

  @Test func agreesWithSingleKeysOnRandomColumns() throws {
    for seed in 0..<60 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let types = (0..<random.int(1...4)).map { _ in KeyType.allCases.randomElement(using: &random)!
      }
      let schema = try KeySchema(types.enumerated().map { KeyColumn("k\($0.offset)", $0.element) })
      let rows = random.int(0...70)
      var values: [[KeyValue?]] = []
      var columns: [(name: String, column: Column)] = []
      for (position, column) in schema.columns.enumerated() {
        let own = (0..<rows).map { _ -> KeyValue? in
          if random.chance(0.1) { return nil }
          switch column.type {
          case .int32: return .int32(Int32.random(in: -9...9, using: &random))
          case .int64: return .int64(Int64.random(in: .min ... .max, using: &random))
          case .timestamp: return .timestamp(seconds: Int64.random(in: -9...9, using: &random))
          case .string: return .string(String(repeating: "ü", count: random.int(0...12)))
          case .bytes: return .bytes((0..<random.int(0...30)).map { UInt8($0) })
          }
        }
        values.append(own)
        let plain = own.map { value -> Value in
          switch value {
          case .none: .null
          case .int32(let x): .int32(x)
          case .int64(let x): .int64(x)
          case .timestamp(let x): .timestamp(Timestamp(seconds: x))
          case .string(let x): .string(x)
          case .bytes(let x): .bytes(x)
          }
        }
        columns.append(("c\(position)", try Column.of(column.type.dataType, plain)))
      }
      let range = random.int(0...rows / 2)..<(rows - rows / 3)
      let batch = try KeyBatch(columns, schema: schema, rows: range, for: .lookup)
      for row in range {
        let whole = values.compactMap { $0[row] }
        if whole.count < values.count {
          #expect(batch.mark(row - range.lowerBound) == .null, "seed \(seed)")
        } else {
          let tail = try EntityKey(schema: schema, values: whole).tail
          #expect(Array(batch.tail(row - range.lowerBound)) == tail, "seed \(seed), row \(row)")
        }
      }
    }
  }

  @Test func servesViewsWithoutEntities() throws {
    let batch = KeyBatch.entityless(count: 3)
    let bytes = try batch.schema.key(fromTail: batch.tail(2))
    #expect(bytes == EntityKey.entityless.serialized)
  }
}
