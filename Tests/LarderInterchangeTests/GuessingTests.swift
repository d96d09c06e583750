import LarderColumns
import LarderContract
import LarderInterchange
import Testing

/// What type a column of text gets: never one that loses something of a cell.
@Suite struct GuessingTests {
  private func type(_ cells: [String], format: CSVFormat = .standard) throws -> DataType {
    let text = "x,y\n" + cells.map { "\($0),\n" }.joined()
    let table = try CSVTable(ByteSource(name: "t", bytes: Array(text.utf8)), format: format)
    return table.schema.fields[0].type
  }

  @Test(arguments: [
    (["1", "-2", "9223372036854775807"], DataType.int64),
    (["1.50", "2", ".5", "-0"], .float64),
    (["0.1", "1e-05", "1.5E10", "1e+300"], .float64),
    (["0.30000000000000004", "123456789.12345678"], .float64),
    // Seventeen digits, but no double prints back to them.
    (["0.10000000000000001"], .string),
    (["9007199254740993", "0.5"], .string),
    (["123456789012345678.5"], .string),
    (["9223372036854775808"], .string),
    (["0xde0b295669a9fd93d5f28d9ec85e40f4cb697bae"], .string),
    (["32E0134", "5E3"], .string), (["5e3", "1.5"], .string),
    (["007", "8"], .string), (["-007"], .string), (["00.5"], .string), (["+5", "6"], .string),
    (["Nan", "1.5"], .string), (["nan", "inf"], .string), (["1e400"], .string),
    (["-0", "1"], .float64), (["1.", "2.5"], .float64), (["."], .string), (["-"], .string),
    (["true", "FALSE"], .bool), (["t", "f"], .string),
    (["2024-01-01", "2024-02-01"], .date),
    (["2024-01-01", "2024-02-01 10:00"], .timestamp(.microseconds)),
    ([" 5", "6 "], .int64), (["1e1000000000000"], .string),
  ])
  func nothingIsLost(_ cells: [String], _ expected: DataType) throws {
    #expect(try type(cells) == expected, "\(cells)")
  }

  /// A float that is taken for one prints back to the decimal that it was.
  @Test func floatsPrintBack() throws {
    var state: UInt64 = 88_172_645_463_325_252
    func random(_ bound: UInt64) -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state % bound
    }
    for _ in 0..<3_000 {
      let digits = (0..<(1 + random(18))).map { _ in "\(random(10))" }.joined()
      let point = Int(random(UInt64(digits.count)))
      var cell = digits.prefix(point) + "." + digits.dropFirst(point)
      if random(4) == 0 { cell += "e\(random(2) == 0 ? "-" : "+")\(random(40))" }
      guard try type([String(cell)]) == .float64 else { continue }
      let printed = try #require(Double(String(cell))).description
      #expect(Self.plain(printed) == Self.plain(String(cell)), "\(cell) \(printed)")
    }
  }

  /// Digits without zeros at the ends, and the power of ten of the last.
  private static func plain(_ text: String) -> String {
    let parts = text.lowercased().split(separator: "e")
    var exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    let halves = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    var digits = String(halves[0]) + (halves.count > 1 ? String(halves[1]) : "")
    exponent -= halves.count > 1 ? halves[1].count : 0
    while digits.hasPrefix("0") { digits.removeFirst() }
    while digits.hasSuffix("0") {
      digits.removeLast()
      exponent += 1
    }
    return digits.isEmpty ? "0" : "\(digits)e\(exponent)"
  }

  @Test func pandasNullsSayNothing() throws {
    var pandas = try CSVFormat(nulls: CSVFormat.pandasNulls)
    pandas.nullsMayBeQuoted = true
    #expect(try type(["1.5", "NaN", "\"\"", "\"NA\"", "None"], format: pandas) == .float64)
    #expect(try type(["", "\"\"", "5"], format: pandas) == .int64)
    #expect(try type(["1.5", "\"\""]) == .string)
    let text = "k,t,x\n\"1\",\"2024-01-01\",\"\"\n2,\"2024-01-01\",\"1.5\"\n"
    let rows = try readCSV(text, view(), format: pandas)
    #expect(rows.map { $0[2] } == [.null, .float64(1.5)])
  }

  @Test func delimitersAreFoundByLooking() throws {
    func columns(_ text: String) throws -> [String] {
      try CSVTable(ByteSource(name: "t", bytes: Array(text.utf8))).schema.fields.map(\.name)
    }
    #expect(try columns("a;b;c\n1,5;2,5;3\n2,5;3;4\n") == ["a", "b", "c"])
    #expect(try columns("a\tb\n1,2\t3\n") == ["a", "b"])
    #expect(try columns("a|b|c\nx, y|2|3\n") == ["a", "b", "c"])
    #expect(try columns("a,b\n\"x;y;z\",2\n\"x;y\",3\n") == ["a", "b"])
    #expect(try columns("a,b;c\n1,2;3\n") == ["a", "b;c"])
    #expect(try columns("only\n1;2\n") == ["only"])
    #expect(try columns("\"a;1\";b\r\n\"x\n,y\";2\r\n") == ["a;1", "b"])
  }
}
