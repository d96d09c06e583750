import LarderColumns
import LarderContract

/// Pulling rows, and refusing to take some in.
let pullChecks: [HandwrittenCheck] = [
  HandwrittenCheck(name: "pulls have inclusive bounds") { make in
    let view = driverView()
    let trial = Trial(store: try make([view]), views: [view])
    try trial.append([
      (1, 100, 1, 1), (1, 200, 1, 2), (1, 200, 2, 3), (1, 300, 1, 4), (2, 200, nil, 5),
    ])
    let from = Timestamp(microseconds: 100)
    let through = Timestamp(microseconds: 200)
    let all = try trial.store.pullAll(view, features: nil, from: from, through: through).collect()
    let latest = try trial.store.pullLatest(
      view, features: ["trips"], from: from, through: through
    ).collect()
    let schema = Schema([
      ColumnField("driver_id", .int64), ColumnField("trips", .int64),
      ColumnField("at", .timestamp(.microseconds)),
      ColumnField("known", .timestamp(.microseconds)),
    ])
    let expectedAll = try RecordBatch(
      schema: schema,
      columns: [
        .int64([1, 1, 1, 2]), .int64([1, 2, 3, 5]), .timestamp([100, 200, 200, 200]),
        .timestamp([1, 1, 2, nil]),
      ])
    let expectedLatest = try RecordBatch(
      schema: schema,
      columns: [.int64([1, 2]), .int64([3, 5]), .timestamp([200, 200]), .timestamp([2, nil])])
    for (expected, found) in [(expectedAll, all), (expectedLatest, latest)] {
      let difference = firstDifference(expected: expected, found: found, isOrdered: false)
      if let difference { throw ConformanceFailure(description: difference) }
    }
    try expectRefusal(.notFound, naming: ["trip"]) {
      _ = try trial.store.pullAll(view, features: ["trip"], from: nil, through: nil)
    }
  },
  HandwrittenCheck(name: "a batch is taken whole or not at all") { make in
    let view = driverView(created: false)
    let trial = Trial(store: try make([view]), views: [view])
    try trial.append([(1, 100, nil, 1)])
    let bad: [(String, RecordBatch)] = [
      (
        "driver_id",
        try RecordBatch([
          "driver_id": .int64([2, nil]), "at": .timestamp([1, 1]), "trips": .int64([1, 1]),
        ])
      ),
      (
        "at",
        try RecordBatch([
          "driver_id": .int64([2, 3]), "at": .timestamp([1, nil]), "trips": .int64([1, 1]),
        ])
      ),
      (
        "at",
        try RecordBatch([
          "driver_id": .int64([2, 3]), "at": .timestamp([1_000, 1_001], unit: .nanoseconds),
          "trips": .int64([1, 1]),
        ])
      ),
      (
        "driver_id",
        try RecordBatch([
          "driver_id": .float64([2, 1001.5]), "at": .timestamp([1, 1]), "trips": .int64([1, 1]),
        ])
      ),
      (
        "trips",
        try RecordBatch([
          "driver_id": .int64([2, 3]), "at": .timestamp([1, 1]), "trips": .string(["1", "1"]),
        ])
      ),
      (
        "tripz",
        try RecordBatch([
          "driver_id": .int64([2]), "at": .timestamp([1]), "tripz": .int64([1]),
        ])
      ),
      (
        "trips",
        try RecordBatch([
          "driver_id": .int64([2]), "at": .timestamp([1]), "trips": .int64([1]),
          "trips": .int64([1]),
        ])
      ),
      ("driver_id", try RecordBatch(["at": .timestamp([1]), "trips": .int64([1])])),
      ("at", try RecordBatch(["driver_id": .int64([1]), "trips": .int64([1])])),
    ]
    for (column, batch) in bad {
      try expectRefusal(.invalidInput, naming: [column]) { try trial.store.append(batch, to: view) }
    }
    let all = try trial.store.pullAll(view, features: nil, from: nil, through: nil).collect()
    try expect(all, "trips", [1])
  },
  HandwrittenCheck(name: "times of other units are taken if exact") { make in
    let view = driverView(created: false)
    let trial = Trial(store: try make([view]), views: [view])
    try trial.store.append(
      RecordBatch([
        "driver_id": .int32([1, 1]), "at": .timestamp([3_000, 4_000], unit: .nanoseconds),
        "trips": .int64([1, 2]),
      ]), to: view)
    try expect(
      try trial.ask(try driverSpine([(1, 3), (1, 4)]), ["stats:trips"]), "trips", [1, 2])
  },
]
