import LarderColumns
import Testing

@Suite struct ColumnTests {
  @Test func keepsValuesAndNullsThroughSlices() throws {
    let column = Column.int64((0..<100).map { $0 % 7 == 0 ? nil : Int64($0) })
    #expect(column.nullCount == 15)
    let slice = column.slice(10..<30)
    for row in 0..<20 {
      let expected: Value = (row + 10) % 7 == 0 ? .null : .int64(Int64(row + 10))
      #expect(slice[row] == expected)
    }
    #expect(slice.nullCount == 3)
  }

  @Test func keepsEveryBitOfFloats() throws {
    let patterns: [UInt64] = [0, 1, 1 << 63, 0x7FF0_0000_0000_0001, .max, 0x7FF8_DEAD_BEEF_0001]
    let column = Column.float64(patterns.map { Double(bitPattern: $0) })
    for (row, pattern) in patterns.enumerated() {
      #expect(column[row] == .float64(Double(bitPattern: pattern)))
    }
  }

  @Test func buildsTextAndLists() throws {
    let text = try Column.string(["a", nil, "", "käse"])
    let words: [Value] = [.string("a"), .null, .string(""), .string("käse")]
    #expect((0..<4).map { text[$0] } == words)
    let list = try Column.of(.list(.int32), [.list([.int32(1), .null]), .null, .list([])])
    #expect(list[0] == .list([.int32(1), .null]))
    #expect(list.slice(1..<3)[1] == .list([]))
  }

