import LarderColumns
import LarderContract

/// Which columns come out, under which names, and by which keys rows are found.
let columnChecks: [HandwrittenCheck] = [
  HandwrittenCheck(name: "the spine comes back as it was") { make in
    let view = driverView()
    let trial = Trial(store: try make([view]), views: [view])
    try trial.append([(1, 100, nil, 1), (2, 100, nil, 2)])
    let spine = try RecordBatch([
      "label": .string(["x", nil, "y", "x"]),
      "event_timestamp": .timestamp([150, 100, 99, 150]),
      "driver_id": .int64([2, 1, 1, 2]),
    ])
    let found = try trial.ask(spine, ["stats:trips"])
    try expect(found, "trips", [2, 1, nil, 2])
    for name in ["label", "event_timestamp", "driver_id"] {
      guard let column = spine[name] else { continue }
      try expect(found, name, (0..<4).map { column[$0] })
    }
    guard found.schema.fields.map(\.name) == spine.schema.fields.map(\.name) + ["trips"] else {
      throw ConformanceFailure(description: "the columns are \(found.schema.fields)")
    }
  },
  HandwrittenCheck(name: "names that clash or are unknown are refused by name") { make in
    let one = driverView("one", feature: "trips")
    let two = driverView("two", feature: "trips")
    let trial = Trial(store: try make([one, two]), views: [one, two])
    let spine = try driverSpine([(1, 100)])
    try expectRefusal(.invalidInput, naming: ["one:trips", "two:trips"]) {
      _ = try trial.ask(spine, ["one:trips", "two:trips"])
    }
    let full = RetrievalOptions(fullFeatureNames: true)
    let found = try trial.ask(spine, ["two:*", "one:trips"], full)
    try expect(found, "two__trips", [nil])
    try expect(found, "one__trips", [nil])
    let clashing = try RecordBatch([
      "driver_id": .int64([1]), "event_timestamp": .timestamp([1]), "trips": .int64([1]),
    ])
    try expectRefusal(.invalidInput, naming: ["trips", "spine"]) {
      _ = try trial.ask(clashing, ["one:trips"])
    }
    try expectRefusal(.notFound, naming: ["onee", "one"]) {
      _ = try trial.ask(spine, ["onee:trips"])
    }
    try expectRefusal(.notFound, naming: ["trip", "trips"]) {
      _ = try trial.ask(spine, ["one:trip"])
    }
    let noKey = try RecordBatch([
      "driver": .int64([1]), "event_timestamp": .timestamp([1]),
    ])
    try expectRefusal(.notFound, naming: ["driver_id"]) { _ = try trial.ask(noKey, ["one:trips"]) }
    let noTime = try RecordBatch(["driver_id": .int64([1]), "event_time": .timestamp([1])])
    try expectRefusal(.notFound, naming: ["event_timestamp"]) {
      _ = try trial.ask(noTime, ["one:trips"])
    }
    let unitless = try RecordBatch(["driver_id": .int64([1]), "event_timestamp": .int64([1])])
    try expectRefusal(.invalidInput, naming: ["event_timestamp"]) {
      _ = try trial.ask(unitless, ["one:trips"])
    }
  },
  HandwrittenCheck(name: "matched times and statuses follow the features") { make in
    let one = driverView("one", feature: "trips")
    let two = driverView("two", feature: "stars")
    let trial = Trial(store: try make([one, two]), views: [one, two])
    try trial.append([(1, 100, nil, 1)])
    let found = try trial.ask(
      try driverSpine([(1, 150)]), ["two:stars", "one:trips"],
      RetrievalOptions(withEventTimes: true, withStatus: true))
    let names = [
      "driver_id", "event_timestamp", "stars", "trips", "two__event_timestamp", "two__status",
      "one__event_timestamp", "one__status",
    ]
    guard found.schema.fields.map(\.name) == names else {
      throw ConformanceFailure(description: "the columns are \(found.schema.fields)")
    }
    try expect(found, "one__event_timestamp", [.timestamp(Timestamp(microseconds: 100))])
    try expect(found, "two__event_timestamp", [.null])
  },
  HandwrittenCheck(name: "compound keys match whole, in any order of columns") { make in
    let view = FeatureView(
      "pair",
      entities: [
        Entity("b", joinKeys: [.string("b")]), Entity("a", joinKeys: [.string("a")]),
      ], features: [Field("f", .int64)])
    let trial = Trial(store: try make([view]), views: [view])
    try trial.store.append(
      RecordBatch([
        "event_timestamp": .timestamp([1, 1]), "b": .string(["11", "1"]),
        "a": .string(["1", "11"]), "f": .int64([1, 2]),
      ]), to: view)
    let found = try trial.ask(
      try RecordBatch([
        "b": .string(["1", "11", "1", nil]), "event_timestamp": .timestamp([5, 5, 5, 5]),
        "a": .string(["11", "1", "1", "1"]),
      ]), ["pair:f"])
    try expect(found, "f", [2, 1, nil, nil])
  },
  HandwrittenCheck(name: "projections take other columns as keys") { make in
    let weather = FeatureView(
      "weather", entities: [Entity("airport", joinKeys: [.string("origin")])],
      features: [Field("temp", .float64)])
    let trial = Trial(store: try make([weather]), views: [weather])
    try trial.store.append(
      RecordBatch([
        "origin": .string(["JFK", "LAX"]), "event_timestamp": .timestamp([1, 1]),
        "temp": .float64([3, 20]),
      ]), to: weather)
    let spine = try RecordBatch([
      "origin": .string(["JFK", "LAX"]), "dest": .string(["LAX", "SFO"]),
      "event_timestamp": .timestamp([5, 5]),
    ])
    let options = RetrievalOptions(
      projections: [
        .projection(of: "weather", as: "dest_weather", joinKeys: ["origin": "dest"])
      ], fullFeatureNames: true, withStatus: true)
    let found = try trial.ask(spine, ["weather:temp", "dest_weather:temp"], options)
    try expect(found, "weather__temp", [.float64(3), .float64(20)])
    try expect(found, "dest_weather__temp", [.float64(20), .null])
    try expect(found, "dest_weather__status", words: ["present", "noEntity"])
  },
  HandwrittenCheck(name: "a view without entities answers every row") { make in
    let view = FeatureView("rates", entities: [], features: [Field("rate", .float64)])
    let trial = Trial(store: try make([view]), views: [view])
    try trial.store.append(
      RecordBatch(["event_timestamp": .timestamp([10, 20]), "rate": .float64([1, 2])]), to: view)
    let spine = try RecordBatch(["event_timestamp": .timestamp([5, 15, 25, nil])])
    let found = try trial.ask(spine, ["rates:rate"])
    try expect(found, "rate", [.null, .float64(1), .float64(2), .null])
  },
  HandwrittenCheck(name: "dates are midnight in UTC") { make in
    let view = driverView()
    let trial = Trial(store: try make([view]), views: [view])
    try trial.append([(1, 86_400_000_000, nil, 1)])
    let spine = try RecordBatch([
      "driver_id": .int64([1, 1]), "event_timestamp": .date([0, 1]),
    ])
    try expect(try trial.ask(spine, ["stats:trips"]), "trips", [nil, 1])
  },
  HandwrittenCheck(name: "without a spine, keys and times of the range make one") { make in
    let one = driverView("one", feature: "trips")
    let two = driverView("two", feature: "stars")
    let trial = Trial(store: try make([one, two]), views: [one, two])
    try trial.append([(2, 100, nil, 1), (1, 200, nil, 2), (1, 200, nil, 3), (1, 300, nil, 4)])
    try trial.append([(1, 100, nil, 5), (2, 100, nil, 6), (1, 99, nil, 7)], to: 1)
    let options = RetrievalOptions(
      from: Timestamp(microseconds: 100), through: Timestamp(microseconds: 200))
    let found = try trial.ask(nil, ["one:trips", "two:stars"], options)
    try expect(found, "driver_id", [1, 2, 1])
    try expect(
      found, "event_timestamp",
      [100, 100, 200].map { .timestamp(Timestamp(microseconds: $0)) })
    try expect(found, "trips", [nil, 1, 3])
    try expect(found, "stars", [5, 6, 5])
    try expectRefusal(.invalidArgument) {
      _ = try trial.ask(nil, ["one:trips"], RetrievalOptions(from: Timestamp(seconds: 0)))
    }
  },
]
