import LarderColumns

extension InMemoryOnlineStore: WatermarkedOnlineStore {
  /// Writes rows that history gained; see `WatermarkedOnlineStore`.
  @discardableResult
  public func writeBatch(
    _ batch: RecordBatch, to view: FeatureView, watermark: OnlineWatermark?,
    progress: (@Sendable (Int) -> Void)?
  ) throws(LarderError) -> Int {
    let writes = try writes(batch, view)
    var changed: Set<[Value]> = []
    try change(view) { table in
      table.adopt(view)
      for write in writes where table.add(write) { changed.insert(write.key) }
      if let watermark { table.watermark = watermark }
    }
    progress?(batch.count)
    return changed.count
  }

  /// Makes rows history's answers; see `WatermarkedOnlineStore`.
  @discardableResult
  public func replaceHistory(
    _ batch: RecordBatch, in view: FeatureView, watermark: OnlineWatermark?
  ) throws(LarderError) -> Int {
    let writes = try writes(batch, view)
    try change(view) { table in
      table.adopt(view)
      for write in writes { table.replace(write.key, with: write.row) }
      if let watermark { table.watermark = watermark }
    }
    return writes.count
  }

  /// Takes history's answers away; see `WatermarkedOnlineStore`.
  @discardableResult
  public func removeHistory(
    of keys: RecordBatch, in view: FeatureView, watermark: OnlineWatermark?
  ) throws(LarderError) -> Int {
    let columns = try WrittenColumns.keys(keys.schema, of: view)
    var gone: [[Value]] = []
    for row in 0..<keys.count { gone.append(try key(keys, columns, view, row)) }
    var changed = 0
    try change(view) { table in
      for key in gone where table.entries[key]?.history != nil {
        table.replace(key, with: nil)
        changed += 1
      }
      if let watermark { table.watermark = watermark }
    }
    return changed
  }

  /// The keys with an answer of history; see `WatermarkedOnlineStore`.
  public func forEachHistoryKey(
    of view: FeatureView, _ body: (RecordBatch) throws(LarderError) -> Void
  ) throws(LarderError) {
    let keys = try table(of: view).historyKeys
    if keys.isEmpty { return }
    let joinKeys = view.isEntityless ? [] : view.joinKeys
    var columns: [Column] = []
    for (position, joinKey) in joinKeys.enumerated() {
      let values = keys.map { key -> Value in
        switch (joinKey.type, key[position]) {
        case (.int32, .int64(let x)): Value.int32(Int32(truncatingIfNeeded: x))
        case (.timestamp, .int64(let x)): Value.timestamp(Timestamp(seconds: x))
        case (_, let value): value
        }
      }
      columns.append(try .of(joinKey.type.dataType, values))
    }
    let schema = Schema(joinKeys.map { ColumnField($0.name, $0.type.dataType) })
    try body(RecordBatch(unchecked: schema, columns: columns, count: keys.count))
  }

  /// The watermark of a view; nil if none was written yet.
  public func watermark(of view: FeatureView) throws(LarderError) -> OnlineWatermark? {
    try table(of: view).watermark
  }

  /// The rows of a batch, checked.
  ///
  /// - Throws: `invalidInput` with the column, the row and the reason.
  func writes(
    _ batch: RecordBatch, _ view: FeatureView
  ) throws(LarderError) -> [ReferenceTable.Write] {
    let columns = try WrittenColumns(batch.schema, of: view)
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
      writes.append(.init(key: key, row: .init(event: event, created: created, values: values)))
    }
    return writes
  }
}

private func widened(_ value: Value, to type: DataType) -> Value {
  switch (type, value) {
  case (.int64, .int32(let x)): .int64(Int64(x))
  case (.float64, .float32(let x)): .float64(Double(x))
  default: value
  }
}
