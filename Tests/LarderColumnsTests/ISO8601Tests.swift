import LarderColumns
import TestSupport
import Testing

@Suite struct ISO8601Tests {
  private func ticks(_ text: String, _ unit: TimeUnit = .microseconds) throws -> Int64 {
    try ISO8601.ticks(Array(text.utf8).span, in: unit)
  }

  private func flaw(_ text: String, _ unit: TimeUnit = .microseconds) -> ISO8601.Flaw? {
    do throws(ISO8601.Flaw) {
      _ = try ISO8601.ticks(Array(text.utf8).span, in: unit)
      return nil
    } catch { return error }
  }

  private func written(_ ticks: Int64, _ unit: TimeUnit) -> String {
    Timestamp(ticks: ticks, unit: unit).description
  }

  @Test(arguments: [
    ("1970-01-01", 0), ("1970-01-01T00:00:00Z", 0), ("1970-01-01 00:00:01", 1),
    ("1970-01-01T01:00:00+01:00", 0), ("1970-01-01T01:30:00+0130", 0),
    ("1969-12-31T19:00:00-05", 0), ("1969-12-31T23:59:59Z", -1),
    ("2013-01-01t06:00z", 1_357_020_000),
    ("2013-01-01 06:00:00 UTC", 1_357_020_000), ("2000-02-29", 951_782_400),
    ("0001-01-01", -62_135_596_800), ("9999-12-31T23:59:59Z", 253_402_300_799),
    ("+10000-01-01T00:00:00Z", 253_402_300_800), ("+0000-12-31", -62_135_683_200),
    ("-0001-01-01", -62_198_755_200),
  ])
  func readsSeconds(_ text: String, _ seconds: Int64) throws {
    #expect(try ticks(text, .seconds) == seconds)
    #expect(try ticks(text, .milliseconds) == seconds * 1_000)
    #expect(try ticks(text, .microseconds) == seconds * 1_000_000)
  }

  @Test func readsFractions() throws {
    #expect(try ticks("1970-01-01T00:00:00.5Z") == 500_000)
    #expect(try ticks("1970-01-01T00:00:00,123456Z") == 123_456)
    #expect(try ticks("1970-01-01T00:00:00.123456000000Z") == 123_456)
    #expect(try ticks("1970-01-01T00:00:00.123456789Z", .nanoseconds) == 123_456_789)
    #expect(try ticks("1969-12-31T23:59:59.999999Z") == -1)
    #expect(try ticks("1970-01-01T00:00:00.000Z", .seconds) == 0)
  }

  @Test func refusesWhatIsFinerThanTheUnit() {
    #expect(flaw("1970-01-01T00:00:00.1234567Z") == .finerThanUnit(.microseconds))
    #expect(flaw("1970-01-01T00:00:00.5Z", .seconds) == .finerThanUnit(.seconds))
    #expect(
      flaw("1970-01-01T00:00:00.1234567891Z", .nanoseconds) == .finerThanUnit(.nanoseconds))
    #expect(ISO8601.Flaw.finerThanUnit(.microseconds).reason.contains("\"timeUnit\": \"ns\""))
  }

  @Test(
    arguments: [
      ("", .malformed(at: 0)), ("2013", .malformed(at: 4)), ("13-01-01", .malformed(at: 0)),
      ("2013-01-01T", .malformed(at: 11)), ("2013-01-01T06", .malformed(at: 13)),
      ("2013-01-01T06:00:00.Z", .malformed(at: 20)), ("2013-01-01T06:00:00Zx", .malformed(at: 20)),
      ("2013-01-01x06:00", .malformed(at: 10)), ("2013-01-01T06:00:00+1", .malformed(at: 20)),
      ("2013-13-01", .noSuchMonth(13)), ("2013-00-01", .noSuchMonth(0)),
      ("2013-02-29", .noSuchDay(29)), ("1900-02-29", .noSuchDay(29)),
      ("2013-04-31", .noSuchDay(31)),
      ("2013-01-00", .noSuchDay(0)), ("2013-01-01T24:00:00Z", .noSuchHour(24)),
      ("2013-01-01T06:60:00Z", .noSuchMinute(60)), ("2016-12-31T23:59:60Z", .noSuchSecond(60)),
      ("2013-01-01T06:00:00+24:00", .noSuchZone), ("0000-01-01", .yearOutOfRange),
      ("+300000-01-01", .outOfRange(.microseconds)), ("10000-01-01", .malformed(at: 0)),
    ] as [(String, ISO8601.Flaw)])
  func refuses(_ text: String, _ expected: ISO8601.Flaw) {
    #expect(flaw(text) == expected)
    #expect(!expected.reason.isEmpty)
  }

  @Test func readsDates() throws {
    #expect(try ISO8601.days(Array("1970-01-02".utf8).span) == 1)
    #expect(try ISO8601.days(Array("1969-12-31".utf8).span) == -1)
    #expect(throws: ISO8601.Flaw.malformed(at: 10)) {
      try ISO8601.days(Array("1970-01-02T00:00:00Z".utf8).span)
    }
    #expect(throws: ISO8601.Flaw.yearOutOfRange) {
      try ISO8601.days(Array("+9999999-01-01".utf8).span)
    }
    #expect(ISO8601.text(days: .min) == "-5877641-06-23")
    #expect(try ISO8601.days(Array(ISO8601.text(days: .min).utf8).span) == .min)
    #expect(try ISO8601.days(Array(ISO8601.text(days: .max).utf8).span) == .max)
  }

  @Test func writesOnlyTheFractionNeeded() {
    #expect(written(1_357_020_000_000_000, .microseconds) == "2013-01-01T06:00:00Z")
    #expect(written(1_357_020_000_500_000, .microseconds) == "2013-01-01T06:00:00.5Z")
    #expect(written(-1, .nanoseconds) == "1969-12-31T23:59:59.999999999Z")
    #expect(written(-1, .milliseconds) == "1969-12-31T23:59:59.999Z")
    #expect(written(10, .nanoseconds) == "1970-01-01T00:00:00.00000001Z")
    #expect(written(253_402_300_800, .seconds) == "+10000-01-01T00:00:00Z")
    #expect(written(-62_198_755_200, .seconds) == "-0001-01-01T00:00:00Z")
  }

  @Test func readsBackEveryTick() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededRandom(seed: seed)
    for unit in TimeUnit.allCases {
      for round in 0..<2_000 {
        let value = Int64(truncatingIfNeeded: random.next()) >> Int64(random.int(0...62))
        let tick = round == 0 ? .min : round == 1 ? .max : value
        let text = written(tick, unit)
        #expect(try ticks(text, unit) == tick, "seed \(seed): \(tick) \(unit) as \(text)")
      }
    }
  }

  @Test func countsDaysAsAPlainLoopDoes() {
    var days: Int64 = 0
    for year in Int64(1970)..<2110 {
      for month in Int64(1)...12 {
        for day in 1...CivilDate.daysInMonth(month, of: year) {
          let date = CivilDate(year: year, month: month, day: day)
          if date.days != days || CivilDate(days: days) != date {
            Issue.record("\(date) is day \(date.days), not \(days)")
            return
          }
          days += 1
        }
      }
    }
    #expect(days == 51_134)
  }

  @Test func picksTheUnitThatHoldsATime() throws {
    #expect(try Timestamp(iso8601: "2013-01-01").unit == .microseconds)
    #expect(try Timestamp(iso8601: "2013-01-01T00:00:00.0000001").unit == .nanoseconds)
    #expect(throws: LarderError.self) { try Timestamp(iso8601: "yesterday") }
  }
}
