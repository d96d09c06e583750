import LarderColumns
import LarderContract

/// A random life of an online store beside the in-memory reference, step by step.
///
/// The caller may do things to the store between the steps that must not change an answer.
package struct OnlineCase {
  /// The seed that replays the case.
  package let seed: UInt64
  /// The clock that store and reference share.
  package let clock = ConformanceClock()
  /// The reference.
  package let reference: InMemoryOnlineStore
  /// The view as it is defined now.
  package private(set) var view: FeatureView
  /// Rows written, deleted and read so far.
  package private(set) var operations = 0
  /// How many rows a batch has at most.
  package var batchRows = 12
  /// How many different keys there are.
  package var keys: Int

  /// Told what is done, for finding out why a seed fails.
  package var trace: (@Sendable (String) -> Void)?

  private var random: CaseRandom
  private var written: [RecordBatch] = []
  private var names = 0

  /// Draws a view.
  package init(seed: UInt64) {
    self.seed = seed
    var random = CaseRandom(seed: seed)
    let clock = clock
    reference = InMemoryOnlineStore(now: { clock.now })
    let types = JoinKeyType.allCases
    let joinKeys = (0..<random.int(0...2)).map { JoinKey("key_\($0)", random.pick(types)) }
    let unit = random.pick([TimeUnit.microseconds, .nanoseconds])
    view = FeatureView(
      "view", entities: joinKeys.isEmpty ? [] : [Entity("thing", joinKeys: joinKeys)],
      features: randomFields(of: "v", &random),
      timeToLive: random.oneIn(3) ? nil : .microseconds(random.int(1...3_000)),
      eventTimestamp: "at", createdTimestamp: random.oneIn(3) ? nil : "known", timeUnit: unit)
    keys = random.int(1...40)
    self.random = random
  }

  /// Makes the table.
  package mutating func begin(_ store: any OnlineStore) throws { try update(store) }

  /// Does something at random and compares answers.
  package mutating func step(_ store: any OnlineStore) throws {
    switch random.int(1...20) {
    case 1...7: try write(store, partial: false)
    case 8...10: try write(store, partial: true)
    case 11: try replay(store)
    case 12...13: try delete(store)
    case 14:
      trace?("the clock moves on from \(clock.now)")
      clock.advance(microseconds: Int64(random.int(0...700)))
    case 15: if random.oneIn(6) { try changeFeatures(store) }
    default: try compare(store)
    }
  }

  /// Compares the answers for every key, in all ways of asking.
  package mutating func compareAll(_ store: any OnlineStore) throws {
    var start = 0
    while start < keys {
      let end = min(keys, start + 200)
      let batch = try keyBatch(Array(start..<end), plain: true)
      try compare(store, batch, features: nil, at: nil, includeExpired: false)
      start = end
    }
  }

  // MARK: What is done

  private mutating func write(_ store: any OnlineStore, partial: Bool) throws {
    let count = random.int(0...batchRows)
    let rows = (0..<count).map { _ in random.int(0...keys - 1) }
    let features = partial ? view.features.filter { _ in random.oneIn(2) } : view.features
    var columns = try keyColumns(rows, plain: false) + timeColumns(count)
    for feature in features {
      let values = rows.map { _ in
        random.oneIn(6) ? Value.null : randomValue(feature.type, &random)
      }
      columns.append((ColumnField(feature.name, feature.type), try .of(feature.type, values)))
    }
    let batch = try batch(columns, count)
    written.append(batch)
    if written.count > 20 { written.removeFirst() }
    try send(batch, store)
  }

  private mutating func replay(_ store: any OnlineStore) throws {
    let known = Set(view.features.map(\.name) + ["at", "known"] + view.joinKeys.map(\.name))
    let types = Dictionary(uniqueKeysWithValues: view.features.map { ($0.name, $0.type) })
    let usable = written.filter { batch in
      batch.schema.fields.allSatisfy { field in
        known.contains(field.name) && (types[field.name] ?? field.type) == field.type
      }
    }
    if !usable.isEmpty { try send(random.pick(usable), store) }
  }

  private mutating func send(_ batch: RecordBatch, _ store: any OnlineStore) throws {
    operations += batch.count
    trace?("write \(batch.schema.fields.map(\.name)) \((0..<batch.count).map { batch.row($0) })")
    if let marked = store as? any WatermarkedOnlineStore, random.oneIn(3) {
      return try sendHistory(batch, marked)
    }
    try store.writeBatch(batch, to: view, progress: nil)
    try reference.writeBatch(batch, to: view, progress: nil)
  }

  /// Rows as materialization brings them, with or without a watermark.
  private mutating func sendHistory(
    _ batch: RecordBatch, _ store: any WatermarkedOnlineStore
  ) throws {
    let watermark =
      random.oneIn(3)
      ? OnlineWatermark(
        commit: random.next(), chainHash: random.next(), through: instant(clock.now)) : nil
    let stores: [any WatermarkedOnlineStore] = [store, reference]
    switch random.int(1...4) {
    case 1:
      let rows = try firstOfEachKey(batch)
      trace?("as history's answers: \((0..<rows.count).map { rows.row($0) })")
      for store in stores { try store.replaceHistory(rows, in: view, watermark: watermark) }
    case 2:
      let names = view.isEntityless ? [] : view.joinKeys.map(\.name)
      let keys = try self.batch(
        zip(batch.schema.fields, batch.columns).filter { names.contains($0.0.name) }, batch.count)
      trace?("history has nothing of \((0..<keys.count).map { keys.row($0) })")
      for store in stores { try store.removeHistory(of: keys, in: view, watermark: watermark) }
    default:
      trace?("as history")
      for store in stores {
        try store.writeBatch(batch, to: view, watermark: watermark, progress: nil)
      }
    }
    guard let watermark else { return }
    let found = try store.watermark(of: view)
    guard found == watermark else { throw failure("watermark \(String(describing: found))") }
  }

  /// The first row of each key of a batch.
  private func firstOfEachKey(_ batch: RecordBatch) throws(LarderError) -> RecordBatch {
    let keys = view.isEntityless ? [] : view.joinKeys.compactMap { batch[$0.name] }
    var seen: Set<[Value]> = []
    let rows = (0..<batch.count).filter { row in seen.insert(keys.map { $0[row] }).inserted }
    let columns = try batch.columns.map { column throws(LarderError) in
      try Column.of(column.type, rows.map { column[$0] })
    }
    return try RecordBatch(schema: batch.schema, columns: columns, count: rows.count)
  }

  private mutating func delete(_ store: any OnlineStore) throws {
    let count = random.int(0...3)
    var columns = try keyColumns((0..<count).map { _ in random.int(0...keys - 1) }, plain: false)
    if random.oneIn(2) { columns += try timeColumns(count) }
    let batch = try batch(columns, count)
    let at = random.oneIn(2) ? nil : instant(clock.now)
    operations += count
    trace?("delete \((0..<count).map { batch.row($0) }) at \(String(describing: at))")
    try store.delete(batch, from: view, at: at)
    try reference.delete(batch, from: view, at: at)
  }

  private mutating func changeFeatures(_ store: any OnlineStore) throws {
    switch random.int(1...4) {
    case 1 where view.features.count > 1: view.features.remove(at: 0)
    case 2:
      let index = random.int(0...view.features.count - 1)
      names += 1
      let old = view.features[index]
      view.features[index] = Field("renamed_\(names)", old.type, formerly: old.name)
    case 3:
      view.features = view.features.map { field in
        switch field.type {
        case .int32: Field(field.name, .int64)
        case .float32: Field(field.name, .float64)
        default: field
        }
      }
    default:
      names += 1
      view.features.append(contentsOf: randomFields(of: "new_\(names)", &random).prefix(1))
    }
    try update(store)
  }

  private func update(_ store: any OnlineStore) throws {
    trace?("features \(view.features.map { "\($0.name) \($0.type)" })")
    for store in [store, reference] as [any OnlineStore] {
      try store.update(
        keeping: [view], deleting: [], entitiesToKeep: view.entities, entitiesToDelete: [],
        partial: true)
    }
  }

  // MARK: What is compared

  private mutating func compare(_ store: any OnlineStore) throws {
    let rows = (0..<random.int(0...batchRows)).map { _ in random.int(0...keys + 2) }
    var names = random.oneIn(3) ? view.features.map(\.name).filter { _ in random.oneIn(2) } : nil
    if random.oneIn(4) { names?.reverse() }
    let at = random.oneIn(4) ? instant(clock.now) : nil
    try compare(
      store, try keyBatch(rows, plain: false), features: names, at: at,
      includeExpired: random.oneIn(4))
  }

  private mutating func compare(
    _ store: any OnlineStore, _ keys: RecordBatch, features: [String]?, at: Timestamp?,
    includeExpired: Bool
  ) throws {
    operations += keys.count
    trace?(
      "read \((0..<keys.count).map { keys.row($0) }) \(String(describing: features)) "
        + "at \(String(describing: at)), expired too: \(includeExpired)")
    let found = try store.read(
      keys, from: view, features: features, at: at, includeExpired: includeExpired)
    let expected = try reference.read(
      keys, from: view, features: features, at: at, includeExpired: includeExpired)
    if let difference = firstDifference(expected: expected.features, found: found.features) {
      throw failure(difference)
    }
    guard found.statuses == expected.statuses else {
      throw failure("expected the statuses \(expected.statuses), found \(found.statuses)")
    }
    for row in 0..<keys.count where found.eventTimes[row] != expected.eventTimes[row] {
      throw failure(
        "event time of row \(row): expected \(expected.eventTimes[row]), found "
          + "\(found.eventTimes[row])")
    }
  }

  private func failure(_ what: String) -> ConformanceFailure {
    ConformanceFailure(description: "seed \(seed), after \(operations) operations: \(what)")
  }

  // MARK: Batches

  private mutating func keyBatch(_ rows: [Int], plain: Bool) throws -> RecordBatch {
    try batch(try keyColumns(rows, plain: plain), rows.count)
  }

  private func batch(
    _ columns: [(ColumnField, Column)], _ count: Int
  ) throws(LarderError) -> RecordBatch {
    try RecordBatch(schema: Schema(columns.map(\.0)), columns: columns.map(\.1), count: count)
  }

  private mutating func keyColumns(
    _ rows: [Int], plain: Bool
  ) throws -> [(ColumnField, Column)] {
    if view.isEntityless { return [] }
    var columns: [(ColumnField, Column)] = []
    for key in view.joinKeys {
      var values: [Value] = []
      for row in rows {
        let value = randomKey(key.type, row, few: !plain && keys < 20, &random)
        switch (key.type, value) {
        case (.int32, .int64(let x)): values.append(.int32(Int32(truncatingIfNeeded: x)))
        case (.timestamp, .int64(let x)): values.append(.timestamp(Timestamp(seconds: x)))
        default: values.append(value)
        }
      }
      let type = key.type.dataType
      columns.append((ColumnField(key.name, type), try .of(type, values)))
    }
    return columns
  }

  private mutating func timeColumns(_ count: Int) throws -> [(ColumnField, Column)] {
    let type = DataType.timestamp(view.timeUnit)
    let events = (0..<count).map { _ in event() }
    var columns = [(ColumnField("at", type), Column.timestamp(events, unit: view.timeUnit))]
    if let created = view.createdTimestamp, !random.oneIn(4) {
      let times = (0..<count).map { _ in random.oneIn(4) ? nil : Int64(random.int(0...3)) }
      columns.append(
        (ColumnField(created, type), Column.timestamp(times, unit: view.timeUnit)))
    }
    return columns
  }

  /// An event time of few different ones near the clock, now and then an extreme one.
  private mutating func event() -> Int64 {
    if random.oneIn(200) { return random.pick([.min, .max, 0]) }
    return instant(clock.now).floor(in: view.timeUnit)
  }

  private mutating func instant(_ now: Timestamp) -> Timestamp {
    Timestamp(microseconds: now.ticks / 50 * 50 - Int64(random.int(-4...60)) * 50)
  }
}
