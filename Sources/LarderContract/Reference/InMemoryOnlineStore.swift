import LarderColumns

/// A plain online store in memory: one dictionary per view, every rule written out.
///
/// It is the yardstick that other stores are measured against. Its clock is handed in, so that a
/// test can say what time it is.
///
/// ```swift
/// let store = InMemoryOnlineStore(now: { Timestamp(seconds: 1_700_000_000) })
/// try store.update(
///   keeping: [view], deleting: [], entitiesToKeep: [], entitiesToDelete: [], partial: true)
/// try store.writeBatch(batch, to: view)
/// let rows = try store.read(keys, from: view)
/// ```
public final class InMemoryOnlineStore: OnlineStore {
  private let tables = ForkSafeMutex<[String: ReferenceTable]>([:])
  private let now: @Sendable () -> Timestamp

  /// Makes an empty store that reads the time from a clock.
  public init(now: @escaping @Sendable () -> Timestamp) { self.now = now }

  /// Creates and drops tables; see `OnlineStore`.
  public func update(
    keeping: [FeatureView], deleting: [FeatureView], entitiesToKeep: [Entity],
    entitiesToDelete: [Entity], partial: Bool
  ) throws(LarderError) {
    tables.withLock { tables in
      for view in deleting { tables[view.name] = nil }
      if !partial {
        let kept = Set(keeping.map(\.name))
        tables = tables.filter { kept.contains($0.key) }
      }
      for view in keeping { tables[view.name, default: ReferenceTable()].adopt(view) }
    }
  }

  /// Drops the views' tables; see `OnlineStore`.
  public func tearDown(_ views: [FeatureView], entities: [Entity]) throws(LarderError) {
    tables.withLock { tables in for view in views { tables[view.name] = nil } }
  }

  /// Writes rows directly; see `OnlineStore`.
  public func writeBatch(
    _ batch: RecordBatch, to view: FeatureView, progress: (@Sendable (Int) -> Void)? = nil
  ) throws(LarderError) {
    let writes = try writes(batch, view)
    let now = now()
    try change(view) { table in
      table.adopt(view)
      for write in writes { table.write(write, view: view, now: now) }
    }
    progress?(batch.count)
  }

  /// Deletes keys; see `OnlineStore`.
  public func delete(
    _ keys: RecordBatch, from view: FeatureView, at: Timestamp?
  ) throws(LarderError) {
    let columns = try WrittenColumns(keys.schema, of: view, isDeletion: true)
    let now = now()
    var writes: [ReferenceTable.Write] = []
    for row in 0..<keys.count {
      let key = try key(keys, columns.keys, view, row)
      var event = (at ?? now).floor(in: view.timeUnit)
      if columns.event != nil {
        guard let own = try ticks(keys, columns.event, view, row) else {
          throw LarderError(
            .invalidInput, "The event time is missing; every row needs one.",
            column: view.eventTimestamp, row: row)
        }
        event = own
      }
      var created = view.createdTimestamp == nil ? nil : now.floor(in: view.timeUnit)
      if columns.created != nil { created = try ticks(keys, columns.created, view, row) }
      writes.append(.init(key: key, row: .init(event: event, created: created, values: nil)))
    }
    try change(view) { table in
      for write in writes { table.write(write, view: view, now: now) }
    }
  }

  /// Reads one answer per key; see `OnlineStore`.
  public func read(
    _ keys: RecordBatch, from view: FeatureView, features: [String]?, at: Timestamp?,
    includeExpired: Bool
  ) throws(LarderError) -> OnlineRows {
    let readAt = at ?? now()
    let columns = try WrittenColumns.keys(keys.schema, of: view)
    let fields = try view.fields(named: features)
    let table = try table(of: view)
    var values = fields.map { ColumnBuilder($0.type) }
    var events = ColumnBuilder(.timestamp(view.timeUnit))
    var statuses: [OnlineStatus] = []
    for row in 0..<keys.count {
      let entry = try entry(keys, columns, view, row, table)
      guard let entry, let found = entry.served, found.values != nil else {
        events.appendNull()
        statuses.append(.notFound)
        for position in fields.indices { values[position].appendNull() }
        continue
      }
      events.append(found.event)
      let isExpired = view.isExpired(event: found.event, at: readAt)
      let answer = fields.map {
        table.value($0.name, of: entry, view: view, at: readAt, includeExpired: includeExpired)
      }
      for (position, value) in answer.enumerated() { try values[position].append(value) }
      let isNull = !answer.isEmpty && answer.allSatisfy { $0 == .null }
      statuses.append(isExpired ? .outsideMaxAge : isNull ? .nullValue : .present)
    }
    let schema = Schema(fields.map { ColumnField($0.name, $0.type) })
    return OnlineRows(
      features: try RecordBatch(
        schema: schema, columns: values.map { $0.finish() }, count: keys.count),
      eventTimes: events.finish(), statuses: statuses, readAt: readAt)
  }

  /// Does to the answers what housekeeping may: values past the time to live go, and so do
  /// deletions that are.
  package func compact(_ view: FeatureView) throws(LarderError) {
    let now = now()
    try change(view) { $0.compact(view: view, now: now) }
  }

  func table(of view: FeatureView) throws(LarderError) -> ReferenceTable {
    guard let table = tables.withLock({ $0[view.name] }) else { throw .noOnlineTable(view) }
    return table
  }

  func change(
    _ view: FeatureView, _ body: (inout ReferenceTable) -> Void
  ) throws(LarderError) {
    try tables.withLock { (tables) throws(LarderError) in
      guard var table = tables[view.name] else { throw .noOnlineTable(view) }
      body(&table)
      tables[view.name] = table
    }
  }

  private func entry(
    _ keys: RecordBatch, _ columns: [Int], _ view: FeatureView, _ row: Int, _ table: ReferenceTable
  ) throws(LarderError) -> ReferenceTable.Entry? {
    var key: [Value] = []
    for (joinKey, column) in zip(view.joinKeys, columns) {
      let value = keys.columns[column][row]
      switch try ReferenceKey(value, as: joinKey.type, column: joinKey.name, row: row) {
      case .key(let value): key.append(value)
      case .null, .unknown: return nil
      }
    }
    return table.entries[key]
  }

  func key(
    _ batch: RecordBatch, _ columns: [Int], _ view: FeatureView, _ row: Int
  ) throws(LarderError) -> [Value] {
    var key: [Value] = []
    for (joinKey, column) in zip(view.joinKeys, columns) {
      let value = batch.columns[column][row]
      switch try ReferenceKey(value, as: joinKey.type, column: joinKey.name, row: row) {
      case .key(let value): key.append(value)
      case .null:
        throw LarderError(
          .invalidInput, "A join key is null; every row needs one.", column: joinKey.name,
          row: row)
      case .unknown:
        throw LarderError(
          .invalidInput, "\(value) does not fit \(joinKey.type.rawValue).",
          column: joinKey.name, row: row)
      }
    }
    return key
  }

  func ticks(
    _ batch: RecordBatch, _ column: Int?, _ view: FeatureView, _ row: Int
  ) throws(LarderError) -> Int64? {
    guard let column else { return nil }
    let value = batch.columns[column][row]
    guard let time = ReferenceKey.instant(value) else { return nil }
    guard let ticks = time.exactly(in: view.timeUnit) else {
      throw LarderError(
        .invalidInput,
        "\(value) is not a whole number of \(view.timeUnit) in the range of 64 bits. A view keeps "
          + "finer times with \"timeUnit\": \"ns\".",
        column: batch.schema.fields[column].name, row: row)
    }
    return ticks
  }
}
