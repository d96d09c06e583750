import LarderColumns
import LarderContract
import LarderOffline
import TestSupport
import Testing

/// One rule says what a definition may be: what a store takes from code can be written as JSON and
/// taken again, and what JSON may not say no code may say either.
@Suite struct DefinitionRuleTests {
  private static let driver = Entity("driver", joinKeys: [.int64("driver_id")])

  private static func view(
    _ name: String = "v", _ entities: [Entity] = [driver], life: Duration? = nil,
    unit: TimeUnit = .microseconds, created: String? = nil, features: [Field] = []
  ) -> Definitions {
    Definitions(
      featureViews: [
        FeatureView(
          name, entities: entities, features: features, timeToLive: life,
          createdTimestamp: created, timeUnit: unit)
      ])
  }

  /// Definitions that only code can make, or that are wrong in either form.
  private static let wrong: [(String, Definitions)] = [
    ("a time in ms", view(features: [Field("x", .timestamp(.milliseconds))])),
    ("times in a list", view(features: [Field("x", .list(.timestamp(.seconds)))])),
    ("an entity twice", view("v", [driver, driver])),
    ("a part of a nanosecond", view(life: Duration(secondsComponent: 1, attosecondsComponent: 1))),
    ("a negative life", view(life: .seconds(-1))),
    ("a view in ms", view(unit: .milliseconds)),
    ("one column of two", view(created: "event_timestamp")),
    ("a key as a feature", view(features: [Field("driver_id", .int64)])),
    ("a reserved name", view(features: [Field("__x", .int64)])),
    ("a colon", view("a:b")),
    ("lists of lists", view(features: [Field("x", .list(.list(.int64)))])),
    ("a nameless kind", view(features: [Field("x", .opaque(tag: ""))])),
    ("no keys", view("v", [Entity("e", joinKeys: [])])),
    ("a key twice", view("v", [Entity("e", joinKeys: [.int64("k"), .int64("k")])])),
    (
      "one entity of two",
      Definitions(featureViews: [
        FeatureView("a", entities: [driver], features: []),
        FeatureView(
          "b", entities: [Entity("driver", joinKeys: [.int64("other")])], features: []),
      ])
    ),
    (
      "one key of two types",
      Definitions(featureViews: [
        FeatureView("a", entities: [driver], features: []),
        FeatureView(
          "b", entities: [Entity("e", joinKeys: [.string("driver_id")])], features: []),
      ])
    ),
    (
      "two views",
      Definitions(featureViews: view("v").featureViews + view("v", life: .seconds(1)).featureViews)
    ),
  ]

  @Test(arguments: wrong.indices)
  func codeMayNotSayWhatJSONMayNot(index: Int) throws {
    let (what, definitions) = Self.wrong[index]
    #expect(code { try definitions.validate() } == .invalidArgument, "\(what)")
    #expect(
      code { _ = try Catalog().applying(definitions, dropping: false) } == .invalidArgument,
      "\(what)")
    // JSON has no parts of a nanosecond and one list of entities, so these two cannot be written.
    guard !["a part of a nanosecond", "one entity of two"].contains(what) else { return }
    #expect(code { _ = try Definitions(json: definitions.json) } == .invalidInput, "\(what)")
  }

  @Test func tooManyIsOneCodeEverywhere() throws {
    let keys = (0...Limits.joinKeys).map { JoinKey.int64("k\($0)") }
    let halves = [Array(keys[..<20]), Array(keys[20...])].enumerated().map {
      Entity("e\($0.offset)", joinKeys: $0.element)
    }
    let features = (0...Limits.featuresPerView).map { Field("f\($0)", .bool) }
    for definitions in [
      Self.view("v", [Entity("e", joinKeys: keys)]), Self.view("v", halves),
      Self.view(features: features),
    ] {
      #expect(code { try definitions.validate() } == .limitExceeded)
      #expect(
        code { _ = try Catalog().applying(definitions, dropping: false) } == .limitExceeded)
      #expect(code { _ = try Definitions(json: definitions.json) } == .limitExceeded)
    }
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func whatAStoreTakesIsReadBack(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var taken = 0
    for _ in 0..<400 {
      let definitions = Self.drawn(&random)
      guard let applied = try? Catalog().applying(definitions, dropping: false).catalog else {
        #expect(code { try definitions.validate() } != nil)
        continue
      }
      taken += 1
      let written = applied.definitions
      let read = try Definitions(json: written.json)
      #expect(try applied.applying(read, dropping: false).changes.isEmpty, "seed \(seed)")
      #expect(read.json == written.json, "seed \(seed)")
    }
    #expect(taken > 100)
  }

  /// Definitions as code may make them, right or wrong.
  private static func drawn(_ random: inout SeededRandom) -> Definitions {
    func pick<Element>(_ from: [Element]) -> Element { from[random.int(0...from.count - 1)] }
    let names = ["a", "b", "c d", "é", "__x", "x:y", "event_timestamp", "k", ""]
    let types: [DataType] = [
      .bool, .int32, .int64, .float32, .float64, .string, .bytes, .date,
      .timestamp(.microseconds), .timestamp(.nanoseconds), .timestamp(.milliseconds),
      .list(.string), .list(.timestamp(.nanoseconds)), .opaque(tag: "proto"), .list(.list(.bool)),
    ]
    func name() -> String { random.chance(0.9) ? pick(Array(names[..<4])) : pick(names) }
    let entities = (0..<random.int(0...2)).map { _ in
      Entity(
        name(),
        joinKeys: (0..<random.int(1...2)).map { JoinKey("k\($0)", pick([.int64, .string])) },
        description: random.chance(0.3) ? "what \"it\" is\n" : "",
        tags: random.chance(0.3) ? ["b": "2", "a": ""] : [:])
    }
    var views: [FeatureView] = []
    for _ in 0..<random.int(1...2) {
      let features = (0..<random.int(0...3)).map { _ in
        Field(
          name(), random.chance(0.8) ? pick(Array(types[..<10])) : pick(types),
          formerly: random.chance(0.1) ? name() : nil)
      }
      let life: [Duration?] = [
        nil, .seconds(60), .nanoseconds(1), .zero, .seconds(Int64.max),
        Duration(secondsComponent: 0, attosecondsComponent: 5),
      ]
      views.append(
        FeatureView(
          name(), entities: random.chance(0.5) ? entities : Array(entities.prefix(1)),
          features: features, timeToLive: pick(life),
          createdTimestamp: random.chance(0.3) ? "created" : nil,
          timeUnit: random.chance(0.9) ? pick([.microseconds, .nanoseconds]) : .seconds))
    }
    return Definitions(entities: random.chance(0.5) ? entities : [], featureViews: views)
  }

  private func code(_ body: () throws -> Void) -> LarderError.Code? {
    do {
      try body()
      return nil
    } catch { return (error as? LarderError)?.code }
  }
}
