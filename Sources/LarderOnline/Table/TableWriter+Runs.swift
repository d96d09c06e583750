import CLarderKernels
import Glibc
import LarderColumns
import LarderContract

/// From a batch's rows to records: window by window, and in each step by step for all rows.
extension TableWriter {
  /// Appends the rows that win, window by window.
  func append(_ batch: inout Batch, _ progress: ((Int) -> Void)?) throws(LarderError) {
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
      let chosen = try choose(start, count, losers, found, &batch)
      var first = 0
      while first < chosen {
        let next = try place(first, chosen)
        try make(first..<next, found, &batch)
        first = next
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
      file: logFiles.first { $0.number == slot.number }?.path ?? directory,
      offset: UInt64(slot.unit * LogFormat.unit))
  }

  /// Chooses the rows of a window that change what is there, and finds out how large they are.
  ///
  /// - Returns: how many; they are the run.
  private func choose(
    _ start: Int, _ count: Int, _ losers: [Bool]?, _ found: FoundWindow, _ batch: inout Batch
  ) throws(LarderError) -> Int {
    let run = run
    // nil where each row has a length of its own.
    var fixed: Int? = 0
    if let encoder = batch.encoder {
      fixed = encoder.isVariable ? nil : encoder.schema.fixedBytes
    }
    let origins = batch.originFlags
    let plain = Record.standingBytes(origins, features: batch.encoder?.schema.fields.count ?? 0)
    let stride = batch.keys.stride
    var chosen = 0
    for lane in 0..<count {
      let row = start &+ lane
      if let losers, losers[row] { continue }
      // A key that is hidden, since it is being erased.
      if batch.keys.hasMarks, !batch.keys.hasKey(row) { continue }
      unsafe run.kept[chosen] = nil
      var making = RowMaking.plain
      if let base = unsafe found.rows[lane] {
        let old = unsafe Record(base: base)
        guard let judged = unsafe try judge(old, found.slots[lane], row, &batch) else { continue }
        making = judged
        if making != .plain { unsafe run.kept[chosen] = base }
      } else if batch.role == .none {
        continue
      }
      unsafe run.makings[chosen] = making
      let keyBytes = unsafe stride > 0 ? stride : batch.keys.tail(row).count
      let features = Record.featuresOffset(keyBytes: keyBytes)
      let bytes: Int
      switch making {
      case .plain: bytes = features + (fixed ?? batch.encoder?.featureBytes(row) ?? 0) + plain
      case .overHistory:
        bytes = features + (fixed ?? batch.encoder?.featureBytes(row) ?? 0) + plain + 16
      case .absence: bytes = features
      case .merged, .beneath:
        bytes = unsafe features + (try mergedBytes(chosen, found.slots[lane], row, &batch))
      }
      guard bytes <= LogFormat.rowBytes else {
        throw unsafe try tooLarge(bytes, chosen, found.slots[lane], row, &batch)
      }
      unsafe run.rows[chosen] = Int32(truncatingIfNeeded: row)
      unsafe run.lanes[chosen] = Int32(truncatingIfNeeded: lane)
      unsafe run.units[chosen] = UInt32(
        truncatingIfNeeded: (bytes + LogFormat.unit - 1) / LogFormat.unit)
      chosen += 1
    }
    return chosen
  }

