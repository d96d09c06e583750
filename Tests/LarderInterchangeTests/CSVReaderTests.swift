import LarderColumns
import LarderContract
import LarderInterchange
import Testing

/// A view of one feature of a type, keyed by text.
func view(_ type: DataType = .float64, unit: TimeUnit = .microseconds) -> FeatureView {
  FeatureView(
    "v", entities: [Entity("e", joinKeys: [.string("k")])], eventTimestamp: "t", timeUnit: unit
  ) { Field("x", type) }
}

/// Reads a whole text as a view's rows.
func readCSV(
  _ text: String, _ view: FeatureView, format: CSVFormat = .standard, map: [String: String] = [:],
  policy: CSVErrorPolicy = .stop
) throws(LarderError) -> [[Value]] {
  let source = ByteSource(name: "a.csv", bytes: Array(text.utf8))
  var reader = try CSVReader(
    source, for: view, format: format, map: map, policy: policy, timeUnit: view.timeUnit)
  var rows: [[Value]] = []
  while let batch = try reader.next() { rows += (0..<batch.count).map(batch.row) }
  return rows
}

@Suite struct CSVReaderTests {
  private func values(_ cells: [String], _ type: DataType) throws -> [Value] {
    let lines = cells.map { "k,0,\($0)\n" }
    return try readCSV("k,t,x\n" + lines.joined(), view(type)).map { $0[2] }
  }

  private func failure(_ body: () throws(LarderError) -> Void) -> LarderError? {
    do throws(LarderError) {
      try body()
      return nil
    } catch { return error }
  }

