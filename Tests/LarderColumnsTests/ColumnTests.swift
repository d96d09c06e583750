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
}