  /// Makes the records of rows that have their places.
  private func make(
    _ range: Range<Int>, _ found: FoundWindow, _ batch: inout Batch
  ) throws(LarderError) {
    let run = run
    let kind = batch.kindFlags | batch.originFlags
    let schema = batch.encoder?.schema.id ?? 0
    let fixed = batch.encoder?.schema.fixedBytes ?? 0
    let plain = Record.standingBytes(
      batch.originFlags, features: batch.encoder?.schema.fields.count ?? 0)
    var isMixed = false
    for entry in range {
      let row = unsafe Int(run.rows[entry])
      let base = unsafe run.bases[entry]
      let tail = unsafe batch.keys.tail(row)
      unsafe base.storeBytes(
        of: UInt32(truncatingIfNeeded: tail.count), toByteOffset: 28, as: UInt32.self)
      let key = unsafe base + Record.rowHeaderBytes
      if let start = tail.baseAddress {
        if tail.count == 8 {
          unsafe key.storeBytes(of: start.loadUnaligned(as: UInt64.self), as: UInt64.self)
        } else {
          unsafe memcpy(key, start, tail.count)
        }
      }
      let features = Record.featuresOffset(keyBytes: tail.count)
      unsafe run.targets[entry] = base + features
      let making = unsafe run.makings[entry]
      if making != .plain, making != .overHistory {
        isMixed = true
        continue
      }
      let created = batch.times.created(row)
      var flags = kind | (created == nil ? 0 : Record.hasCreated)
      var standing = features &+ fixed
      unsafe run.ends[entry] = standing &+ plain &+ (making == .overHistory ? 16 : 0)
      if making == .overHistory, let history = try history(before: entry, found) {
        flags |= unsafe put(history, base, at: &standing)
      }
      if let brought = batch.origins { unsafe put(brought, base, at: standing) }
      unsafe base.storeBytes(of: batch.times.events[row], toByteOffset: 8, as: Int64.self)
      unsafe base.storeBytes(of: created ?? 0, toByteOffset: 16, as: Int64.self)
      unsafe base.storeBytes(of: schema, toByteOffset: 24, as: UInt16.self)
      unsafe base.storeBytes(of: flags, toByteOffset: 26, as: UInt16.self)
    }
    if isMixed {
      try makeOneByOne(range, found, &batch)
    } else {
      batch.encoder?.encode(run, range)
    }
    seal(range)
    // Taken out of the object meanwhile: it is looked at once for all rows.
    var rows = pending
    pending = []
    for entry in range {
      let lane = unsafe Int(run.lanes[entry])
      let old = unsafe found.rows[lane].map { unsafe Record(base: $0) }
      unsafe rows.append(
        PendingRow(
          hash: found.hashes[lane], new: run.slots[entry],
          old: old == nil ? 0 : found.slots[lane], newUnits: run.units[entry],
          oldUnits: UInt32(truncatingIfNeeded: old?.units ?? 0)))
    }
    pending = rows
  }

  // MARK: Places

  /// Gives rows of the run their places in the log, as many as lie together; their memory is zeroed.
  ///
  /// - Parameters:
  ///   - first: the first row without a place; there are `count` rows.
  /// - Returns: the first row that is still without one.
  /// - Throws: as `room(units:)`.
  private func place(_ first: Int, _ count: Int) throws(LarderError) -> Int {
    let run = run
    let (base, slot) = unsafe try room(units: Int(run.units[first]))
    // What is beyond the first row is asked for at once, as far as it lies behind it.
    let free = min(current.units - end - 1, (staging.count - staged) / LogFormat.unit - 1)
    let number = slot.number
    var unit = slot.unit
    var taken = 0
    var next = first
    while next < count {
      let units = unsafe Int(run.units[next])
      if next > first, taken + units > free { break }
      unsafe run.bases[next] = base + (unit - slot.unit) * LogFormat.unit
      unsafe run.slots[next] = Slot(number: number, unit: unit).bits
      if next > first { taken += units }
      unit += units
      next += 1
    }
    unsafe memset(staging.base + staged, 0, taken * LogFormat.unit)
    staged += taken * LogFormat.unit
    end += taken
    return next
  }

  /// Finishes records whose content is in place: their checksums, and the batch's.
  private func seal(_ range: Range<Int>) {
    let run = run
    let seed = current.seed
    for entry in range {
      unsafe run.bases[entry].storeBytes(
        of: RecordKind.row << 24 | run.units[entry], toByteOffset: 4, as: UInt32.self)
      unsafe run.states[entry] = seed ^ run.slots[entry]
    }
    let first = range.lowerBound
    if KeyLookup.hasKernel {
      unsafe UnsafeRawPointer(run.bases + first).withMemoryRebound(
        to: UnsafeRawPointer?.self, capacity: range.count
      ) { rows in
        unsafe larder_online_checksums(
          rows, run.states + first, range.count, run.checksums + first)
      }
    } else {
      for entry in range {
        unsafe run.checksums[entry] = Record(base: run.bases[entry]).computedChecksum(
          seed: seed, slot: Slot(bits: run.slots[entry]))
      }
    }
    var checksum = chunkChecksum
    for entry in range {
      let own = unsafe run.checksums[entry]
      unsafe run.bases[entry].storeBytes(of: own, as: UInt32.self)
      checksum = mixed(checksum, own)
    }
    chunkChecksum = checksum
    chunkRecords &+= UInt32(truncatingIfNeeded: range.count)
  }
}
