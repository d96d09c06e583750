import Foundation
import LarderColumns
import LarderContract
import Testing

@Suite struct DefinitionsTests {
  static let example = """
    {"entities": [{"name": "airport", "joinKeys": [{"name": "origin", "type": "string"}]},
                  {"name": "gate", "joinKeys": [{"name": "origin", "type": "string"},
                                                {"name": "number", "type": "int32"}],
                   "description": "a gate", "tags": {"b": "2", "a": "1"}}],
     "featureViews": [{"name": "weather", "entities": ["airport"], "timeToLive": "3h",
                       "timestamp": "time_hour", "created": null, "timeUnit": "us",
                       "partition": "month",
                       "features": [{"name": "temp", "type": "float64", "formerly": "t"},
                                    {"name": "wind_dir", "type": "int64"},
                                    {"name": "codes", "type": "list<string>"}]},
                      {"name": "vix", "timestamp": "date", "created": "loaded", "timeUnit": "ns",
                       "features": [{"name": "close", "type": "float64"}]}],
     "featureServices": [{"name": "delays", "features": ["weather:temp", "at_dest:*"],
                          "projections": [{"view": "weather", "as": "at_dest",
                                           "joinKeys": {"origin": "dest"}}]}]}
    """

  private func read(_ text: String) throws(LarderError) -> Definitions {
    try Definitions(json: Array(text.utf8), file: "definitions.json")
  }

