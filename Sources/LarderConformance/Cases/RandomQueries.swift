import LarderColumns
import LarderContract

/// A point-in-time query over some views, now and then through a projection.
func randomHistorical(
  _ worlds: [RandomWorld], shape: CaseShape, _ random: inout CaseRandom
) throws(LarderError) -> RandomCase.Query {
  var options = RetrievalOptions(
    timestamp: random.pick(["event_timestamp", "t"]), fullFeatureNames: random.oneIn(3),
    asKnown: random.oneIn(2), withEventTimes: random.oneIn(2), withStatus: random.oneIn(2),
    dictionaryStrings: random.oneIn(2), threads: random.pick([1, 2, nil]))
  var spine = RandomSpine(rows: random.int(shape.spineRows), &random)
  var features: [FeatureReference] = []
  for world in worlds.shuffled(using: &random) {
    spine.addKeys(of: world, mapping: [:], &random)
    features += randomReferences(world.view.name, world.view, &random)
    if random.oneIn(4), options.fullFeatureNames {
      let alias = "other_\(world.view.name)"
      var mapping: [String: String] = [:]
      if !world.view.isEntityless {
        for key in world.view.joinKeys where random.oneIn(2) {
          mapping[key.name] = "other \(key.name)"
        }
      }
      options.projections.append(
        .projection(of: world.view.name, as: alias, joinKeys: mapping))
      spine.addKeys(of: world, mapping: mapping, &random)
      features += randomReferences(alias, world.view, &random)
    }
  }
  return .historical(
    spine: try spine.batch(timestamp: options.timestamp, worlds, &random), features: features,
    options: options)
}

/// A query without a spine.
func randomUnspined(
  _ worlds: [RandomWorld], shape: CaseShape, _ random: inout CaseRandom
) -> RandomCase.Query {
  // Times of views of different units need not fit into the finer one; ask one view at a time.
  let world = random.pick(worlds)
  var (from, through) = randomRange(world, &random)
  if shape.span != nil {
    // Of many rows a part, so that the reference does not take most of a run's time.
    let ticks = min(through.ticks - from.ticks, Int64(world.span / 16))
    through = Timestamp(ticks: from.ticks + ticks, unit: from.unit)
  }
  return .historical(
    spine: nil, features: [FeatureReference(view: world.view.name, feature: nil)],
    options: RetrievalOptions(
      asKnown: random.oneIn(2), withEventTimes: true, withStatus: random.oneIn(2), from: from,
      through: through))
}

/// A pull of some features in some range.
func randomPull(_ worlds: [RandomWorld], _ random: inout CaseRandom) -> RandomCase.Query {
  let index = random.int(0...worlds.count - 1)
  let view = worlds[index].view
  let (from, through) = randomRange(worlds[index], &random)
  return .pull(
    view: index,
    features: random.oneIn(2)
      ? nil : view.features.map(\.name).shuffled(using: &random).filter { _ in random.oneIn(2) },
    from: random.oneIn(3) ? nil : from, through: random.oneIn(3) ? nil : through,
    latest: random.oneIn(2))
}

private func randomRange(
  _ world: RandomWorld, _ random: inout CaseRandom
) -> (from: Timestamp, through: Timestamp) {
  let times = [world.time(&random), world.time(&random)].sorted()
  let unit = world.view.timeUnit
  return (Timestamp(ticks: times[0], unit: unit), Timestamp(ticks: times[1], unit: unit))
}

private func randomReferences(
  _ name: String, _ view: FeatureView, _ random: inout CaseRandom
) -> [FeatureReference] {
  if random.oneIn(3) { return [FeatureReference(view: name, feature: nil)] }
  let count = random.int(1...view.features.count)
  return view.features.shuffled(using: &random).prefix(count).map {
    FeatureReference(view: name, feature: $0.name)
  }
}

/// A spine as it grows: key columns first, then the time.
private struct RandomSpine {
  private let rows: Int
  private var columns: [(name: String, column: Result<Column, LarderError>)] = []

  init(rows: Int, _ random: inout CaseRandom) {
    self.rows = rows
    if random.oneIn(2) {
      columns.append(("label", .success(.float64((0..<rows).map { Double($0) }))))
    }
  }