  @Test func readsTheFreedomsOfFilesInTheWild() throws {
    let text =
      "\u{FEFF}t,\"x\",other,k\r\n"
      + "2013-01-01T06:00:00Z,1.5,ignored,\"a,\"\"b\"\"\nc\"\r\n"
      + "\r\n"
      + "1357020000000001, 2.5 ,,\"\"\r\n"
      + "2013-01-01,,,plain \"quotes\" stay"
    let rows = try readCSV(text, view())
    #expect(rows.count == 3)
    #expect(rows[0][0] == .string("a,\"b\"\nc"))
    #expect(rows[0][1] == .timestamp(Timestamp(microseconds: 1_357_020_000_000_000)))
    #expect(rows[0][2] == .float64(1.5))
    #expect(
      rows[1] == [
        .string(""), .timestamp(Timestamp(microseconds: 1_357_020_000_000_001)), .float64(2.5),
      ])
    #expect(rows[2][0] == .string("plain \"quotes\" stay"))
    #expect(rows[2][2] == .null)
  }

  @Test func readsOtherDelimitersAndNulls() throws {
    let format = try CSVFormat(delimiter: ";", nulls: ["NA", "-"])
    let rows = try readCSV("k;t;x\na;0;NA\nNA2;0;-\n\"NA\";0;1\n", view(), format: format)
    #expect(rows.map { $0[2] } == [.null, .null, .float64(1)])
    #expect(rows.map { $0[0] } == [.string("a"), .string("NA2"), .string("NA")])
    #expect(throws: LarderError.self) { try CSVFormat(delimiter: "\"") }
    #expect(throws: LarderError.self) { try CSVFormat(delimiter: "é") }
  }

  @Test func mapsColumns() throws {
    let rows = try readCSV("key,when,x\na,0,1\n", view(), map: ["k": "key", "t": "when"])
    #expect(rows == [[.string("a"), .timestamp(Timestamp(microseconds: 0)), .float64(1)]])
    let unknown = failure { () throws(LarderError) in
      _ = try readCSV("k,t,x\na,0,1\n", view(), map: ["key": "k"])
    }
    #expect(unknown?.code == .notFound)
    let twice = failure { () throws(LarderError) in
      _ = try readCSV("k,t,x\na,0,1\n", view(), map: ["k": "t"])
    }
    #expect(twice?.code == .invalidArgument)
  }

  @Test func tellsWhatTheFileHasAndHasNot() throws {
    let source = ByteSource(name: "a.csv", bytes: Array("t,k,y,z\n0,a,1,2\n".utf8))
    let reader = try CSVReader(source, for: view())
    #expect(reader.missingFeatures == ["x"])
    #expect(reader.unusedColumns == ["y", "z"])
  }

  @Test func readsEveryType() throws {
    #expect(
      try values(["true", "F", "1", "0", "True", "FALSE", "t", ""], .bool)
        == [
          .bool(true), .bool(false), .bool(true), .bool(false), .bool(true), .bool(false),
          .bool(true), .null,
        ])
    #expect(
      try values(["-2147483648", "+7", "12.000"], .int32)
        == [.int32(.min), .int32(7), .int32(12)])
    #expect(
      try values(["9223372036854775807", "-9223372036854775808", "0"], .int64)
        == [.int64(.max), .int64(.min), .int64(0)])
    #expect(
      try values(["1e-3", "0x1.8p3", "-Infinity", "inf", "5e-324", "-0.0"], .float64)
        == [
          .float64(0.001), .float64(12), .float64(-.infinity), .float64(.infinity),
          .float64(.leastNonzeroMagnitude), .float64(-0.0),
        ])
    #expect(
      try values(["nan", "-nan", "nan(0x7ff0000000000001)"], .float64)
        == [0x7FF8 << 48, 0xFFF8 << 48, 0x7FF0_0000_0000_0001].map {
          Value.float64(Double(bitPattern: $0))
        })
    #expect(try values(["1969-12-31", "2013-02-28"], .date) == [.date(-1), .date(15_764)])
    #expect(
      try values(["1969-12-31T23:59:59.999999999Z"], .timestamp(.nanoseconds))
        == [.timestamp(Timestamp(nanoseconds: -1))])
    #expect(
      try values(["aGk=", "", "\"\""], .bytes) == [.bytes(Array("hi".utf8)), .null, .bytes([])])
    #expect(
      try values(["\"[1,null,-3]\"", "[]"], .list(.int32))
        == [.list([.int32(1), .null, .int32(-3)]), .list([])])
    #expect(
      try values(["\"[\"\"a,\"\",\"\"\\u00e9\"\"]\""], .list(.string))
        == [.list([.string("a,"), .string("\u{e9}")])])
    #expect(try values(["\"{\"\"a\"\":1}\""], .json) == [.string("{\"a\":1}")])
  }

  @Test(
    arguments: [
      ("abc", DataType.float64), ("1,5", .float64), ("1e400", .float64), ("--1", .float64),
      ("1e", .float64), (".", .float64), ("0x", .float64), ("nan(0x0)", .float64),
      ("infinit", .float64), ("1e39", .float32), ("nan(0x7fc000000)", .float32),
      ("1001.5", .int64), ("9223372036854775808", .int64), ("2147483648", .int32), ("1e3", .int64),
      ("1 2", .int64), ("-", .int64), ("yes", .bool), ("2", .bool), ("aGk", .bytes),
      ("aGl=", .bytes), ("a b=", .bytes), ("2013-02-30", .date), ("2013-01-01T00:00:00Z", .date),
      ("2013-01-01T00:00:00.1234567Z", .timestamp(.microseconds)), ("\"\"", .int64),
      ("[1", .list(.int64)), ("[\"a\"]", .list(.int64)), ("{}", .list(.int64)),
      ("[1]", .list(.string)),
    ] as [(String, DataType)])
  func refusesCells(_ cell: String, _ type: DataType) {
    let quoted = cell.contains(",") ? "\"\(cell)\"" : cell
    let error = failure { () throws(LarderError) in
      _ = try readCSV("k,t,x\na,0,\na,0,\(quoted)\n", view(type))
    }
    #expect(error?.code == .invalidInput)
    #expect(error?.position == TextPosition(line: 3))
    #expect(error?.column == "x")
    #expect(error?.file == "a.csv")
    let inner = cell == "\"\"" ? "" : cell
    #expect(error?.message.contains("\"\(inner)\"") == true, "\(String(describing: error))")
  }

  @Test(
    arguments: [
      ("", "empty", nil), ("\u{FEFF}", "empty", nil), ("k,t,k\n", "twice", 1),
      ("k,t,x\na,0\n", "2 cells; the header has 3", 2),
      ("k,t,x\n\na,0,1,2\n", "4 cells; the header has 3", 3),
      ("k,t,x\n\"a\nb\",0,1\na,0\n", "2 cells", 4),
      ("k,t,x\na,0,\"1\n", "never closed", 2), ("k,t,\"x\n", "never closed", 1),
      ("k,t,x\n\"a\"b,0,1\n", "after its closing quote", 2),
      ("k,x\na,1\n", "no column \"t\"", 1), ("K,t,x\na,0,1\n", "Did you mean \"K\"", 1),
      ("k,t,x\na,,1\n", "null", 2), ("k,t,x\n,0,1\n", "null", 2),
    ] as [(String, String, Int?)])
  func refusesFiles(_ text: String, _ words: String, _ line: Int?) {
    let error = failure { () throws(LarderError) in _ = try readCSV(text, view()) }
    #expect(error?.code == .invalidInput)
    #expect(error?.position?.line == line, "\(String(describing: error))")
    #expect(error?.message.contains(words) == true, "\(String(describing: error))")
  }

  @Test func refusesWhatIsNotUTF8WithLineAndByte() throws {
    let bytes = Array("k,t,x\na,0,1\n\"c\nd".utf8) + [0xC3, 0x28] + Array("\",0,1\n".utf8)
    let error = failure { () throws(LarderError) in
      var reader = try CSVReader(
        ByteSource(name: "a.csv", bytes: bytes), for: view(), timeUnit: .microseconds)
      while try reader.next() != nil {}
    }
    #expect(error?.position == TextPosition(line: 4))
    #expect(error?.message.contains("Byte 5 of the record is not UTF-8") == true)
  }

  @Test func skipsBadRecordsAndCountsThem() throws {
    var text = "k,t,x\n"
    for row in 0..<5_000 {
      switch row % 10 {
      case 3: text += "a,0,oops\n"
      case 5: text += "a,0\n"
      case 7: text += ",0,oops\n"
      default: text += "k\(row),\(row),\(row)\n"
      }
    }
    let source = ByteSource(name: "a.csv", bytes: Array(text.utf8))
    var reader = try CSVReader(source, for: view(), policy: .skip, timeUnit: .microseconds)
    var rows: [[Value]] = []
    while let batch = try reader.next() { rows += (0..<batch.count).map(batch.row) }
    #expect(rows.count == 3_500)
    #expect(
      rows.allSatisfy { row in
        guard case .float64(let x) = row[2], case .timestamp(let t) = row[1] else { return false }
        return row[0] == .string("k\(Int(x))") && Double(t.ticks) == x
      })
    #expect(reader.skipped.count == 1_500)
    #expect(
      reader.skipped.reasons == [
        "column \"x\": not a float64": 500, "wrong number of cells": 500,
        "column \"k\": null, and it must not be": 500,
      ])
    #expect(reader.skipped.samples.count == 5)
    let lines = reader.skipped.samples.compactMap(\.position?.line)
    #expect(lines.count == 5 && lines.allSatisfy { [5, 7, 9].contains($0 % 10) })
  }

  @Test func stopsAtTheFirstBadRecordWhateverIsWrongWithIt() {
    let value = failure { () throws(LarderError) in
      _ = try readCSV("k,t,x\na,0,1\na,0,oops\na,0\n", view())
    }
    #expect(value?.position?.line == 3)
    let cells = failure { () throws(LarderError) in
      _ = try readCSV("k,t,x\na,0,1\na,0\na,0,oops\n", view())
    }
    #expect(cells?.position?.line == 3)
  }

  @Test func cutsBatches() throws {
    let rows = 150_000
    let text = "k,t,x\n" + String(repeating: "a,0,1\n", count: rows)
    var reader = try CSVReader(
      ByteSource(name: "a.csv", bytes: Array(text.utf8)), for: view(), timeUnit: .microseconds)
    var sizes: [Int] = []
    while let batch = try reader.next() { sizes.append(batch.count) }
    #expect(sizes.reduce(0, +) == rows && reader.rows == rows)
    #expect(sizes.allSatisfy { $0 <= CSVReader.batchRows } && sizes.count == 3)
    #expect(reader.bytesRead == text.utf8.count)
  }
}
