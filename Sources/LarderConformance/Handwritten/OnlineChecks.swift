import LarderColumns
import LarderContract

/// What an online store must do, rule by rule.
let onlineChecks: [OnlineCheck] = winningChecks + historyChecks + lifetimeChecks + tableChecks

private let winningChecks: [OnlineCheck] = [
  OnlineCheck(name: "the greater event time wins, whenever it comes") { trial in
    try trial.make()
    let t = trial.now
    try trial.write([(1, t, nil), (2, t - 5, nil)], a: [1, 2])
    try trial.write([(1, t - 1, 9), (2, t - 4, nil)], a: [3, 4])
    try trial.expect([1, 2, 3, 1], a: [.int64(1), .int64(4), .null, .int64(1)])
  },
  OnlineCheck(name: "ties go to the greater created time, null least, then to the later") { trial in
    try trial.make()
    let t = trial.now
    try trial.write([(1, t, 20), (2, t, nil), (3, t, .min), (4, t, 5)], a: [1, 2, 3, 4])
    try trial.write([(1, t, 10), (2, t, .min), (3, t, nil), (4, t, 5)], a: [5, 6, 7, 8])
    try trial.expect([1, 2, 3, 4], a: [.int64(1), .int64(6), .int64(3), .int64(8)])
  },
  OnlineCheck(name: "the rule holds between rows of one batch") { trial in
    try trial.make()
    let t = trial.now
    try trial.write(
      [(1, t - 1, nil), (1, t, 5), (1, t, 5), (1, t - 2, 9), (2, t, 7), (2, t, 6)],
      a: [1, 2, 3, 4, 5, 6])
    try trial.expect([1, 2], a: [.int64(3), .int64(5)])
  },
  OnlineCheck(name: "a winning write of some features keeps the others") { trial in
    try trial.make()
    let t = trial.now
    try trial.write([(1, t - 10, nil), (2, t - 10, nil)], a: [1, 2], b: ["x", "y"])
    try trial.write([(1, t - 5, nil), (2, t - 20, nil), (3, t - 5, nil)], a: [7, 8, 9])
    try trial.expect(
      [1, 2, 3], a: [.int64(7), .int64(2), .int64(9)], b: [.string("x"), .string("y"), .null])
    try trial.write([(1, t - 4, nil)], a: [nil])
    try trial.expect([1], a: [.null], b: [.string("x")], [.present])
  },
  OnlineCheck(name: "replays change nothing") { trial in
    try trial.make()
    let t = trial.now
    try trial.write([(1, t - 10, 3)], a: [1], b: ["x"])
    try trial.write([(1, t - 5, 3)], a: [2])
    for _ in 0..<2 {
      try trial.write([(1, t - 10, 3)], a: [1], b: ["x"])
      try trial.write([(1, t - 5, 3)], a: [2])
      try trial.expect([1], a: [.int64(2)], b: [.string("x")])
    }
  },
  OnlineCheck(name: "a deletion obeys the rule") { trial in
    try trial.make()
    let t = trial.now
    try trial.write(
      [(1, t - 5, nil), (2, t - 5, nil), (3, t + 5, nil)], a: [1, 2, 3], b: ["x", "y", "z"])
    try trial.delete(1, at: t - 6)
    try trial.delete(2, at: t - 4)
    try trial.delete(3, at: nil)
    try trial.delete(4, at: t - 4)
    try trial.write([(2, t - 4, -5), (4, t - 7, nil)], a: [9, 9])
    try trial.expect(
      [1, 2, 3, 4], a: [.int64(1), .null, .int64(3), .null],
      [.present, .notFound, .present, .notFound])
    try trial.write([(2, t - 3, nil)], a: [5])
    try trial.expect([2], a: [.int64(5)], b: [.null], [.present])
  },
]