  @Test func readsTheExample() throws {
    let definitions = try read(Self.example)
    let airport = Entity("airport", joinKeys: [.string("origin")])
    let weather = FeatureView(
      "weather", entities: [airport], timeToLive: .seconds(10_800), eventTimestamp: "time_hour",
      partition: .month
    ) {
      Field("temp", .float64, formerly: "t")
      Field("wind_dir", .int64)
      Field("codes", .list(.string))
    }
    #expect(definitions.featureViews.first == weather)
    #expect(definitions.entities.last?.tags == ["a": "1", "b": "2"])
    let vix = try #require(definitions.featureViews.last)
    #expect(vix.isEntityless && vix.timeUnit == .nanoseconds && vix.createdTimestamp == "loaded")
    #expect(vix.timeToLive == nil)
    let service = try #require(definitions.featureServices.first)
    #expect(service.features == ["weather:temp", "at_dest:*"])
    #expect(
      service.projections == [
        .projection(of: "weather", as: "at_dest", joinKeys: ["origin": "dest"])
      ])
  }

  @Test func writesTheSameBytesAgain() throws {
    let definitions = try read(Self.example)
    let json = definitions.json
    let again = try Definitions(json: json)
    #expect(again == definitions)
    #expect(again.json == json)
  }

  @Test func listsEntitiesThatOnlyViewsName() throws {
    let driver = Entity("driver", joinKeys: [.int64("driver_id")])
    let view = FeatureView("stats", entities: [driver], features: [Field("a", .int64)])
    let again = try Definitions(json: Definitions(featureViews: [view]).json)
    #expect(again.entities == [driver])
    #expect(again.featureViews == [view])
  }

  @Test(arguments: [
    ("\"timestamp\"", "\"timestmp\"", "Did you mean \"timestamp\"?", 0),
    ("\"float64\", \"formerly\"", "\"flot64\", \"formerly\"", "Did you mean \"float64\"?", 0),
    ("[\"airport\"]", "[\"airprt\"]", "Did you mean \"airport\"?", 1),
    ("\"3h\"", "\"3 hours\"", "3h", 0),
    ("\"3h\"", "3", "must be a string", 0),
    ("\"us\"", "\"ms\"", "us or ns", 0),
    ("\"us\"", "\"µs\"", "the units are", 0),
    ("\"month\"", "\"week\"", "Unknown partition", 0),
    ("\"weather:temp\"", "\"weather\"", "view:feature", 0),
    ("\"weather:temp\"", "\"weather:tmp\"", "Did you mean \"temp\"?", 0),
    ("\"wind_dir\"", "\"temp\"", "the name of another feature", 0),
    ("\"wind_dir\"", "\"origin\"", "the name of a join key", 0),
    ("\"wind_dir\"", "\"time_hour\"", "the name of the event time", 0),
    ("\"wind_dir\"", "\"a:b\"", "colon", 0),
    ("\"wind_dir\"", "\"__x\"", "begin with __", 0),
    ("\"wind_dir\"", "\"\"", "empty name", 0),
    ("\"int32\"", "\"float64\"", "cannot be \"float64\"", 0),
    ("{\"origin\": \"dest\"}", "{\"orign\": \"dest\"}", "no join key \"orign\"", 10),
    ("\"name\": \"vix\"", "\"name\": \"weather\"", "There are two of feature view", 8),
    ("\"list<string>\"", "\"list<list<string>>\"", "list of lists", 0),
    ("\"int64\"", "\"timestamp(s)\"", "us or ns", 0),
  ])
  func refusesWithPlaceAndAdvice(
    _ found: String, _ replacement: String, _ advice: String, _ skip: Int
  ) throws {
    let range = try #require(Self.example.range(of: found))
    let text = Self.example.replacingCharacters(in: range, with: replacement)
    let lines = Self.example[..<range.lowerBound].split(
      separator: "\n", omittingEmptySubsequences: false)
    let place = "\(lines.count):\((lines.last?.count ?? 0) + 1 + skip)"
    let error = #expect(throws: LarderError.self) { try read(text) }
    #expect(error?.code == .invalidInput)
    #expect(error?.message.contains(advice) == true, "\(String(describing: error))")
    #expect(error?.description.hasPrefix("definitions.json:") == true)
    #expect(error?.position?.description == place, "\(String(describing: error))")
  }

  @Test func refusesJoinKeysOfTwoTypes() {
    let a = Entity("a", joinKeys: [.int64("id")])
    let b = Entity("b", joinKeys: [.string("id")])
    let error = #expect(throws: LarderError.self) { try Definitions(entities: [a, b]).validate() }
    #expect(error?.message.contains("one name has one type") == true)
    let view = FeatureView("v", entities: [a, b], features: [])
    #expect(throws: LarderError.self) { try view.validate() }
  }

  @Test func limitsNamesAndCounts() throws {
    let name = { (bytes: Int) in String(repeating: "n", count: bytes) }
    let view = { (feature: String) in
      FeatureView("v", entities: [], features: [Field(feature, .bool)])
    }
    try view(name(Limits.nameBytes - 1)).validate()
    try view(name(Limits.nameBytes)).validate()
    #expect(throws: LarderError.self) { try view(name(Limits.nameBytes + 1)).validate() }
    #expect(throws: LarderError.self) { try view("a\u{7}").validate() }
    #expect(throws: LarderError.self) { try view("a\u{85}").validate() }
    let wide = { (count: Int) in
      FeatureView("v", entities: [], features: (0..<count).map { Field("f\($0)", .bool) })
    }
    try wide(Limits.featuresPerView - 1).validate()
    try wide(Limits.featuresPerView).validate()
    #expect(throws: LarderError.self) { try wide(Limits.featuresPerView + 1).validate() }
    let keys = { (count: Int) in Entity("e", joinKeys: (0..<count).map { .int64("k\($0)") }) }
    try Definitions(entities: [keys(Limits.joinKeys - 1)]).validate()
    try Definitions(entities: [keys(Limits.joinKeys)]).validate()
    #expect(throws: LarderError.self) {
      try Definitions(entities: [keys(Limits.joinKeys + 1)]).validate()
    }
    #expect(throws: LarderError.self) { try Definitions(entities: [keys(0)]).validate() }
  }

  @Test func refusesTimesToLiveThatMeanSomethingElse() throws {
    let view = { (ttl: Duration) in
      FeatureView("v", entities: [], features: [], timeToLive: ttl)
    }
    try view(.nanoseconds(1)).validate()
    try view(.zero).validate()
    #expect(throws: LarderError.self) { try view(.seconds(-1)).validate() }
    let half = Duration(secondsComponent: 0, attosecondsComponent: 500_000_000)
    #expect(throws: LarderError.self) { try view(half).validate() }
  }

  @Test(arguments: ["90s", "15m", "3h", "2d", "4w", "250ms", "10us", "5ns", "0s"])
  func readsDurations(_ text: String) throws {
    #expect(TimeToLive.text(try TimeToLive.parse(text)) == text)
  }

  @Test(arguments: ["", "3", "h", "3 h", "-3h", "1.5h", "3y", "9223372036854775807w", "3hh", "٣h"])
  func refusesDurations(_ text: String) {
    #expect(throws: LarderError.self) { try TimeToLive.parse(text) }
  }

  @Test func writesDurationsInTheirLongestUnit() throws {
    #expect(TimeToLive.text(.seconds(172_800)) == "2d")
    #expect(TimeToLive.text(.seconds(3_601)) == "3601s")
    #expect(TimeToLive.text(.milliseconds(1_500)) == "1500ms")
    #expect(try TimeToLive.parse("9223372036854775807s") == .seconds(Int64.max))
    #expect(TimeToLive.text(.seconds(Int64.max)) == "9223372036854775807s")
  }
}
