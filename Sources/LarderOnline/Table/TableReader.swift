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

  let plan: ReadPlan
  let bound: BoundPlan
  let readAt: Timestamp
  let includeExpired: Bool

  private var snapshot: TableSnapshot { bound.snapshot }

  /// Answers every key, or says that the snapshot is behind.
  ///
  /// - Throws: `corrupt` for a row that does not match its checksum.
  func answer(_ batch: KeyBatch) throws(LarderError) -> Outcome {
    let count = batch.count
    let work = Buffer(uninitializedBytes: count * 16)
    let records = unsafe work.base.assumingMemoryBound(to: UnsafeRawPointer?.self)
    let marks = unsafe (work.base + count * 8).assumingMemoryBound(to: UInt8.self)
    guard unsafe try find(batch, records) else { return .stale }
    var statuses = [OnlineStatus](repeating: .present, count: count)
    let eventMemory = Buffer(uninitializedBytes: count * 8)
    let events = unsafe eventMemory.base.assumingMemoryBound(to: Int64.self)
    var absent = NullMarks(count: count)
    guard
      let rows = unsafe try judge(count, records, events, &statuses, &absent)
    else { return .stale }
    let gather = unsafe RowGather(
      records: UnsafePointer(records), count: count, rows: rows, projections: bound.projections,
      hasValue: marks)
    let columns = try gather.columns(plan.types)
    if !columns.isEmpty, !gather.isFull(plan.types) {
      for row in 0..<count where statuses[row] == .present {
        if unsafe marks[row] == 0 { statuses[row] = .nullValue }
      }
    }
    // The memory of the rows must outlive the gathering.
    withExtendedLifetime((work, bound)) {}
    return .rows(
      OnlineRows(
        features: RecordBatch(unchecked: plan.schema, columns: columns, count: count),
        eventTimes: Column(
          type: .timestamp(plan.view.timeUnit), count: count, nullCount: absent.nullCount,
          validity: absent.buffer, values: eventMemory),
        statuses: statuses, readAt: readAt))
  }

  /// Takes out what gives no values: nothing found, deletions, rows past the time to live.
  ///
  /// - Returns: what the remaining rows have in common; nil if one is newer than the snapshot.
  private func judge(
    _ count: Int, _ records: UnsafeMutablePointer<UnsafeRawPointer?>,
    _ events: UnsafeMutablePointer<Int64>, _ statuses: inout [OnlineStatus],
    _ absent: inout NullMarks
  ) throws(LarderError) -> FoundRows? {
    let expiry = Expiry(plan.view, at: readAt)
    var rows = FoundRows()
    for row in 0..<count {
      guard let base = unsafe records[row], unsafe !Record(base: base).isDeletion else {
        unsafe records[row] = nil
        unsafe events[row] = 0
        absent.set(row)
        statuses[row] = .notFound
        rows.hasGaps = true
        continue
      }
      let record = unsafe Record(base: base)
      let event = record.event
      unsafe events[row] = event
      if expiry.isExpired(event) {
        statuses[row] = .outsideMaxAge
        if !includeExpired {
          unsafe records[row] = nil
          rows.hasGaps = true
          continue
        }
      }
      if record.isStub {
        unsafe records[row] = nil
        rows.hasGaps = true
        continue
      }
      let schema = record.schema
      if schema != rows.schema {
        guard schema < bound.projections.count, bound.projections[schema] != nil else {
          return nil
        }
        if rows.schema >= 0 { rows.isMixed = true }
        rows.schema = schema
        rows.fixedBytes = bound.projections[schema]?.fixedBytes ?? 0
      }
      guard record.featuresOffset &+ rows.fixedBytes <= record.bytes else {
        throw ListCodec.damaged
      }
      rows.valid &= record.load(record.featuresOffset, as: UInt64.self)
    }
    return rows
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
            case .damaged(let slot): failure = snapshot.damagedRow(slot)
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
      case .damaged(let slot): failure = snapshot.damagedRow(slot)
      }
    }
  }
}
