import LarderColumns
import LarderContract

/// A check written by hand.
struct HandwrittenCheck: Sendable {
  var name: String
  var body: @Sendable (([FeatureView]) throws -> any OfflineStore) throws -> Void
}

/// The checks, in the order in which they run.
var handwrittenChecks: [HandwrittenCheck] { matchingChecks + columnChecks + pullChecks }

/// A store with views under test, and words for asking it.
struct Trial {
  let store: any OfflineStore
  let views: [FeatureView]

  /// Appends rows of a view found by `driver_id`, with one int64 feature.
  func append(
    _ rows: [(key: Int64, event: Int64, created: Int64?, value: Int64?)], to view: Int = 0
  ) throws {
    let view = views[view]
    var fields = [
      ColumnField("driver_id", .int64), ColumnField("at", .timestamp(view.timeUnit)),
      ColumnField(view.features[0].name, .int64),
    ]
    var columns: [Column] = [
      .int64(rows.map(\.key)), .timestamp(rows.map(\.event), unit: view.timeUnit),
      .int64(rows.map(\.value)),
    ]
    if let created = view.createdTimestamp {
      fields.append(ColumnField(created, .timestamp(view.timeUnit)))
      columns.append(.timestamp(rows.map(\.created), unit: view.timeUnit))
    }
    try store.append(RecordBatch(schema: Schema(fields), columns: columns), to: view)
  }

  /// Asks for features of a spine.
  func ask(
    _ spine: RecordBatch?, _ features: [FeatureReference],
    _ options: RetrievalOptions = RetrievalOptions()
  ) throws -> RecordBatch {
    try store.historicalFeatures(for: spine, views: views, features: features, options: options)
      .collect()
  }
}

/// A view found by `driver_id`, with one int64 feature of a name.
func driverView(
  _ name: String = "stats", feature: String = "trips", timeToLive: Duration? = nil,
  created: Bool = true, unit: TimeUnit = .microseconds
) -> FeatureView {
  FeatureView(
    name, entities: [Entity("driver", joinKeys: [.int64("driver_id")])],
    features: [Field(feature, .int64)], timeToLive: timeToLive, eventTimestamp: "at",
    createdTimestamp: created ? "known" : nil, timeUnit: unit)
}

/// A spine of drivers and times.
func driverSpine(
  _ rows: [(key: Int64?, time: Int64?)], unit: TimeUnit = .microseconds
) throws -> RecordBatch {
  try RecordBatch([
    "driver_id": .int64(rows.map(\.key)),
    "event_timestamp": .timestamp(rows.map(\.time), unit: unit),
  ])
}

/// Fails unless a column holds these values.
func expect(_ batch: RecordBatch, _ column: String, _ values: [Value]) throws {
  guard let found = batch[column] else {
    throw ConformanceFailure(
      description: "the column \(column) is missing among \(batch.schema.fields.map(\.name))")
  }
  let actual = (0..<found.count).map { found[$0] }
  guard actual == values else {
    throw ConformanceFailure(description: "\(column): expected \(values), found \(actual)")
  }
}

/// Fails unless a column holds these integers.
func expect(_ batch: RecordBatch, _ column: String, _ values: [Int64?]) throws {
  try expect(batch, column, values.map { $0.map { Value.int64($0) } ?? .null })
}

/// Fails unless a column holds these words.
func expect(_ batch: RecordBatch, _ column: String, words: [String]) throws {
  try expect(batch, column, words.map { Value.string($0) })
}

/// Fails unless the body is refused with a code, naming some words.
func expectRefusal(
  _ code: LarderError.Code, naming words: [String] = [], _ body: () throws -> Void
) throws {
  do { try body() } catch let error as LarderError {
    guard error.code == code else {
      throw ConformanceFailure(description: "expected \(code), found \(error.code): \(error)")
    }
    for word in words where !error.description.contains(word) {
      throw ConformanceFailure(description: "the message does not name \(word): \(error)")
    }
    return
  }
  throw ConformanceFailure(description: "expected a refusal with \(code); there was none")
}