  /// Adds the key columns of a view, under other names where a projection maps them.
  mutating func addKeys(
    of world: RandomWorld, mapping: [String: String], _ random: inout CaseRandom
  ) {
    guard !world.view.isEntityless else { return }
    // Rows draw whole keys, so that compound keys match; a few draw each part by itself.
    let owners = (0..<rows).map { _ in random.int(0...world.keys.count - 1) }
    for (position, key) in world.view.joinKeys.enumerated() {
      let name = mapping[key.name] ?? key.name
      guard !columns.contains(where: { $0.name == name }) else { continue }
      let type = spineType(for: key.type, world.keys.map { $0[position] }, &random)
      let values = owners.map { owner -> Value in
        if random.oneIn(25) { return .null }
        if random.oneIn(25) { return unknownKey(type, &random) }
        let chosen = random.oneIn(20) ? random.int(0...world.keys.count - 1) : owner
        return spineCell(world.keys[chosen][position], as: type)
      }
      columns.append((name, Result { () throws(LarderError) in try .of(type, values) }))
    }
  }

  /// The spine, with its time column put somewhere among the others.
  func batch(
    timestamp: String, _ worlds: [RandomWorld], _ random: inout CaseRandom
  ) throws(LarderError) -> RecordBatch {
    var fields: [ColumnField] = []
    var built: [Column] = []
    for (name, column) in columns {
      let column = try column.get()
      fields.append(ColumnField(name, column.type))
      built.append(column)
    }
    let times = randomTimes(rows, worlds, &random)
    let place = random.int(0...fields.count)
    fields.insert(ColumnField(timestamp, times.type), at: place)
    built.insert(times, at: place)
    let whole = try RecordBatch(schema: Schema(fields), columns: built, count: rows)
    return random.oneIn(4) && rows > 2 ? whole.slice(1..<rows) : whole
  }
}

/// Times around the event times of the views, in some unit or as dates.
private func randomTimes(
  _ rows: Int, _ worlds: [RandomWorld], _ random: inout CaseRandom
) -> Column {
  let unit = random.pick([
    TimeUnit.seconds, .milliseconds, .microseconds, .microseconds, .nanoseconds,
  ])
  let world = random.pick(worlds)
  let times = (0..<rows).map { _ -> Timestamp? in
    if random.oneIn(25) { return nil }
    if random.oneIn(30) { return Timestamp(ticks: random.pick([.min, .max]), unit: unit) }
    let slack = Int64(random.int(-2...2)) * (random.oneIn(3) ? Int64(world.span) : 1)
    let (ticks, overflow) = world.time(&random).addingReportingOverflow(slack)
    return Timestamp(ticks: overflow ? world.start : ticks, unit: world.view.timeUnit)
  }
  if random.oneIn(8) {
    return .date(
      times.map { $0.map { Int32(clamping: $0.floor(in: .seconds) / 86_400) } })
  }
  return .timestamp(times.map { $0.map { $0.floor(in: unit) } }, unit: unit)
}

/// A column type that converts to a join key's type.
private func spineType(
  for key: JoinKeyType, _ keys: [Value], _ random: inout CaseRandom
) -> DataType {
  switch key {
  case .string: return .string
  case .bytes: return .bytes
  case .timestamp: return .timestamp(random.pick([.seconds, .milliseconds, .microseconds]))
  case .int32, .int64:
    let isNarrow = keys.allSatisfy { key in
      if case .int64(let x) = key {
        abs(x.clamped(to: -(1 << 24)...(1 << 24))) < 1 << 24
      } else {
        false
      }
    }
    return random.pick(isNarrow ? [.int32, .int64, .float64, .float32] : [.int64])
  }
}

private func spineCell(_ key: Value, as type: DataType) -> Value {
  switch (type, key) {
  case (.float64, .int64(let x)): .float64(Double(x))
  case (.float32, .int64(let x)): .float32(Float(x))
  default: keyCell(key, as: type)
  }
}

/// A value that no key has, or that no key can have.
private func unknownKey(_ type: DataType, _ random: inout CaseRandom) -> Value {
  switch type {
  case .int32: .int32(-77)
  case .int64: .int64(random.pick([-77, 1 << 40 + 1, 1 << 62 + 3]))
  case .float32: .float32(random.pick([.nan, .infinity, 1e30, -77]))
  case .float64: .float64(random.pick([.nan, -.infinity, 1e300, -77, -0.0]))
  case .string: .string("nobody")
  case .bytes: .bytes([1, 2, 3])
  case .timestamp(let unit): .timestamp(Timestamp(ticks: 7 * unit.ticksPerSecond, unit: unit))
  default: .null
  }
}

extension Comparable {
  /// The nearest value within a range.
  fileprivate func clamped(to range: ClosedRange<Self>) -> Self {
    min(max(self, range.lowerBound), range.upperBound)
  }
}
