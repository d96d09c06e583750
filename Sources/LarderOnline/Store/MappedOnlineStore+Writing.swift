import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

extension MappedOnlineStore {
  /// Writes rows directly; see `OnlineStore`.
  ///
  /// - Throws: `invalidInput`, `notFound`, `locked`, `noSpace`; `limitExceeded` for a row of more
  ///   than 16 MiB, with its number; `outcomeUnknown` if the disk failed to say whether the batch
  ///   is on it.
  public func writeBatch(
    _ batch: RecordBatch, to view: FeatureView, progress: (@Sendable (Int) -> Void)? = nil
  ) throws(LarderError) {
    _ = try write(batch, to: try resolve(view), as: .direct, watermark: nil, progress)
  }

  /// Writes rows directly, to a view as some state of the catalog has it.
  ///
  /// - Throws: as `writeBatch(_:to:progress:)`.
  package func writeBatch(
    _ batch: RecordBatch, to view: ResolvedView, progress: (@Sendable (Int) -> Void)? = nil
  ) throws(LarderError) {
    _ = try write(batch, to: view, as: .direct, watermark: nil, progress)
  }

  /// Deletes keys; see `OnlineStore`.
  public func delete(
    _ keys: RecordBatch, from view: FeatureView, at: Timestamp?
  ) throws(LarderError) {
    try delete(keys, from: try resolve(view), at: at)
  }

  /// Deletes keys of a view as some state of the catalog has it.
  ///
  /// - Throws: as `OnlineStore.delete`.
  package func delete(
    _ keys: RecordBatch, from resolved: ResolvedView, at: Timestamp?
  ) throws(LarderError) {
    let view = resolved.definition
    let columns = try WrittenColumns(keys.schema, of: view, isDeletion: true)
    let given = try self.keys(keys, columns.keys, view, for: .write)
    let now = Timestamp(microseconds: host.now())
    let times = try RowTimes(deleting: keys, columns, view: view, at: at ?? now, now: now)
    try beforeItEnds { () throws(LarderError) in
      let table = try writableTable(of: resolved)
      let batch = try writable(given, to: table, resolved, isFromHistory: false)
      try table.withWriter { (writer) throws(LarderError) in
        try writer.adopt(resolved)
        try writer.write(
          TableWriter.Batch(
            keys: TableKeys(batch), times: times, role: .deletion, expiry: Expiry(view, at: now)),
          progress: nil)
      }
      try table.compactIfDue(view)
    }
  }

  /// Writes rows of a batch.
  ///
  /// - Returns: how many keys have another row now.
  func write(
    _ batch: RecordBatch, to resolved: ResolvedView, as role: RowRole,
    watermark: OnlineWatermark?, _ progress: (@Sendable (Int) -> Void)? = nil
  ) throws(LarderError) -> Int {
    let view = resolved.definition
    let columns = try WrittenColumns(batch.schema, of: view)
    let given = try keys(batch, columns.keys, view, for: .write)
    let times = try RowTimes(batch, columns, view: view)
    return try beforeItEnds { () throws(LarderError) in
      let table = try writableTable(of: resolved)
      let keys = try writable(given, to: table, resolved, isFromHistory: role != .direct)
      let now = Timestamp(microseconds: host.now())
      let changed = try table.withWriter { (writer) throws(LarderError) in
        let schemas = try writer.adopt(resolved)
        var sources = [Column?](repeating: nil, count: view.features.count)
        for written in columns.features {
          sources[written.feature] = batch.columns[written.column]
        }
        let features = RowFeatures(schemas.narrow, sources)
        return try writer.write(
          TableWriter.Batch(
            keys: TableKeys(keys), times: times, role: role, features: features,
            encoder: try features.encoder(schemas.narrow), expiry: Expiry(view, at: now),
            watermark: watermark),
          progress: progress)
      }
      try table.compactIfDue(view)
      return changed
    }
  }

  /// The keys of a batch's rows.
  func keys(
    _ batch: RecordBatch, _ columns: [Int], _ view: FeatureView, for use: KeyUse
  ) throws(LarderError) -> KeyBatch {
    if view.isEntityless { return .entityless(count: batch.count) }
    var schema: [KeyColumn] = []
    var sources: [(name: String, column: Column)] = []
    for (key, index) in zip(view.joinKeys, columns) {
      schema.append(KeyColumn(key.name, try KeyType(key.type.dataType)))
      var column = batch.columns[index]
      if key.type == .string { column = column.asString }
      sources.append((key.name, column))
    }
    return try KeyBatch(
      sources, schema: try KeySchema(schema), rows: 0..<batch.count, for: use)
  }
}
