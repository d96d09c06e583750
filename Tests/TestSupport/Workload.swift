import LarderColumns
import LarderContract

/// Generated history and a spine that asks for it, in one of six shapes.
///
/// 90 days in microseconds; spine in random order with 3 % unknown entities, 1 % repeated rows and
/// 2 % exactly on an event time or a time-to-live edge; entity ids are sparse in 48 bits. History
/// comes in the order of created times, as an append-only log holds it.
public struct Workload: Sendable {
  /// What is asked of what.
  public enum Shape: String, Sendable, CaseIterable {
    /// Few entities, dense history, 6 h to live.
    case dense = "a"
    /// Many entities with few rows each, 7 d to live.
    case sparse = "b"
    /// Zipf on both sides, 1 d to live.
    case zipf = "c"
    /// Eight views over two keys, 1 h to 30 d and no limit.
    case views = "d"
    /// Two text keys, 3 d to live.
    case text = "e"
    /// A quarter delivered twice, heavy-tailed lateness, times on a minute grid, 14 d to live.
    case late = "f"
  }

  /// How much of it.
  public enum Size: String, Sendable {
    case XS, S, M
    /// Rows of the spine and of all history.
    public var rows: (spine: Int, history: Int) {
      switch self {
      case .XS: (1_000, 20_000)
      case .S: (10_000, 1_000_000)
      case .M: (1_000_000, 10_000_000)
      }
    }
  }

  /// The views, with join keys, features and time to live.
  public let views: [FeatureView]
  /// For each view, all its rows.
  public let history: [RecordBatch]
  /// The rows that ask.
  public let spine: RecordBatch
  /// Everything there is to ask for.
  public var features: [FeatureReference] {
    views.map { FeatureReference(view: $0.name, feature: nil) }
  }

  /// Generates a workload; the same seed gives the same bytes.
  public init(_ shape: Shape, _ size: Size, seed: UInt64 = 42) throws {
    var random = SeededRandom(seed: seed &+ UInt64(shape.rawValue.utf8.first ?? 0) &* 7_919)
    let (spineRows, historyRows) = size.rows
    let entities = shape.entities(size)
    let isMixed = shape == .views
    let timesToLive: [Int64] =
      isMixed
      ? [1, 6, 24, 72, 168, 720, 0, 48].map { $0 * 3_600_000_000 } : [shape.timeToLive]
    var owners: [String: [Int]] = [:]
    for (name, count) in isMixed
      ? [("user_id", entities), ("item_id", max(entities / 10, 10))]
      : [("entity_id", entities)]
    {
      let picker = EntityPicker(count, isZipf: shape == .zipf)
      owners[name] = (0..<spineRows).map { _ in
        random.next() % 100 < 3
          ? count + Int(random.next() % UInt64(count)) : picker.pick(&random)
      }
    }
    var times = (0..<spineRows).map { _ in workloadStart + Int64(random.next() % span) }
    for _ in 0..<spineRows / 100 {
      let to = Int(random.next() % UInt64(spineRows))
      let from = Int(random.next() % UInt64(spineRows))
      times[to] = times[from]
      for name in owners.keys.sorted() {
        let owner = owners[name]?[from] ?? 0
        owners[name]?[to] = owner
      }
    }
    var views: [FeatureView] = []
    var history: [RecordBatch] = []
    for (index, timeToLive) in timesToLive.enumerated() {
      let key = isMixed ? (index % 2 == 0 ? "user_id" : "item_id") : "entity_id"
      let count = key == "item_id" ? max(entities / 10, 10) : entities
      let rows = HistoryRows(
        shape, rows: historyRows / timesToLive.count, entities: count, &random)
      if !isMixed {
        for _ in 0..<spineRows / 50 {
          let row = Int(random.next() % UInt64(spineRows))
          let event = Int(random.next() % UInt64(rows.owners.count))
          owners[key]?[row] = rows.owners[event]
          times[row] = rows.events[event]
          if random.chance(0.5) { times[row] += timeToLive + (random.chance(0.5) ? 1 : 0) }
        }
      }
      let view = workloadView(shape, index: index, key: key, timeToLive: timeToLive, isMixed)
      views.append(view)
      history.append(try rows.batch(view, shape, key, isMixed, &random))
    }
    var fields = [ColumnField("row_id", .int64)]
    var columns = [fixedColumn(.int64, (0..<spineRows).map { Int64($0) })]
    for name in owners.keys.sorted() {
      for (field, column) in keyColumns(shape, name, owners[name] ?? []) {
        fields.append(ColumnField(field, column.type))
        columns.append(column)
      }
    }
    fields.append(ColumnField("event_timestamp", .timestamp(.microseconds)))
    columns.append(fixedColumn(.timestamp(.microseconds), times))
    self.views = views
    self.history = history
    spine = try RecordBatch(schema: Schema(fields), columns: columns)
  }
}

let workloadStart: Int64 = 1_704_067_200_000_000
private let span: UInt64 = 90 * 86_400_000_000

extension Workload.Shape {
  fileprivate func entities(_ size: Workload.Size) -> Int {
    let all: [Int] =
      switch self {
      case .dense: [10, 100, 1_000]
      case .sparse: [2_000, 100_000, 1_000_000]
      case .zipf: [1_000, 10_000, 100_000]
      case .views: [500, 10_000, 100_000]
      case .text: [500, 10_000, 200_000]
      case .late: [200, 5_000, 50_000]
      }
    return switch size {
    case .XS: all[0]
    case .S: all[1]
    case .M: all[2]
    }
  }

