import LarderColumns
import LarderContract
import LarderFiles
import TestSupport
import Testing

@testable import LarderOffline

@Suite struct ValidationTests {
  let disk = SimulatedFileSystem(seed: 61)

  private func store(_ view: FeatureView) throws -> Store {
    let store = try Store.open(
      "/s", access: .create, host: disk.host(), options: Fixture.options())
    try store.apply(Fixture.definitions(view))
    return store
  }

  private func columns(_ rows: [TestRow]) throws -> [(String, Column)] {
    let batch = try Fixture.batch(rows)
    return zip(batch.schema.fields.map(\.name), batch.columns).map { ($0, $1) }
  }

  private func batch(_ columns: [(String, Column)]) throws -> RecordBatch {
    try RecordBatch(
      schema: Schema(columns.map { ColumnField($0.0, $0.1.type) }), columns: columns.map(\.1))
  }

  /// Appends with one column replaced or left out and returns the refusal.
  private func refusal(
    _ store: Store, _ name: String, _ column: Column?, extra: [(String, Column)] = [],
    count: Int = 3
  ) throws -> LarderError? {
    var all = try columns(Fixture.rows(count, from: 0)).filter { $0.0 != name }
    if let column { all.append((name, column)) }
    let before = disk.paths
    let head = try store.snapshot().commit
    do {
      try store.append([try batch(all + extra)], to: "stats")
      return nil
    } catch let error as LarderError {
      #expect(disk.paths == before, "nothing is written")
      #expect(try store.snapshot().commit == head)
      return error
    }
  }

  @Test func refusesWithColumnAndRow() throws {
    let store = try store(Fixture.view())
    func check(
      _ name: String, _ column: Column?, row: Int? = nil, says word: String,
      extra: [(String, Column)] = []
    ) throws {
      let error = try #require(try refusal(store, name, column, extra: extra), "\(name)")
      #expect(error.code == .invalidInput, "\(error)")
      #expect(error.column == (extra.first?.0 ?? name), "\(error)")
      #expect(error.row == row, "\(error)")
      #expect(error.message.contains(word), "\(error)")
    }
    try check("driver_id", nil, says: "join key")
    try check("driver_id", .int64([1, nil, 3]), row: 1, says: "null")
    try check("driver_id", .float64([1, 2, 1001.5]), row: 2, says: "1001.5")
    try check("event", nil, says: "event time")
    try check("event", .timestamp([1, 2, nil]), row: 2, says: "null")
    try check("event", .int64([1, 2, 3]), says: "int64")
    try check(
      "event", .timestamp([1_000, 2_000, 3_001], unit: .nanoseconds), row: 2,
      says: "\"timeUnit\": \"ns\"")
    try check("event", .timestamp([1, .max, 3], unit: .seconds), row: 1, says: "range")
    try check("created", nil, says: "created time")
    try check("value", .string(["a", "b", "c"]), says: "string")
    try check("value", .float64([1, 2, 3]), says: "float64")
    try check(
      "x", nil, says: "Did you mean \"value\"", extra: [("valve", .int64([1, 2, 3]))].map { $0 })
    try check("x", nil, says: "two columns", extra: [("value", .int64([1, 2, 3]))])
  }

