import LarderColumns
import LarderContract

/// Which row answers.
let matchingChecks: [HandwrittenCheck] = [
  HandwrittenCheck(name: "both bounds are inclusive") { make in
    let view = driverView(timeToLive: .microseconds(10))
    let trial = Trial(store: try make([view]), views: [view])
    try trial.append([(1, 100, nil, 7)])
    let spine = try driverSpine([(1, 99), (1, 100), (1, 110), (1, 111)])
    let found = try trial.ask(spine, ["stats:trips"], RetrievalOptions(withStatus: true))
    try expect(found, "trips", [nil, 7, 7, nil])
    try expect(found, "stats__status", words: ["onlyLater", "present", "present", "expired"])
  },
  HandwrittenCheck(name: "no time to live, and zero, have no lower bound") { make in
    for timeToLive in [nil, Duration.zero] {
      let view = driverView(timeToLive: timeToLive)
      let trial = Trial(store: try make([view]), views: [view])
      try trial.append([(1, .min, nil, 7)])
      try expect(
        try trial.ask(try driverSpine([(1, .min), (1, .max)]), ["stats:trips"]), "trips", [7, 7])
    }
  },
  HandwrittenCheck(name: "the lower bound saturates") { make in
    let view = driverView(timeToLive: .seconds(Int64.max))
    let trial = Trial(store: try make([view]), views: [view])
    try trial.append([(1, .min, nil, 7)])
    let spine = try driverSpine([(1, .min), (1, .min + 5), (1, 0), (1, .max)])
    try expect(try trial.ask(spine, ["stats:trips"]), "trips", [7, 7, 7, 7])
  },
  HandwrittenCheck(name: "ties go to the greater created time, null least") { make in
    let view = driverView()
    let trial = Trial(store: try make([view]), views: [view])
    try trial.append([(1, 100, 120, 1), (2, 100, nil, 3), (3, 100, .min, 5)])
    try trial.append([(1, 100, 110, 2), (2, 100, .min, 4), (3, 100, nil, 6)])
    let spine = try driverSpine([(1, 130), (2, 130), (3, 130)])
    try expect(try trial.ask(spine, ["stats:trips"]), "trips", [1, 4, 5])
  },
  HandwrittenCheck(name: "full ties go to the last in the batch, then the last commit") { make in
    let view = driverView()
    let trial = Trial(store: try make([view]), views: [view])
    try trial.append([(1, 100, 120, 1), (1, 100, 120, 2), (2, 100, nil, 3)])
    let spine = try driverSpine([(1, 130), (2, 130)])
    try expect(try trial.ask(spine, ["stats:trips"]), "trips", [2, 3])
    try trial.append([(1, 100, 120, 4), (2, 100, nil, 5), (2, 100, nil, 6)])
    try expect(try trial.ask(spine, ["stats:trips"]), "trips", [4, 6])
  },
  HandwrittenCheck(name: "late rows take their place in time") { make in
    let view = driverView()
    let trial = Trial(store: try make([view]), views: [view])
    try trial.append([(1, 300, nil, 3)])
    try trial.append([(1, 100, nil, 1)])
    try trial.append([(1, 200, nil, 2)])
    let spine = try driverSpine([(1, 350), (1, 299), (1, 150), (1, 99)])
    try expect(try trial.ask(spine, ["stats:trips"]), "trips", [3, 2, 1, nil])
  },
  HandwrittenCheck(name: "a null feature is a value") { make in
    let view = driverView()
    let trial = Trial(store: try make([view]), views: [view])
    try trial.append([(1, 100, nil, 1), (1, 200, nil, nil)])
    let found = try trial.ask(
      try driverSpine([(1, 250)]), ["stats:trips"], RetrievalOptions(withStatus: true))
    try expect(found, "trips", [nil])
    try expect(found, "stats__status", words: ["present"])
  },
  HandwrittenCheck(name: "null and unknown keys, and null times, never match") { make in
    let view = driverView()
    let trial = Trial(store: try make([view]), views: [view])
    try trial.append([(1, 100, nil, 1)])
    let found = try trial.ask(
      try driverSpine([(nil, 150), (1, nil), (2, 150), (1, 150)]), ["stats:trips"],
      RetrievalOptions(withStatus: true))
    try expect(found, "trips", [nil, nil, nil, 1])
    try expect(
      found, "stats__status", words: ["noEntity", "noEntity", "noEntity", "present"])
  },
  HandwrittenCheck(name: "spine keys convert without loss, or are refused") { make in
    let view = driverView()
    let trial = Trial(store: try make([view]), views: [view])
    try trial.append([(1, 100, nil, 1), (-2, 100, nil, 2)])
    let time = Column.timestamp([150, 150, 150, 150])
    let floats = try RecordBatch([
      "driver_id": .float64([1, -2, .nan, 1e300]), "event_timestamp": time,
    ])
    try expect(try trial.ask(floats, ["stats:trips"]), "trips", [1, 2, nil, nil])
    let narrow = try RecordBatch([
      "driver_id": .int32([1, -2, nil, 9]), "event_timestamp": time,
    ])
    try expect(try trial.ask(narrow, ["stats:trips"]), "trips", [1, 2, nil, nil])
    let fraction = try RecordBatch([
      "driver_id": .float64([1, 2, 1001.5, 4]), "event_timestamp": time,
    ])
    try expectRefusal(.invalidInput, naming: ["driver_id", "row 2"]) {
      _ = try trial.ask(fraction, ["stats:trips"])
    }
    let text = try RecordBatch([
      "driver_id": .string(["1", "2", "3", "4"]), "event_timestamp": time,
    ])
    try expectRefusal(.invalidInput, naming: ["driver_id"]) {
      _ = try trial.ask(text, ["stats:trips"])
    }
  },
  HandwrittenCheck(name: "as known then, the answer walks back") { make in
    let view = driverView(timeToLive: .microseconds(100))
    let plain = driverView("plain", feature: "stars", created: false)
    let trial = Trial(store: try make([view, plain]), views: [view, plain])
    try trial.append([(1, 100, 105, 1), (1, 150, 190, 2), (2, 150, nil, 3), (3, 150, 300, 4)])
    try trial.append([(1, 150, nil, 9)], to: 1)
    let spine = try driverSpine([(1, 160), (1, 190), (1, 210), (2, 160), (3, 160), (3, 300)])
    let options = RetrievalOptions(asKnown: true, withStatus: true)
    let found = try trial.ask(spine, ["stats:trips", "plain:stars"], options)
    try expect(found, "trips", [1, 2, 2, nil, nil, nil])
    try expect(
      found, "stats__status",
      words: ["present", "present", "present", "notYetKnown", "notYetKnown", "expired"])
    try expect(found, "stars", [9, 9, 9, nil, nil, nil])
  },
  HandwrittenCheck(name: "units compare exactly") { make in
    let coarse = driverView(timeToLive: .nanoseconds(1_500))
    let fine = driverView("fine", feature: "stars", unit: .nanoseconds)
    let trial = Trial(store: try make([coarse, fine]), views: [coarse, fine])
    try trial.append([(1, 10, nil, 1)])
    try trial.append([(1, 10_001, nil, 2)], to: 1)
    let spine = try driverSpine(
      [(1, 9_999), (1, 10_000), (1, 10_001), (1, 11_500), (1, 11_501)], unit: .nanoseconds)
    let found = try trial.ask(spine, ["stats:trips", "fine:stars"])
    try expect(found, "trips", [nil, 1, 1, 1, nil])
    try expect(found, "stars", [nil, nil, 2, 2, 2])
    let seconds = try driverSpine([(1, .max), (1, .min)], unit: .seconds)
    try expect(try trial.ask(seconds, ["fine:stars"]), "stars", [2, nil])
  },
  HandwrittenCheck(name: "a job answers from the commit it was made at") { make in
    let view = driverView()
    let trial = Trial(store: try make([view]), views: [view])
    try trial.append([(1, 100, nil, 1)])
    let job = try trial.store.historicalFeatures(
      for: try driverSpine([(1, 500)]), views: [view], features: ["stats:trips"],
      options: RetrievalOptions())
    try trial.append([(1, 200, nil, 2)])
    try expect(try job.collect(), "trips", [1])
    try expect(try job.collect(), "trips", [1])
  },
  HandwrittenCheck(name: "nothing asked of nothing is nothing") { make in
    let view = driverView()
    let trial = Trial(store: try make([view]), views: [view])
    try expect(try trial.ask(try driverSpine([]), ["stats:trips"]), "trips", [Int64?]())
    try expect(try trial.ask(try driverSpine([(1, 5)]), ["stats:trips"]), "trips", [nil])
    try trial.append([])
    try expect(try trial.ask(try driverSpine([(1, 5)]), ["stats:trips"]), "trips", [nil])
  },
]
