import Glibc
import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// Writing batches.
extension TableWriter {
  /// Rows on their way into the table.
  struct Batch {
    var keys: TableKeys
    var times: RowTimes
    /// nil for deletions.
    var encoder: RowEncoder?
    /// What of the rows before is past the time to live by now.
    var expiry: Expiry
    var watermark: OnlineWatermark?
    /// Whether materialization brings the rows.
    var isFromHistory = false
  }

  /// Writes a batch: in the log, on disk if that is asked for, then for readers.
  ///
  /// - Returns: how many rows won.
  /// - Throws: then nothing of it is there, but after `outcomeUnknown` it may be.
  @discardableResult
  func write(_ batch: Batch, progress: ((Int) -> Void)?) throws(LarderError) -> Int {
    try checkUsable()
    var batch = batch
    var changed = 0
    self.batch += 1
    do throws(LarderError) {
      try append(&batch, progress)
      guard !pending.isEmpty || batch.watermark != nil else { return 0 }
      changed = pending.count
      try commit(batch.watermark)
    } catch {
      if poison == nil { abandonBatch() }
      throw error
    }
    progress?(batch.keys.count)
    return changed
  }

  /// Follows a view's definition, if it changed.
  func adopt(_ view: FeatureView) throws(LarderError) {
    try checkUsable()
    try state.check(view)
    var newState = state
    guard try newState.adopt(view) else { return }
    batch += 1
    do throws(LarderError) { try commit(state: newState) } catch {
      if poison == nil { abandonBatch() }
      throw error
    }
  }

  // MARK: Appending rows

  /// Encodes the rows that win, window by window.
  private func append(
    _ batch: inout Batch, _ progress: ((Int) -> Void)?
  ) throws(LarderError) {
    let losers = BatchWinners.losers(batch.keys, batch.times)
    pending.removeAll(keepingCapacity: true)
    pending.reserveCapacity(batch.keys.count)
    let found = window.found
    var start = 0
    while start < batch.keys.count {
      let count = min(KeyLookup.window, batch.keys.count - start)
      switch lookup.find(batch.keys, start, count, rowLines: 2, into: found) {
      case nil: break
      case .stale: throw IndexWriter.damaged
      case .damaged(let slot): throw damagedRow(slot)
      }
      for lane in 0..<count where losers == nil || losers?[start + lane] == false {
        try append(start + lane, found, lane, &batch)
      }
      start += count
      if start & 0xFFFF == 0 { progress?(start) }
    }
  }

  /// The error for a row that does not match its checksum.
  func damagedRow(_ slot: Slot) -> LarderError {
    LarderError(
      .corrupt,
      "A row of the online table does not match its checksum. Restore the store, or drop the "
        + "table and materialize the view again.",
      file: segments.first { $0.number == slot.number }?.path ?? directory,
      offset: UInt64(slot.unit * LogFormat.unit))
  }

  /// Encodes one row of the batch, if it wins over the one that is there.
  private func append(
    _ row: Int, _ found: FoundWindow, _ lane: Int, _ batch: inout Batch
  ) throws(LarderError) {
    let hash = unsafe found.hashes[lane]
    var old: (row: Record, slot: Slot)?
    if let base = unsafe found.rows[lane] {
      old = unsafe (Record(base: base), Slot(bits: found.slots[lane]))
    }
    let event = batch.times.events[row]
    let created = batch.times.created(row)
    if let old, old.row.wins(overEvent: event, created: created) { return }
    var keeping: Record?
    if let old, batch.encoder?.keeps == true, !old.row.isDeletion, !old.row.isStub,
      !batch.expiry.isExpired(old.row.event)
    {
      keeping = old.row
      guard let schema = state.schemas.first(where: { Int($0.id) == old.row.schema }) else {
        throw damagedRow(old.slot)
      }
      batch.encoder?.prepare(old.row, schema)
    }
    let key = batch.keys.lane(row)
    let features = Record.featuresOffset(keyBytes: key.bytes)
    let bytes = features + (batch.encoder?.featureBytes(row, keeping: keeping) ?? 0)
    guard bytes <= LogFormat.rowBytes else {
      throw LarderError(
        .limitExceeded, "The row has \(bytes) bytes; an online row has at most 16 MiB.", row: row)
    }
    let units = (bytes + LogFormat.unit - 1) / LogFormat.unit
    let (base, slot) = unsafe try room(units: units)
    unsafe base.storeBytes(of: event, toByteOffset: 8, as: Int64.self)
    unsafe base.storeBytes(of: created ?? 0, toByteOffset: 16, as: Int64.self)
    let schema = batch.encoder?.schema.id ?? 0
    unsafe base.storeBytes(of: schema, toByteOffset: 24, as: UInt16.self)
    let flags =
      (batch.encoder == nil ? Record.isDeletion : 0) | (created == nil ? 0 : Record.hasCreated)
      | (batch.isFromHistory ? Record.isFromHistory : 0)
    unsafe base.storeBytes(of: flags, toByteOffset: 26, as: UInt16.self)
    unsafe base.storeBytes(
      of: UInt32(truncatingIfNeeded: key.bytes), toByteOffset: 28, as: UInt32.self)
    unsafe memcpy(base + Record.rowHeaderBytes, key.tail, key.bytes)
    unsafe batch.encoder?.encode(row, keeping: keeping, into: base, at: features)
    unsafe seal(base, kind: RecordKind.row, units: units, slot: slot)
    pending.append(
      PendingRow(
        hash: hash, new: slot.bits, old: old?.slot.bits ?? 0,
        newUnits: UInt32(truncatingIfNeeded: units),
        oldUnits: UInt32(truncatingIfNeeded: old?.row.units ?? 0)))
  }