private let lifetimeChecks: [OnlineCheck] = [
  OnlineCheck(name: "the time to live is inclusive and judged at the time of reading") { trial in
    try trial.make()
    let t = trial.now
    try trial.write([(1, t - 100, nil), (2, t - 101, nil)], a: [1, 2])
    try trial.expect([1, 2], a: [.int64(1), .null], [.present, .outsideMaxAge])
    try trial.expect([1, 2], a: [.null, .null], [.outsideMaxAge, .outsideMaxAge], at: t + 1)
    try trial.expect([2], a: [.int64(2)], [.present], at: t - 1)
    try trial.expect([2], a: [.int64(2)], [.outsideMaxAge], includeExpired: true)
    trial.clock.advance(microseconds: 1)
    try trial.expect([1], a: [.null], [.outsideMaxAge])
  },
  OnlineCheck(name: "an expired row says when it was true and how old it is") { trial in
    try trial.make()
    let t = trial.now
    try trial.write([(1, t - 250, nil)], a: [1])
    let rows = try trial.store.read(
      RecordBatch(["driver_id": .int64([1, 2])]), from: trial.view, features: ["a"])
    guard rows.eventTimes[0] == .timestamp(Timestamp(microseconds: t - 250)),
      rows.age(ofRow: 0) == .microseconds(250), rows.eventTimes[1] == .null,
      rows.age(ofRow: 1) == nil
    else {
      throw ConformanceFailure(
        description: "event times \(rows.eventTimes), read at \(rows.readAt)")
    }
  },
  OnlineCheck(name: "a write on top of an expired row starts again") { trial in
    try trial.make()
    try trial.write([(1, trial.now, nil)], a: [1], b: ["x"])
    trial.clock.advance(microseconds: 101)
    try trial.write([(1, trial.now, nil)], a: [2])
    try trial.expect([1], a: [.int64(2)], b: [.null])
  },
  OnlineCheck(name: "null values have a status, and so has each feature") { trial in
    try trial.make()
    try trial.write([(1, trial.now, nil), (2, trial.now, nil)], a: [nil, nil], b: [nil, "x"])
    try trial.expect([1, 2], a: [.null, .null], [.nullValue, .present])
  },
]

private let tableChecks: [OnlineCheck] = [
  OnlineCheck(name: "a view without a table is not found") { trial in
    try trial.expectError(.notFound) { try trial.write([(1, 1, nil)], a: [1]) }
    try trial.expectError(.notFound) { try trial.expect([1], a: [.null]) }
    try trial.make()
    try trial.make()
    try trial.write([(1, trial.now, nil)], a: [1])
    try trial.make()
    try trial.expect([1], a: [.int64(1)])
    for _ in 0..<2 { try trial.store.tearDown([trial.view], entities: []) }
    try trial.expectError(.notFound) { try trial.expect([1], a: [.null]) }
    try trial.make()
    try trial.expect([1], a: [.null], [.notFound])
  },
  OnlineCheck(name: "partial updates leave other tables alone, whole ones drop them") { trial in
    try trial.make()
    try trial.write([(1, trial.now, nil)], a: [1])
    var other = trial.view
    other.name = "other"
    for isPartial in [true, false] {
      try trial.store.update(
        keeping: [other], deleting: [], entitiesToKeep: [], entitiesToDelete: [],
        partial: isPartial)
      if isPartial { try trial.expect([1], a: [.int64(1)]) }
    }
    try trial.expectError(.notFound) { try trial.expect([1], a: [.null]) }
  },
  OnlineCheck(name: "bad rows are refused, and nothing of their batch is written") { trial in
    try trial.make()
    let t = trial.now
    let bad = try RecordBatch([
      "driver_id": .int64([1, nil]), "at": .timestamp([t, t]), "a": .int64([1, 2]),
    ])
    try trial.expectError(.invalidInput) {
      try trial.store.writeBatch(bad, to: trial.view, progress: nil)
    }
    let late = try RecordBatch([
      "driver_id": .int64([1, 1]), "at": .timestamp([t, nil]), "a": .int64([1, 2]),
    ])
    try trial.expectError(.invalidInput) {
      try trial.store.writeBatch(late, to: trial.view, progress: nil)
    }
    let unknown = try RecordBatch([
      "driver_id": .int64([1]), "at": .timestamp([t]), "c": .int64([1]),
    ])
    try trial.expectError(.invalidInput) {
      try trial.store.writeBatch(unknown, to: trial.view, progress: nil)
    }
    try trial.expect([1, nil], a: [.null, .null], [.notFound, .notFound])
    try trial.expectError(.notFound) {
      _ = try trial.store.read(
        RecordBatch(["driver_id": .int64([1])]), from: trial.view, features: ["c"])
    }
  },
  OnlineCheck(name: "features come and go, and keep their values under new names") { trial in
    try trial.make()
    try trial.write([(1, trial.now, nil)], a: [1], b: ["x"])
    var view = trial.view
    view.features = [
      Field("c", .float64), Field("a", .int64), Field("d", .string, formerly: "b"),
    ]
    try trial.store.update(
      keeping: [view], deleting: [], entitiesToKeep: [], entitiesToDelete: [], partial: true)
    let rows = try trial.store.read(RecordBatch(["driver_id": .int64([1])]), from: view)
    guard rows.features.row(0) == [.null, .int64(1), .string("x")] else {
      throw ConformanceFailure(description: "found \(rows.features.row(0))")
    }
  },
]