  @Test func refusesColumnsOfDifferentLengths() throws {
    #expect(throws: LarderError.self) {
      try RecordBatch(["a": .int64([1]), "b": .int64([1, 2])])
    }
  }

  @Test(arguments: ["bool", "timestamp", "timestamp(ns)", "list<float32>", "opaque(map)", "uuid"])
  func namesTypes(_ name: String) throws {
    #expect(try DataType(named: name).description == name)
  }

  @Test func suggestsTheNearestName() {
    #expect(nearestName(to: "drivr_stats", among: ["driver_stats", "weather"]) == "driver_stats")
    #expect(nearestName(to: "stast", among: ["rates", "stats"]) == "stats")
    #expect(nearestName(to: "abc", among: ["xyz"]) == nil)
    #expect(throws: LarderError.self) { try DataType(named: "int46") }
  }

  @Test func holdsTheRowsOfABatch() throws {
    for rows in [Limits.batchRows - 1, Limits.batchRows] {
      #expect(try RecordBatch(schema: Schema([]), columns: [], count: rows).count == rows)
    }
    let failure = #expect(throws: LarderError.self) {
      try RecordBatch(schema: Schema([]), columns: [], count: Limits.batchRows + 1)
    }
    #expect(failure?.code == .limitExceeded)
  }

  @Test func refusesANegativeNumberOfRows() throws {
    for rows in [-1, Int.min] {
      let failure = #expect(throws: LarderError.self) {
        try RecordBatch(schema: Schema([]), columns: [], count: rows)
      }
      #expect(failure?.code == .invalidArgument)
    }
  }

  /// A list one of whose elements is refused leaves nothing behind, whatever its elements are.
  @Test func aRefusedListLeavesTheColumnAsItWas() throws {
    let lists: [(DataType, good: [Value], bad: Value)] = [
      (.int64, [.int64(1), .null, .int64(3)], .string("x")), (.bool, [.bool(true)], .int32(1)),
      (.string, [.string("a"), .null, .string("bc")], .int64(1)), (.float32, [.null], .bool(true)),
      (
        .timestamp(.seconds), [.timestamp(Timestamp(seconds: 1))],
        .timestamp(Timestamp(milliseconds: 1))
      ),
    ]
    for (type, good, bad) in lists {
      for before in 0..<10 {
        var (builder, plain) = (ColumnBuilder(.list(type)), ColumnBuilder(.list(type)))
        for _ in 0..<before {
          try builder.append(.list(good))
          try plain.append(.list(good))
        }
        for length in 0..<10 {
          let many = (0..<length).map { good[$0 % good.count] }
          let failure = #expect(throws: LarderError.self) {
            try builder.append(.list(many + [bad] + many))
          }
          #expect(failure?.code == .invalidInput && failure?.row == before)
        }
        for value in [Value.list(good), .null, .list([])] {
          try builder.append(value)
          try plain.append(value)
        }
        let (made, expected) = (builder.finish(), plain.finish())
        #expect(made.count == before + 3 && made.nullCount == 1)
        #expect(made.elements?.count == expected.elements?.count)
        #expect(made.elements?.nullCount == expected.elements?.nullCount)
        for row in 0..<made.count { #expect(made[row] == expected[row]) }
      }
    }
  }

  @Test func elementsOfASliceAreThoseOfItsRows() throws {
    let column = try Column.of(
      .list(.int32), [.list([.int32(1), .null]), .null, .list([]), .list([.int32(4), .int32(5)])])
    for range in [0..<4, 0..<1, 1..<3, 3..<4, 2..<2, 4..<4] {
      let slice = column.slice(range)
      let expected = range.flatMap { row -> [Value] in
        if case .list(let values) = column[row] { values } else { [] }
      }
      let elements = try #require(slice.elements)
      #expect((0..<elements.count).map { elements[$0] } == expected)
      #expect(slice.slice(0..<slice.count).elements?.count == expected.count)
    }
    #expect(try Column.string(["a"]).elements == nil)
  }

  /// What holds values of one type is never read as another, be they of one width.
  @Test func readsValuesAsTheirTypeOnly() throws {
    let columns: [(Column, Any.Type)] = [
      (.int32([1]), Int32.self), (.date([1]), Int32.self), (.int64([1]), Int64.self),
      (.timestamp([1]), Int64.self), (.float32([1]), Float.self), (.float64([1]), Double.self),
      (.bool([true]), Never.self), (try .string(["a"]), Never.self),
      (try .of(.list(.int64), [.list([.int64(1)])]), Never.self),
    ]
    func read<T: BitwiseCopyable>(_ column: Column, _ own: Any.Type, as type: T.Type) throws {
      if type == own {
        #expect(try column.withValues(as: type) { $0.count } == 1)
      } else {
        let failure = #expect(throws: LarderError.self) {
          try column.withValues(as: type) { $0.count }
        }
        #expect(failure?.code == .invalidArgument, "\(column.type) as \(type)")
      }
    }
    for (column, own) in columns {
      try read(column, own, as: Int32.self)
      try read(column, own, as: Int64.self)
      try read(column, own, as: Float.self)
      try read(column, own, as: Double.self)
      try read(column, own, as: UInt64.self)
      try read(column, own, as: UInt8.self)
      try read(column, own, as: (Int32, Int32).self)
      try read(column, own, as: Bool.self)
    }
  }

  @Test(arguments: [
    (1, LarderError.Code?.none), (2, .invalidArgument), (63, .invalidArgument),
    (64, .invalidArgument), (65, .limitExceeded), (16_000, .limitExceeded),
    (4_000_000, .limitExceeded),
  ])
  func typesNestSoDeep(_ depth: Int, _ code: LarderError.Code?) throws {
    let name =
      String(repeating: "list<", count: depth) + "int64" + String(repeating: ">", count: depth)
    guard let code else {
      #expect(try DataType(named: name) == .list(.int64))
      return
    }
    let failure = #expect(throws: LarderError.self) { try DataType(named: name) }
    #expect(failure?.code == code)
    #expect((failure?.message.count ?? 0) < 1_000)
  }

  @Test(arguments: [
    "", "list<", "list<>", ">", "<", "list<<int64>", "list<int64", "timestamp(",
    "timestamp()", "list<list<", "LIST<int64>", "opaque",
  ])
  func refusesWhatIsNoType(_ name: String) {
    #expect(throws: LarderError.self) { try DataType(named: name) }
  }
}
