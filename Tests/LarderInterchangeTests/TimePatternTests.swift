import LarderColumns
import LarderContract
import LarderInterchange
import Testing

/// Times in CSV that are integers of a unit, or written in a pattern.
@Suite struct TimePatternTests {
  private func times(
    _ cells: [String], pattern: String? = nil, unit: TimeUnit? = nil,
    kept: TimeUnit = .microseconds
  ) throws -> [String] {
    var format = try CSVFormat(delimiter: "|")
    format.timePattern = try pattern.map { try TimePattern($0) }
    let text = "k|t|x\n" + cells.map { "a|\($0)|1\n" }.joined()
    let source = ByteSource(name: "a.csv", bytes: Array(text.utf8))
    var reader = try CSVReader(source, for: view(unit: kept), format: format, timeUnit: unit)
    let batch = try #require(try reader.next())
    return (0..<batch.count).map { "\(batch.columns[1][$0])" }
  }

  @Test(arguments: [
    ("%Y%m%d", "20240131", "2024-01-31T00:00:00Z"),
    ("%d/%m/%Y", "31/01/2024", "2024-01-31T00:00:00Z"),
    ("%d/%m/%Y", "1/2/2024", "2024-02-01T00:00:00Z"),
    ("%m/%d/%y %I:%M %p", "02/03/24 12:05 AM", "2024-02-03T00:05:00Z"),
    ("%m/%d/%y %I:%M %p", "02/03/70  1:05 pm", "1970-02-03T13:05:00Z"),
    ("%Y-%m-%d %H:%M:%S %z", "2024-01-31 10:00:00 +0200", "2024-01-31T08:00:00Z"),
    ("%Y-%m-%d %H:%M:%S%z", "2024-01-31 10:00:00 -05:30", "2024-01-31T15:30:00Z"),
    ("%F %T.%f %z", "2024-01-31 10:00:00.5 UTC", "2024-01-31T10:00:00.5Z"),
    ("%d %b %Y", "29 feb 2024", "2024-02-29T00:00:00Z"),
    ("%B %d, %Y", "September 1, 2024", "2024-09-01T00:00:00Z"),
    ("%Y-%j", "2024-366", "2024-12-31T00:00:00Z"),
    ("%Y%m%d", "2024-01-31T01:00Z", "2024-01-31T01:00:00Z"),
  ])
  func patternsAreRead(_ pattern: String, _ cell: String, _ expected: String) throws {
    #expect(try times([cell], pattern: pattern) == [expected])
  }

  @Test(arguments: [
    ("%d/%m/%Y", "31/02/2024"), ("%d/%m/%Y", "2024/01/31"), ("%Y%m%d", "2024131"),
    ("%Y%m%d", "20240131x"), ("%H:%M %d/%m/%Y", "24:00 01/01/2024"), ("%Y-%j", "2023-366"),
    ("%F %T.%f", "2024-01-31 10:00:00.0000001"),
  ])
  func whatIsNotWrittenSoIsRefused(_ pattern: String, _ cell: String) {
    #expect(throws: LarderError.self) { try times([cell], pattern: pattern) }
  }

  @Test func patternsThatSayNoDayAreRefused() {
    for pattern in ["%H:%M", "%Y-%m", "%Q", "%", "abc"] {
      #expect(throws: LarderError.self) { try TimePattern(pattern) }
    }
  }

  @Test func integersCountWhatIsSaid() throws {
    let cells = ["1704067200", "-1"]
    let seconds = ["2024-01-01T00:00:00Z", "1969-12-31T23:59:59Z"]
    #expect(try times(cells, unit: .seconds) == seconds)
    #expect(try times(cells, unit: .seconds, kept: .nanoseconds) == seconds)
    #expect(try times(["1704067200000"], unit: .milliseconds) == [seconds[0]])
    #expect(try times(["1704067200000000000"], unit: .nanoseconds) == [seconds[0]])
    // What the view's unit cannot hold, and what nobody said the unit of.
    #expect(throws: LarderError.self) { try times(["1"], unit: .nanoseconds) }
    #expect(throws: LarderError.self) {
      try times(["9223372036854775807"], unit: .seconds, kept: .nanoseconds)
    }
    let refused = #expect(throws: LarderError.self) { try times(["1704067200"]) }
    #expect(refused?.message.contains("--time-unit") == true)
    #expect(try times(["2024-01-01"], unit: .seconds) == [seconds[0]])
  }

  @Test func timesAsFeaturesNeedTheirUnitToo() throws {
    let view = view(.timestamp(.microseconds))
    #expect(throws: LarderError.self) { try readRefusing("k,t,x\na,2024-01-01,5\n", view) }
    let rows = try readCSV("k,t,x\na,2024-01-01,5\n", view)
    #expect(rows[0][2] == .timestamp(Timestamp(microseconds: 5)))
  }

  private func readRefusing(_ text: String, _ view: FeatureView) throws {
    var reader = try CSVReader(ByteSource(name: "a.csv", bytes: Array(text.utf8)), for: view)
    _ = try reader.next()
  }
}
