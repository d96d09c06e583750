import LarderColumns
import LarderContract
import LarderInterchange
import Testing

@Suite struct CSVSpineTests {
  private func spine(
    _ text: String, keys: [CSVSpine.Key] = [.init(column: "id", type: .int64)],
    unit: TimeUnit? = nil
  ) throws(LarderError) -> CSVSpine {
    try CSVSpine(
      ByteSource(name: "s.csv", bytes: Array(text.utf8)), keys: keys,
      timestamp: "event_timestamp", timeUnit: unit)
  }

  @Test func repeatsRecordsByteForByte() throws {
    let text =
      "\u{FEFF}note,\"id\",event_timestamp\r\n"
      + "\"a \"\"b\"\"\", 1 ,2013-01-01\r\n" + "\"\",,\r\n"
      + " x,1e0,2013-01-01T00:00:00.5Z\r\n"
    #expect(throws: LarderError.self) { try self.spine(text) }
    let good = text.replacing("1e0", with: "7.0")
    let spine = try self.spine(good)
    var out: [UInt8] = []
    spine.withHeader { out.append(contentsOf: $0) }
    out += spine.lineEnd
    let feature = try RecordBatch(["f": .float64([0.1, nil, 3])])
    CSVWriter(lineEnd: spine.lineEnd).append(feature, behind: spine, from: 0, to: &out)
    #expect(
      String(decoding: out, as: UTF8.self)
        == "note,\"id\",event_timestamp\r\n\"a \"\"b\"\"\", 1 ,2013-01-01,0.1\r\n\"\",,,\r\n"
        + " x,7.0,2013-01-01T00:00:00.5Z,3.0\r\n")
    #expect((0..<3).map { spine.batch.columns[0][$0] } == [.int64(1), .null, .int64(7)])
    #expect(spine.batch["event_timestamp"]?[1] == .null)
  }

  @Test func keepsTimesAsFineAsTheyAre() throws {
    let coarse = try spine("id,event_timestamp\n1,2013-01-01T00:00:00.123456Z\n")
    #expect(coarse.batch.columns[1].type == .timestamp(.microseconds))
    let fine = try spine(
      "id,event_timestamp\n1,2013-01-01\n1,2013-01-01T00:00:00.123456789Z\n")
    #expect(fine.batch.columns[1].type == .timestamp(.nanoseconds))
    let time = Timestamp(nanoseconds: 1_356_998_400_123_456_789)
    #expect(fine.batch.columns[1][1] == .timestamp(time))
  }

  @Test func asksForTheUnitOfBareIntegers() throws {
    let text = "id,event_timestamp\n1,1356998400\n"
    let error = #expect(throws: LarderError.self) { try spine(text) }
    #expect(error?.message.contains("--time-unit") == true)
    let seconds = try spine(text, unit: .seconds)
    #expect(seconds.batch.columns[1].type == .timestamp(.microseconds))
    let time = Timestamp(microseconds: 1_356_998_400_000_000)
    #expect(seconds.batch.columns[1][0] == .timestamp(time))
  }

  @Test func takesKeysOfAnyWidth() throws {
    let text = "id,event_timestamp\n99999999999999999999,2013-01-01\n5000000000,2013-01-01\n"
    let spine = try self.spine(text, keys: [.init(column: "id", type: .int32)])
    #expect(spine.batch.columns[0].type == .int64)
    #expect((0..<2).map { spine.batch.columns[0][$0] } == [.null, .int64(5_000_000_000)])
    let error = #expect(throws: LarderError.self) {
      try self.spine("id,event_timestamp\n1,2013-01-01\n1001.5,2013-01-01\n")
    }
    #expect(error?.description.hasPrefix("s.csv:3, column \"id\": Found \"1001.5\"") == true)
  }

  @Test func namesMissingColumns() {
    let error = #expect(throws: LarderError.self) {
      try spine("ids,event_timestamp\n1,2013-01-01\n")
    }
    #expect(error?.code == .notFound)
    #expect(error?.message.contains("Did you mean \"ids\"?") == true)
    #expect(throws: LarderError.self) { try spine("id,time\n1,2013-01-01\n") }
  }

  @Test func allowsNoRecords() throws {
    #expect(try spine("id,event_timestamp\n").batch.count == 0)
  }
}
