import Glibc
import Larder

/// The shape of the history, by which any answer can be checked.
///
/// Round r of appender a holds, for each of its entities, one row at event time `r` seconds, whose
/// value is a function of (entity, round).
enum History {
  static let entitiesPerAppender: Int64 = 200
  static let view = "readings"

  static func definition() -> FeatureView {
    FeatureView(view, entities: [Entity("sensor", joinKeys: [.int64("sensor_id")])]) {
      Field("value", .int64)
      Field("label", .string)
    }
  }

  static func value(_ entity: Int64, _ round: Int64) -> Int64 {
    entity &* 1_000_003 &+ round &* 7_919
  }

  static func batch(appender: Int64, round: Int64) throws -> RecordBatch {
    let entities = (0..<entitiesPerAppender).map { appender * entitiesPerAppender + $0 }
    return try RecordBatch([
      "sensor_id": .int64(entities),
      "event_timestamp": .timestamp(entities.map { _ in round * 1_000_000 }),
      "value": .int64(entities.map { value($0, round) }),
      "label": .string(entities.map { "r\(($0 + round) % 17)" }),
    ])
  }
}

/// Appends round after round until the deadline, and says in the ledger what was acknowledged.
func runAppender(_ store: FeatureStore, _ number: Int, _ ledger: Ledger, until end: Double) throws {
  var round: Int64 = 1
  while now() < end {
    try store.append(History.batch(appender: Int64(number), round: round), to: History.view)
    ledger[number] = UInt64(round)
    round += 1
  }
  print("appender \(number): \(round - 1) commits")
}

/// Merges small segments as long as the others run.
func runFolder(_ store: FeatureStore, until end: Double) throws {
  var merged = 0
  while now() < end {
    merged += try store.fold(History.view)
    usleep(2_000)
  }
  print("folder: \(merged) merges")
}

/// Asks for random sensors and times and checks every cell.
func runReader(
  _ store: FeatureStore, _ number: Int, appenders: Int, _ ledger: Ledger, until end: Double
) throws {
  var random = SystemRandomNumberGenerator()
  var answers = 0
  while now() < end {
    let acknowledged = (0..<appenders).map { Int64(ledger[$0]) }
    var sensors: [Int64] = []
    var times: [Int64] = []
    var owners: [Int] = []
    for _ in 0..<500 {
      let owner = Int.random(in: 0..<appenders, using: &random)
      let entity =
        Int64(owner) * History.entitiesPerAppender
        + Int64.random(in: 0..<History.entitiesPerAppender, using: &random)
      let late = Bool.random(using: &random)
      let newest = max(1, acknowledged[owner])
      owners.append(owner)
      sensors.append(entity)
      times.append(late ? .max / 2_000_000 : Int64.random(in: 0...newest, using: &random))
    }
    let spine = try RecordBatch([
      "sensor_id": .int64(sensors), "event_timestamp": .timestamp(times.map { $0 * 1_000_000 }),
    ])
    var options = RetrievalOptions(withEventTimes: true)
    options.threads = 1
    let result = try store.historicalFeatures(
      for: spine, features: ["readings:value", "readings:label"], options: options
    ).collect()
    for row in 0..<result.count {
      try check(
        result.row(row), sensor: sensors[row], time: times[row],
        acknowledged: acknowledged[owners[row]])
    }
    answers += result.count
  }
  print("reader \(number): \(answers) answers")
}

private func check(_ row: [Value], sensor: Int64, time: Int64, acknowledged: Int64) throws {
  let place = "sensor \(sensor) at \(time) s with \(acknowledged) rounds acknowledged"
  guard case .timestamp(let matched) = row[4] else {
    guard row[2] == .null, row[3] == .null, min(time, acknowledged) < 1 else {
      throw StressFailure("no answer for \(place): \(row)")
    }
    return
  }
  let round = matched.floor(in: .seconds)
  guard round <= time, round >= min(time, acknowledged) else {
    throw StressFailure("round \(round) answered \(place)")
  }
  guard row[2] == .int64(History.value(sensor, round)),
    row[3] == .string("r\((sensor + round) % 17)")
  else { throw StressFailure("wrong cells for \(place): \(row)") }
}

/// Seconds by the clock.
func now() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