  fileprivate var timeToLive: Int64 {
    let hours: Int64 =
      switch self {
      case .dense: 6
      case .sparse: 168
      case .zipf: 24
      case .text: 72
      case .late: 336
      case .views: 0
      }
    return hours * 3_600_000_000
  }
}

private func workloadView(
  _ shape: Workload.Shape, index: Int, key: String, timeToLive: Int64, _ isMixed: Bool
) -> FeatureView {
  let prefix = isMixed ? "v\(index)_" : ""
  var fields = [
    Field("\(prefix)i64", .int64), Field("\(prefix)f64a", .float64),
    Field("\(prefix)f64b", .float64), Field("\(prefix)flag", .bool),
    Field("\(prefix)text", .string),
  ]
  if isMixed {
    fields += [
      Field("\(prefix)f64c", .float64), Field("\(prefix)i64b", .int64),
      Field("\(prefix)i64c", .int64), Field("\(prefix)ts", .timestamp(.microseconds)),
      Field("\(prefix)text2", .string),
    ]
  }
  let keys: [JoinKey] =
    shape == .text ? [.string("tenant"), .string("user")] : [.int64(key)]
  return FeatureView(
    "fv\(index)", entities: [Entity(key, joinKeys: keys)], features: fields,
    timeToLive: timeToLive == 0 ? nil : .microseconds(timeToLive),
    createdTimestamp: "created_timestamp")
}

/// Draws entities evenly or by Zipf's law with exponent 1.1.
private struct EntityPicker {
  private let count: Int
  private var cumulative: [Double] = []

  init(_ count: Int, isZipf: Bool) {
    self.count = count
    guard isZipf else { return }
    var sum = 0.0
    for rank in 1...count {
      sum += 1 / workloadPower(Double(rank), 1.1)
      cumulative.append(sum)
    }
  }

  func pick(_ random: inout SeededRandom) -> Int {
    guard let total = cumulative.last else { return Int(random.next() % UInt64(count)) }
    let wanted = Double(random.next() >> 11) / 9_007_199_254_740_992 * total
    var low = 0
    var high = count - 1
    while low < high {
      let middle = (low + high) / 2
      if cumulative[middle] < wanted { low = middle + 1 } else { high = middle }
    }
    // Ranks are scattered over the ids, so that popular entities do not lie side by side.
    return Int(UInt64(low) &* 2_654_435_761 % UInt64(count))
  }
}

/// Who, when and known when, in the order of created times.
private struct HistoryRows {
  var owners: [Int]
  var events: [Int64]
  var created: [Int64]

  init(_ shape: Workload.Shape, rows: Int, entities: Int, _ random: inout SeededRandom) {
    let picker = EntityPicker(entities, isZipf: shape == .zipf)
    owners = (0..<rows).map { _ in picker.pick(&random) }
    events = (0..<rows).map { _ in workloadStart + Int64(random.next() % span) }
    created = events
    if shape == .late {
      for row in 0..<rows { events[row] -= events[row] % 60_000_000 }
      for _ in 0..<rows / 4 {
        let from = Int(random.next() % UInt64(rows))
        let to = Int(random.next() % UInt64(rows))
        owners[to] = owners[from]
        events[to] = events[from]
      }
      for row in 0..<rows {
        let uniform = max(Double(random.next() >> 11) / 9_007_199_254_740_992, 1e-9)
        let lag = min((workloadPower(1 / uniform, 1 / 1.2) - 1) * 60e6, 20 * 86_400e6)
        created[row] = events[row] + Int64(lag) / 1_000_000 * 1_000_000
      }
    } else {
      for row in 0..<rows { created[row] += Int64(random.next() % 300_000_000) }
    }
    let createdTimes = created
    let order = (0..<rows).sorted { a, b in
      createdTimes[a] == createdTimes[b] ? a < b : createdTimes[a] < createdTimes[b]
    }
    owners = order.map { [owners] in owners[$0] }
    events = order.map { [events] in events[$0] }
    created = order.map { createdTimes[$0] }
  }

  func batch(
    _ view: FeatureView, _ shape: Workload.Shape, _ key: String, _ isMixed: Bool,
    _ random: inout SeededRandom
  ) throws -> RecordBatch {
    var fields: [ColumnField] = []
    var columns: [Column] = []
    for (name, column) in keyColumns(shape, key, owners) {
      fields.append(ColumnField(name, column.type))
      columns.append(column)
    }
    fields.append(ColumnField(view.eventTimestamp, .timestamp(.microseconds)))
    columns.append(fixedColumn(.timestamp(.microseconds), events))
    fields.append(ColumnField("created_timestamp", .timestamp(.microseconds)))
    columns.append(fixedColumn(.timestamp(.microseconds), created))
    let values = featureColumns(events, isMixed: isMixed, &random)
    for (field, column) in zip(view.features, values) {
      fields.append(ColumnField(field.name, field.type))
      columns.append(column)
    }
    return try RecordBatch(schema: Schema(fields), columns: columns)
  }
}

/// x to the power of y for x >= 1, by repeated square roots: the same on every machine.
private func workloadPower(_ x: Double, _ y: Double) -> Double {
  let whole = y.rounded(.down)
  var result = 1.0
  for _ in 0..<Int(whole) { result *= x }
  var root = x
  var fraction = y - whole
  for _ in 0..<40 {
    root = root.squareRoot()
    fraction *= 2
    if fraction >= 1 {
      result *= root
      fraction -= 1
    }
  }
  return result
}
