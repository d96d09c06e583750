import LarderColumns
import LarderContract

/// One view of a random case, with the keys and times that its rows and spines draw from.
struct RandomWorld {
  let view: FeatureView
  /// The keys there are: for each, one value per join key.
  let keys: [[Value]]
  /// The event time at the start of the range, in ticks of the view.
  let start: Int64
  /// How many ticks the range has.
  let span: Int
  private let rows: Int
  private let commits: Int

  init(
    named name: String, shape: CaseShape, sharing others: [RandomWorld],
    _ random: inout CaseRandom
  ) {
    let unit: TimeUnit = random.oneIn(4) ? .nanoseconds : .microseconds
    var entities: [Entity] = []
    if let other = others.first, random.oneIn(2) {
      entities = other.view.entities
    } else {
      let names = ["user", "Äpfel", "a", "zone"].shuffled(using: &random)
      let count = random.pick([0, 1, 1, 1, 1, 2, 2, 3])
      let joinKeys = names.prefix(count).map { key in
        JoinKey("\(key)\(others.count)", random.pick(JoinKeyType.allCases))
      }
      if count > 0 { entities = [Entity("e\(others.count)", joinKeys: joinKeys)] }
    }
    span =
      if let range = shape.span {
        Int(random.int(range)) * (unit == .nanoseconds ? 1_000 : 1)
      } else {
        random.pick([1, 3, 10, 100, 5_000, 100_000_000])
      }
    start = RandomWorld.start(unit, span: span, isLarge: shape.span != nil, &random)
    let hasCreated = !random.oneIn(3)
    view = FeatureView(
      name, entities: entities, features: randomFields(of: name, hasLists: shape.hasLists, &random),
      timeToLive: randomTimeToLive(unit, span: span, &random), eventTimestamp: "at",
      createdTimestamp: hasCreated ? "known" : nil, timeUnit: unit,
      partition: shape.partition ?? random.pick(PartitionWidth.allCases))
    let joinKeys = view.isEntityless ? [] : view.joinKeys
    if let other = others.first, other.view.entities == entities, !joinKeys.isEmpty {
      keys = other.keys
    } else {
      let count = joinKeys.isEmpty ? 1 : random.int(shape.keys)
      keys = (0..<count).map { index in
        joinKeys.map { randomKey($0.type, index, few: shape.span == nil, &random) }
      }
    }
    rows = random.int(shape.rows)
    commits = random.int(shape.commits)
  }

  private static func start(
    _ unit: TimeUnit, span: Int, isLarge: Bool, _ random: inout CaseRandom
  ) -> Int64 {
    let scale: Int64 = unit == .nanoseconds ? 1_000 : 1
    if isLarge { return 1_700_000_000_000_000 * scale }
    return switch random.int(1...10) {
    case 1: .min
    case 2: .max - Int64(span)
    case 3: -Int64(span / 2)
    case 4: -62_135_596_800_000_000 + 60_000_000_000_000_000 * (scale == 1 ? 0 : 1)
    default: 1_700_000_000_000_000 * scale
    }
  }

  /// An event time, often one that others have too.
  func time(_ random: inout CaseRandom) -> Int64 { start + Int64(random.int(0...span)) }

  /// The rows, cut into commits; the last shuffle decides which commit is which.
  func batches(_ random: inout CaseRandom) throws(LarderError) -> [RecordBatch] {
    var events: [Int64] = []
    var owners: [Int] = []
    for _ in 0..<rows {
      if let last = events.indices.randomElement(using: &random), random.oneIn(4) {
        // The same key and time again, in this commit or another.
        events.append(events[last])
        owners.append(owners[last])
      } else {
        events.append(time(&random))
        owners.append(random.int(0...keys.count - 1))
      }
    }
    var cuts = (0..<max(0, commits - 1)).map { _ in random.int(0...rows) }
    cuts = [0] + cuts.sorted() + [rows]
    var result: [RecordBatch] = []
    for (low, high) in zip(cuts, cuts.dropFirst()) {
      result.append(try batch(events[low..<high], owners[low..<high], &random))
    }
    return result
  }

  private func batch(
    _ events: ArraySlice<Int64>, _ owners: ArraySlice<Int>, _ random: inout CaseRandom
  ) throws(LarderError) -> RecordBatch {
    var fields: [ColumnField] = []
    var columns: [Column] = []
    if !view.isEntityless {
      for (position, key) in view.joinKeys.enumerated() {
        fields.append(ColumnField(key.name, key.type.dataType))
        columns.append(
          try .of(
            key.type.dataType,
            owners.map { keyCell(keys[$0][position], as: key.type.dataType) }))
      }
    }
    fields.append(ColumnField(view.eventTimestamp, .timestamp(view.timeUnit)))
    columns.append(.timestamp(Array(events), unit: view.timeUnit))
    if let created = view.createdTimestamp {
      fields.append(ColumnField(created, .timestamp(view.timeUnit)))
      columns.append(
        .timestamp(events.map { createdTime($0, &random) }, unit: view.timeUnit))
    }
    for feature in view.features where !random.oneIn(12) {
      fields.append(ColumnField(feature.name, feature.type))
      var builder = ColumnBuilder(feature.type)
      let sparse = random.oneIn(4)
      for _ in events {
        if random.oneIn(sparse ? 2 : 9) {
          builder.appendNull()
        } else {
          try builder.append(randomValue(feature.type, &random))
        }
      }
      columns.append(builder.finish())
    }
    return try RecordBatch(schema: Schema(fields), columns: columns, count: events.count)
  }

  private func createdTime(_ event: Int64, _ random: inout CaseRandom) -> Int64? {
    switch random.int(1...12) {
    case 1: return nil
    case 2: return event
    case 3: return .max
    case 4: return .min
    case 5...8:
      // A coarse grid, so that created times tie as well.
      let (time, overflow) = event.addingReportingOverflow(Int64(random.int(0...3)))
      return overflow ? event : time
    default:
      let delay = Int64(random.int(0...max(1, span / 2)))
      let (time, overflow) = event.addingReportingOverflow(delay)
      return overflow ? event : time
    }
  }
}

/// A key as a value of a column of the key's own type.
func keyCell(_ key: Value, as type: DataType) -> Value {
  switch (type, key) {
  case (.int32, .int64(let x)): .int32(Int32(truncatingIfNeeded: x))
  case (.timestamp(let unit), .int64(let x)):
    .timestamp(Timestamp(ticks: x * unit.ticksPerSecond, unit: unit))
  default: key
  }
}
