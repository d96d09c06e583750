import LarderColumns
import Synchronization

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
public final class InMemoryOnlineStore: WatermarkedOnlineStore {
  private let tables = Mutex<[String: ReferenceTable]>([:])
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

  /// Writes rows and the watermark; see `WatermarkedOnlineStore`.
  @discardableResult
  public func writeBatch(
    _ batch: RecordBatch, to view: FeatureView, watermark: OnlineWatermark?,
    progress: (@Sendable (Int) -> Void)?
  ) throws(LarderError) -> Int {
    let columns = try WrittenColumns(batch.schema, of: view)
    let now = now()
    var writes: [ReferenceTable.Write] = []
    for row in 0..<batch.count {
      let key = try key(batch, columns.keys, view, row)
      guard let event = try ticks(batch, columns.event, view, row) else {
        throw LarderError(
          .invalidInput, "The event time is missing; every row needs one.",
          column: view.eventTimestamp, row: row)
      }
      var values: [String: Value] = [:]
      for written in columns.features {
        let field = view.features[written.feature]
        values[field.name] = widened(batch.columns[written.column][row], to: field.type)
      }
      let created = try ticks(batch, columns.created, view, row)
      writes.append(.init(key: key, event: event, created: created, values: values))
    }
    var changed: Set<[Value]> = []
    try change(view) { table in
      table.adopt(view)
      for write in writes where table.write(write, view: view, now: now) {
        changed.insert(write.key)
      }
      if let watermark { table.watermark = watermark }
    }
    progress?(batch.count)
    return changed.count
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
      writes.append(.init(key: key, event: event, created: created, values: nil))
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
      let found = try storedRow(keys, columns, view, row, table)
      guard let found, let stored = found.values else {
        events.appendNull()
        statuses.append(.notFound)
        for position in fields.indices { values[position].appendNull() }
        continue
      }
      events.append(found.event)
      let isExpired = view.isExpired(event: found.event, at: readAt)
      let isSilent = isExpired && !includeExpired
      let answer = fields.map { isSilent ? .null : stored[$0.name] ?? .null }
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

  /// The watermark of a view; nil if none was written yet.
  public func watermark(of view: FeatureView) throws(LarderError) -> OnlineWatermark? {
    try table(of: view).watermark
  }

  /// Does to the answers what housekeeping may: values past the time to live go, and so do
  /// deletions that are.
  package func compact(_ view: FeatureView) throws(LarderError) {
    let now = now()
    try change(view) { $0.compact(view: view, now: now) }
  }

  private func table(of view: FeatureView) throws(LarderError) -> ReferenceTable {
    guard let table = tables.withLock({ $0[view.name] }) else { throw .noOnlineTable(view) }
    return table
  }

  private func change(
    _ view: FeatureView, _ body: (inout ReferenceTable) -> Void
  ) throws(LarderError) {
    try tables.withLock { (tables) throws(LarderError) in
      guard var table = tables[view.name] else { throw .noOnlineTable(view) }
      body(&table)
      tables[view.name] = table
    }
  }

  private func storedRow(
    _ keys: RecordBatch, _ columns: [Int], _ view: FeatureView, _ row: Int, _ table: ReferenceTable
  ) throws(LarderError) -> ReferenceTable.Row? {
    var key: [Value] = []
    for (joinKey, column) in zip(view.joinKeys, columns) {
      let value = keys.columns[column][row]
      switch try ReferenceKey(value, as: joinKey.type, column: joinKey.name, row: row) {
      case .key(let value): key.append(value)
      case .null, .unknown: return nil
      }
    }
    return table.rows[key]
  }

  private func key(
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

  private func ticks(
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

private func widened(_ value: Value, to type: DataType) -> Value {
  switch (type, value) {
  case (.int64, .int32(let x)): .int64(Int64(x))
  case (.float64, .float32(let x)): .float64(Double(x))
  default: value
  }
}