  // MARK: Committing

  /// Ends the batch with a new watermark, if there is one.
  private func commit(_ watermark: OnlineWatermark?) throws(LarderError) {
    if let watermark {
      var newState = state
      newState.watermark = watermark
      try commit(state: newState)
    } else {
      try finish(nil)
    }
  }

  /// Ends the batch with a new state.
  func commit(
    state newState: TableState, forceSync: Bool = false
  ) throws(LarderError) {
    let units = (LogScan.stateHeaderBytes + newState.encoded.count + 64) / LogFormat.unit + 1
    try makeRoom(units: units)
    var newState = newState
    // A new segment may have begun on the way.
    newState.segments = state.segments
    let position = try appendState(newState)
    try finish((newState, position), forceSync: forceSync)
  }

  /// Ends a batch that takes a segment out of the table; always durable.
  func commit(retiring segment: LogSegment) throws(LarderError) {
    let units = (LogScan.stateHeaderBytes + state.encoded.count + 64) / LogFormat.unit + 1
    try makeRoom(units: units)
    var newState = state
    newState.segments.removeAll { $0.sequence == segment.sequence }
    let position = try appendState(newState)
    try finish((newState, position), forceSync: true)
  }

  /// Begins a new segment if so many units do not fit into this one.
  private func makeRoom(units: Int) throws(LarderError) {
    if end + units + 1 > current.units { try startSegment(for: units) }
  }

  /// Closes the batch, makes it durable and publishes it.
  private func finish(
    _ newState: (state: TableState, position: LogPosition)?, forceSync: Bool = false
  ) throws(LarderError) {
    try index.reserve(inserts: pending.count)
    try appendCommit()
    if options.durability == .batch || forceSync { try syncLog() }
    do throws(LarderError) {
      if let newState {
        state = newState.state
        memory.store(newState.position.bits, IndexFormat.state)
        publishSnapshot()
      }
      try index.publish(pending)
      pending.removeAll(keepingCapacity: true)
    } catch {
      throw poison(error)
    }
    memory.prove(
      applied: LogPosition(sequence: current.sequence, unit: end), batch: batch)
    let reached = backgroundSync.reached
    if reached > durable {
      durable = reached
      memory.prove(durable: durable)
    }
    memory.store(UInt64(bitPattern: host.now()), IndexFormat.lastWrite)
    if memory.isTruncated {
      throw poison(
        LarderError(
          .corrupt, "The key index was cut short by somebody else; reopen the store to rebuild it.",
          file: directory))
    }
    prepareAhead()
  }

  /// Ends a batch of rows that were only moved: their old places stay until all is on disk.
  func commitMove() throws(LarderError) { try finish(nil) }
}

/// Which rows of a batch lose against others of the same batch.
enum BatchWinners {
  /// One flag per row; nil if all keys differ.
  static func losers(_ keys: TableKeys, _ times: RowTimes) -> [Bool]? {
    let count = keys.count
    if count < 2 { return nil }
    var losers: [Bool]?
    let capacity = 1 << (Int.bitWidth - (count * 2 - 1).leadingZeroBitCount)
    let table = Buffer(zeroedBytes: capacity * 4)
    let entries = unsafe table.base.assumingMemoryBound(to: UInt32.self)
    let mask = UInt64(capacity - 1)
    for row in 0..<count {
      let key = keys.lane(row)
      var place = (key.hash &>> 20) & mask
      while true {
        let entry = unsafe entries[Int(truncatingIfNeeded: place)]
        if entry == 0 {
          unsafe entries[Int(truncatingIfNeeded: place)] = UInt32(truncatingIfNeeded: row &+ 1)
          break
        }
        let other = Int(entry) &- 1
        let otherKey = keys.lane(other)
        let isSame =
          unsafe otherKey.hash == key.hash && otherKey.bytes == key.bytes
          && tailsAreEqual(UnsafeRawPointer(otherKey.tail), key.tail, key.bytes)
        if !isSame {
          place = (place &+ 1) & mask
          continue
        }
        if losers == nil { losers = [Bool](repeating: false, count: count) }
        if times.wins(other, over: row) {
          losers?[row] = true
        } else {
          losers?[other] = true
          unsafe entries[Int(truncatingIfNeeded: place)] = UInt32(truncatingIfNeeded: row &+ 1)
        }
        break
      }
    }
    return losers
  }
}
