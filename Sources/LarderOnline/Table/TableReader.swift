import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// One look at a snapshot for the keys of a batch.
@safe struct TableRead {
  let plan: ReadPlan
  let bound: BoundPlan
  let readAt: Timestamp
  let includeExpired: Bool

  private var snapshot: TableSnapshot { bound.snapshot }

  /// Answers every key into memory that is used again.
  ///
  /// - Returns: false if the snapshot is behind the writer: take a newer one.
  /// - Throws: `corrupt` for a row that does not match its checksum.
  func answer(_ keys: TableKeys, _ buffers: inout OnlineBuffers) throws(LarderError) -> Bool {
    let count = keys.count
    let missed = MapGuard.hits
    buffers.prepare(rows: count, features: plan.types.count)
    let records = unsafe buffers.records
    guard unsafe try find(keys, records) else { return false }
    let events = unsafe buffers.events
    var absent = NullMarks(count: count)
    guard
      let rows = unsafe try judge(
        count, records, events, &buffers.statuses, &absent, keyStride: keys.stride)
    else { return false }
    let gather = unsafe RowGather(
      records: UnsafePointer(records), count: count, rows: rows, projections: bound.projections,
      hasValue: buffers.marks, expiry: rows.hasSilence ? Expiry(plan.view, at: readAt) : .never)
    let (columns, isFull) = try gather.columns(plan.types, arena: buffers.arena)
    if !isFull, !columns.isEmpty {
      for row in 0..<count where buffers.statuses[row] == .present {
        if unsafe buffers.marks[row] == 0 { buffers.statuses[row] = .nullValue }
      }
    }
    // The memory of the rows must outlive the gathering.
    withExtendedLifetime(bound) {}
    if MapGuard.hits != missed {
      // Zeros may stand where values were; an index without its end hides rows. What was missed may
      // be another table's too.
      if snapshot.lookup.index.isTruncated { return false }
      if snapshot.lookup.logFiles.isTruncated { throw snapshot.truncated }
    }
    buffers.finish(
      RecordBatch(unchecked: plan.schema, columns: columns, count: count),
      Column(
        type: .timestamp(plan.view.timeUnit), count: count, nullCount: absent.nullCount,
        validity: absent.buffer, values: buffers.arena),
      readAt: readAt)
    return true
  }

  /// Takes out what gives no values: nothing found, deletions, rows past the time to live.
  ///
  /// - Returns: what the remaining rows have in common; nil if one is newer than the snapshot.
  private func judge(
    _ count: Int, _ records: UnsafeMutablePointer<UnsafeRawPointer?>,
    _ events: UnsafeMutablePointer<Int64>, _ statuses: inout [OnlineStatus],
    _ absent: inout NullMarks, keyStride: Int
  ) throws(LarderError) -> FoundRows? {
    let expiry = Expiry(plan.view, at: readAt)
    var rows = FoundRows()
    rows.keyBytes = keyStride
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
      } else {
        statuses[row] = .present
      }
      if record.isStub {
        unsafe records[row] = nil
        rows.hasGaps = true
        continue
      }
      let schema = record.schema
      if schema != rows.schema {
        guard schema < bound.projections.count, let projection = bound.projections[schema] else {
          return nil
        }
        if rows.schema >= 0 { rows.isMixed = true }
        rows.schema = schema
        rows.fixedBytes = projection.fixedBytes
      }
      guard record.featuresOffset &+ rows.fixedBytes <= record.bytes else {
        throw ListCodec.damaged
      }
      if record.hasOrigins {
        guard bound.projections[schema]?.holds(record) == true else { throw ListCodec.damaged }
        if !includeExpired, record.isHistoryExpired(rows.fixedBytes, expiry) {
          rows.hasSilence = true
        }
      }
      rows.valid &= record.load(record.featuresOffset, as: UInt64.self)
    }
    return rows
  }

  /// Finds the record of each key; false if the snapshot is behind.
  private func find(
    _ keys: TableKeys, _ records: UnsafeMutablePointer<UnsafeRawPointer?>
  ) throws(LarderError) -> Bool {
    var failure: WindowFailure?
    let lines = bound.rowLines
    unsafe withUnsafeTemporaryAllocation(
      byteCount: KeyLookup.window * 12, alignment: 64
    ) { work in
      guard let base = work.baseAddress else { return }
      let hashes = unsafe base.assumingMemoryBound(to: UInt64.self)
      let slots = unsafe (base + KeyLookup.window * 8).assumingMemoryBound(to: UInt32.self)
      var start = 0
      while start < keys.count, failure == nil {
        let count = min(KeyLookup.window, keys.count &- start)
        failure = unsafe snapshot.lookup.find(
          keys, start, count, rowLines: lines,
          into: FoundWindow(hashes: hashes, rows: records + start, slots: slots))
        start &+= count
      }
    }
    switch failure {
    case nil: return true
    case .stale: return false
    case .damaged(let slot): throw snapshot.damagedRow(slot)
    }
  }
}
