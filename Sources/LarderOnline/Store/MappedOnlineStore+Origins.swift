import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

extension MappedOnlineStore {
  /// Where the newest row of each key came from; nil for keys without one.
  ///
  /// - Throws: as `read`.
  package func origins(
    of keys: RecordBatch, in view: ResolvedView
  ) throws(LarderError) -> [RowOrigin?] {
    let plan = try plan(view, nil)
    let batch = try visible(try self.keys(keys, plan), in: view)
    return try withTable(of: view) { (table) throws(LarderError) in
      try table.origins(batch, plan)
    }
  }

  /// Calls a closure with all keys that a view's table has rows of, deletions included.
  ///
  /// What a writer adds meanwhile may be missing, and a key may come twice.
  package func forEachKey(
    of view: ResolvedView, _ body: (RecordBatch) throws(LarderError) -> Void
  ) throws(LarderError) {
    try forEachKey(of: view, choosing: nil, random: { 0 }, body)
  }

  /// Calls a closure with the keys that a view's table has rows of, deletions included.
  ///
  /// What a writer adds meanwhile may be missing, and a key may come twice.
  ///
  /// - Parameters:
  ///   - count: how many keys at most, chosen by `random`; nil for all.
  ///   - random: gives random numbers.
  ///   - body: gets batches of at most 8,192 keys: a column for each join key.
  /// - Complexity: O(keys of the table).
  package func forEachKey(
    of view: ResolvedView, choosing count: Int?, random: () -> UInt64,
    _ body: (RecordBatch) throws(LarderError) -> Void
  ) throws(LarderError) {
    try withTable(of: view) { (table) throws(LarderError) in
      let snapshot = try table.snapshot()
      var slots = snapshot.lookup.index.slots
      if let count, count < slots.count {
        for place in 0..<count {
          let other = place + Int(random() % UInt64(slots.count - place))
          slots.swapAt(place, other)
        }
        slots.removeLast(slots.count - count)
      }
      let schema = try KeySchema(snapshot.state.keys)
      var start = 0
      while start < slots.count {
        let piece = slots[start..<min(start + 8_192, slots.count)]
        try body(try snapshot.keys(at: piece, schema, view.definition))
        start += piece.count
      }
    }
  }
}

extension OnlineTable {
  /// Where the newest row of each key came from.
  fileprivate func origins(
    _ batch: KeyBatch, _ plan: ReadPlan
  ) throws(LarderError) -> [RowOrigin?] {
    let keys = TableKeys(batch)
    var origins = [RowOrigin?](repeating: nil, count: batch.count)
    var snapshot = try snapshot()
    var row = 0
    var attempt = 0
    while row < batch.count {
      if batch.mark(row) == .key {
        let lane = keys.lane(row)
        switch unsafe snapshot.lookup.find(lane.hash, lane.tail, lane.bytes) {
        case .row(let record, let slot):
          guard let origin = try origin(record, plan.bound(to: snapshot)) else {
            throw snapshot.damagedRow(slot)
          }
          origins[row] = record.isAbsence ? nil : origin
        case .absent: break
        case .damaged(let slot): throw snapshot.damagedRow(slot)
        case .stale:
          guard attempt < 2_000 else { throw IndexWriter.damaged }
          attempt += 1
          snapshot = try newer(than: snapshot, attempt)
          continue
        }
      }
      row += 1
    }
    return origins
  }

  /// Where a row came from; nil if it is damaged.
  private func origin(_ record: Record, _ bound: BoundPlan) -> RowOrigin? {
    let projection =
      record.schema < bound.projections.count ? bound.projections[record.schema] : nil
    let fixed = projection?.fixedBytes ?? 0
    guard
      record.standingOffset(fixed)
        + Record.standingBytes(record.flags, features: projection?.featureCount ?? 0)
        <= record.bytes
    else { return nil }
    let hasFeatures = !record.isDeletion && !record.isStub
    let fromHistory = (projection?.positions ?? []).map { position in
      if record.isFromHistory { return true }
      guard hasFeatures else { return false }
      return position < 0 || !record.isDirect(position, fixedBytes: fixed)
    }
    return RowOrigin(
      isDirect: !record.isFromHistory, isThere: !record.isDeletion, event: record.event,
      historyEvent: record.historyTime(fixed)?.event, fromHistory: fromHistory)
  }
}

extension TableSnapshot {
  /// The join keys of rows; slots whose row is gone meanwhile are left out.
  fileprivate func keys(
    at slots: ArraySlice<UInt32>, _ schema: KeySchema, _ view: FeatureView
  ) throws(LarderError) -> RecordBatch {
    let columns = view.isEntityless ? [] : schema.columns
    var builders = columns.map { ColumnBuilder($0.type.dataType) }
    var count = 0
    for bits in slots {
      guard let record = lookup.logFiles.row(Slot(bits: bits)) else { continue }
      count += 1
      if columns.isEmpty { continue }
      let tail = unsafe record.tail
      for (position, range) in try unsafe schema.values(ofTail: tail).enumerated() {
        let bytes = unsafe Array(UnsafeRawBufferPointer(rebasing: tail[range]))
        guard let value = KeyValue(bytes[...], of: columns[position].type) else {
          throw LarderError(.corrupt, "A row's key is none of \(schema).")
        }
        switch value {
        case .bytes(let x): try builders[position].append(.bytes(x))
        case .string(let x): try builders[position].append(x)
        case .int32(let x): builders[position].append(x)
        case .int64(let x): builders[position].append(x)
        case .timestamp(let seconds): builders[position].append(seconds)
        }
      }
    }
    return RecordBatch(
      unchecked: Schema(columns.map { ColumnField($0.name, $0.type.dataType) }),
      columns: builders.map { $0.finish() }, count: count)
  }
}

extension IndexMemory {
  /// All slots that entries name.
  var slots: [UInt32] {
    var slots: [UInt32] = []
    slots.reserveCapacity(Int(clamping: load(IndexFormat.keys)))
    for number in 0..<lines {
      let entries = unsafe IndexLine(base: address(ofLine: number))
      for entry in 0..<IndexFormat.entries where entries.slot(entry) != 0 {
        slots.append(entries.slot(entry))
      }
    }
    return slots
  }
}
