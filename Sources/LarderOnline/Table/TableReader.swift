import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// One look at a snapshot for the keys of a batch.
@safe struct TableRead {
  /// What the attempt came to.
  enum Outcome {
    case rows(OnlineRows)
    /// The snapshot is behind the writer: take a newer one.
    case stale
  }

  let snapshot: TableSnapshot
  let view: FeatureView
  let fields: [Field]
  let readAt: Timestamp
  let includeExpired: Bool

  /// Answers every key, or says that the snapshot is behind.
  ///
  /// - Throws: `corrupt` for a row that does not match its checksum.
  func answer(_ batch: KeyBatch) throws(LarderError) -> Outcome {
    let count = batch.count
    let recordMemory = Buffer(uninitializedBytes: count * 8)
    let records = unsafe recordMemory.base.assumingMemoryBound(to: UnsafeRawPointer?.self)
    guard unsafe try find(batch, records) else { return .stale }
    let ids = snapshot.state.ids(of: fields)
    let types = fields.map(\.type)
    let expiry = Expiry(view, at: readAt)
    var statuses = [OnlineStatus](repeating: .present, count: count)
    let eventMemory = Buffer(uninitializedBytes: count * 8)
    let events = unsafe eventMemory.base.assumingMemoryBound(to: Int64.self)
    var absent = NullMarks(count: count)
    var projections: [RowProjection] = []
    var kinds: [UInt16]?
    var lastSchema = -1
    var lastKind: UInt16 = 0
    var seen: [(schema: Int, kind: UInt16)] = []
    for row in 0..<count {
      guard let base = unsafe records[row], unsafe !Record(base: base).isDeletion else {
        unsafe records[row] = nil
        unsafe events[row] = 0
        absent.set(row)
        statuses[row] = .notFound
        continue
      }
      let record = unsafe Record(base: base)
      unsafe events[row] = record.event
      if expiry.isExpired(record.event) {
        statuses[row] = .outsideMaxAge
        if !includeExpired {
          unsafe records[row] = nil
          continue
        }
      }
      if record.isStub {
        unsafe records[row] = nil
        continue
      }
      let schema = record.schema
      if schema != lastSchema {
        if let known = seen.first(where: { $0.schema == schema }) {
          lastKind = known.kind
        } else {
          guard let definition = snapshot.schema(schema) else { return .stale }
          lastKind = UInt16(truncatingIfNeeded: projections.count)
          projections.append(RowProjection(of: definition, ids: ids, types: types))
          seen.append((schema, lastKind))
          if projections.count == 2 { kinds = [UInt16](repeating: 0, count: count) }
        }
        lastSchema = schema
      }
      guard projections[Int(lastKind)].isBounded(record) else { throw ListCodec.damaged }
      kinds?[row] = lastKind
    }
    let valueMarks = Buffer(zeroedBytes: count)
    let marks = unsafe valueMarks.base.assumingMemoryBound(to: UInt8.self)
    let gather = unsafe RowGather(
      records: UnsafePointer(records), count: count, kinds: kinds, projections: projections,
      hasValue: marks)
    var columns: [Column] = []
    columns.reserveCapacity(fields.count)
    for (feature, type) in types.enumerated() { columns.append(try gather.column(feature, type)) }
    if !fields.isEmpty {
      for row in 0..<count where statuses[row] == .present {
        if unsafe marks[row] == 0 { statuses[row] = .nullValue }
      }
    }
    // The memory of the rows must outlive the gathering.
    withExtendedLifetime((recordMemory, valueMarks, snapshot)) {}
    let schema = Schema(fields.map { ColumnField($0.name, $0.type) })
    return .rows(
      OnlineRows(
        features: RecordBatch(unchecked: schema, columns: columns, count: count),
        eventTimes: Column(
          type: .timestamp(view.timeUnit), count: count, nullCount: absent.nullCount,
          validity: absent.buffer, values: eventMemory),
        statuses: statuses, readAt: readAt))
  }

  /// Finds the record of each key; false if the snapshot is behind.
  private func find(
    _ batch: KeyBatch, _ records: UnsafeMutablePointer<UnsafeRawPointer?>
  ) throws(LarderError) -> Bool {
    let keys = TableKeys(batch)
    var failure: LarderError?
    var isStale = false
    unsafe withUnsafeTemporaryAllocation(
      of: KeyLane.self, capacity: KeyLookup.window
    ) { lanes in
      guard let base = lanes.baseAddress else { return }
      var start = 0
      while start < batch.count, !isStale, failure == nil {
        let count = min(KeyLookup.window, batch.count - start)
        if batch.hasMarks {
          unsafe findMarked(keys, start, count, records, &isStale, &failure)
        } else {
          for lane in 0..<count { unsafe (base + lane).initialize(to: keys.lane(start + lane)) }
          unsafe snapshot.lookup.find(base, count: count) { lane, found in
            switch found {
            case .row(let record, _): unsafe records[start + lane] = record.base
            case .absent: unsafe records[start + lane] = nil
            case .stale: isStale = true
            case .damaged(let slot): failure = damagedRow(slot)
            }
          }
        }
        start += count
      }
    }
    if let failure { throw failure }
    return !isStale
  }

  /// Finds keys one by one where some rows have none.
  private func findMarked(
    _ keys: TableKeys, _ start: Int, _ count: Int,
    _ records: UnsafeMutablePointer<UnsafeRawPointer?>, _ isStale: inout Bool,
    _ failure: inout LarderError?
  ) {
    for row in start..<start + count {
      unsafe records[row] = nil
      guard keys.batch.mark(row) == .key else { continue }
      let key = keys.lane(row)
      switch unsafe snapshot.lookup.find(key.hash, key.tail, key.bytes) {
      case .row(let record, _): unsafe records[row] = record.base
      case .absent: break
      case .stale: isStale = true
      case .damaged(let slot): failure = damagedRow(slot)
      }
    }
  }

  private func damagedRow(_ slot: Slot) -> LarderError {
    LarderError(
      .corrupt,
      "A row of the online table does not match its checksum. Restore the store, or drop the "
        + "table and materialize the view again.",
      file: snapshot.lookup.segments.segment(number: slot.number)?.path,
      offset: UInt64(slot.unit * LogFormat.unit))
  }
}