  @Test func namesTheRowOfAListAndNotTheElement() throws {
    let view = FeatureView(
      "stats", entities: [Fixture.driver],
      features: [
        Field("value", .int64), Field("times", .list(.timestamp(.microseconds))),
        Field("words", .list(.string)),
      ], eventTimestamp: "event", createdTimestamp: "created")
    let store = try store(view)
    let times = try Column.of(
      .list(.timestamp(.nanoseconds)),
      [[1_000, 2_000, 3_000], [], [4_000, 5_001]].map { list in
        .list(list.map { .timestamp(Timestamp(ticks: $0, unit: .nanoseconds)) })
      })
    let bytes: [UInt8] = [0x61, 0x62, 0xFF]
    let letters = Column(
      type: .string, count: 3, nullCount: 0, validity: nil,
      values: Buffer(copying: [Int32(0), 1, 2, 3]), bytes: Buffer(copying: bytes))
    let words = Column(
      type: .list(.string), count: 3, nullCount: 0, validity: nil,
      values: Buffer(copying: [Int32(0), 2, 3, 3]), child: letters)
    for (name, column, row) in [("times", times, 2), ("words", words, 1)] {
      let error = try #require(try refusal(store, name, column), "\(name)")
      #expect(error.code == .invalidInput, "\(error)")
      #expect(error.column == name && error.row == row, "\(error)")
      // A slice has rows of its own; what lies before it may be refused without a row.
      let sliced = try #require(
        try refusal(store, name, column.slice(row..<3), count: 3 - row), "\(name)")
      #expect(sliced.row == 0, "\(sliced)")
    }
  }

  @Test func convertsWhatLosesNothing() throws {
    let store = try store(Fixture.view())
    var all = try columns(Fixture.rows(3, from: 0)).filter { $0.0 == "driver_id" }
    all.append(("event", .date([0, 1, -1])))
    all.append(("created", .timestamp([1, nil, 3], unit: .milliseconds)))
    all.append(("value", .int32([7, 8, 9])))
    try store.append([try batch(all)], to: "stats")
    let rows = try store.snapshot().allRows().sorted()
    #expect(rows.map(\.event) == [0, 86_400_000_000, -86_400_000_000])
    #expect(rows.map(\.created) == [1_000, nil, 3_000])
    #expect(rows.map(\.value) == [7, 8, 9])
    // Nanoseconds with nothing below a microsecond are no remainder.
    #expect(
      try refusal(store, "event", .timestamp([1_000, -2_000, 0], unit: .nanoseconds)) == nil)
  }

  @Test func takesSlicesAndDictionaries() throws {
    let view = FeatureView(
      "stats", entities: [Fixture.driver],
      features: [Field("s", .string), Field("l", .list(.int64)), Field("value", .int64)],
      eventTimestamp: "event", createdTimestamp: "created")
    let store = try store(view)
    let words = Column(
      type: .string, count: 5, nullCount: 0, validity: nil,
      values: Buffer(copying: [Int32(1), 0, 1, 1, 0]), child: try .string(["no", "yes"]),
      isDictionary: true)
    let lists = try Column.of(
      .list(.int32), (0..<5).map { .list((0..<$0).map { .int32(Int32($0)) }) })
    var all = try columns(Fixture.rows(5, from: 0))
    all += [("s", words), ("l", lists)]
    let whole = try batch(all)
    try store.append([whole.slice(1..<3), whole.slice(3..<5), whole.slice(0..<1)], to: "stats")
    let snapshot = try store.snapshot()
    let stored = try #require(snapshot.catalog.view(named: "stats"))
    let segment = try snapshot.open(try #require(snapshot.segments(of: stored).first))
    let all5 = 0..<5
    let values = try segment.decode(fieldID: 3, rows: all5, as: .int64)
    let texts = try segment.decode(fieldID: 1, rows: all5, as: .string)
    let numbers = try segment.decode(fieldID: 2, rows: all5, as: .list(.int64))
    for row in all5 {
      guard case .int64(let value) = values[row] else { continue }
      #expect(texts[row] == words[Int(value)])
      #expect(numbers[row] == .list((0..<value).map { .int64($0) }))
    }
  }

  @Test func emptyAppendsCommitNothing() throws {
    let store = try store(Fixture.view())
    let head = try store.snapshot().commit
    #expect(try store.append([], to: "stats") == head)
    #expect(try store.append([Fixture.batch([])], to: "stats") == head)
    #expect { try store.append([], to: "stat") } throws: { error in
      (error as? LarderError)?.code == .notFound
        && (error as? LarderError)?.message.contains("\"stats\"") == true
    }
  }
}
