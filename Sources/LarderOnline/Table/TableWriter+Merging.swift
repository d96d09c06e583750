import Glibc
import LarderColumns
import LarderContract

/// The rule of history's answers and direct writes, for a row of a batch and the one before it.
extension TableWriter {
  /// How the new row is made.
  ///
  /// - Parameters:
  ///   - old: the row before.
  ///   - slot: where it lies.
  ///   - row: the batch's row.
  /// - Returns: nil if the row before stays as it is.
  func judge(
    _ old: Record, _ slot: UInt32, _ row: Int, _ batch: inout Batch
  ) throws(LarderError) -> RowMaking? {
    if old.isAbsence { return batch.role == .none ? nil : .plain }
    switch batch.role {
    case .direct, .deletion:
      if old.wins(overEvent: batch.times.events[row], created: batch.times.created(row)) {
        return nil
      }
      let before = try before(old, slot, batch)
      let history = old.historyTime(before.schema.fixedBytes)
      if batch.role == .direct, keepsSome(before, batch) { return .merged }
      return history == nil ? .plain : .overHistory
    case .gained, .answers:
      let time = RowTime(event: batch.times.events[row], created: batch.times.created(row))
      if old.isFromHistory {
        return batch.role == .gained && old.time.isGreater(than: time) ? nil : .plain
      }
      let before = try before(old, slot, batch)
      if batch.role == .gained, let held = old.historyTime(before.schema.fixedBytes),
        held.isGreater(than: time)
      {
        return nil
      }
      return time.isGreater(than: old.time) ? .plain : .beneath
    case .none:
      if old.isFromHistory { return .absence }
      return old.isOverHistory ? .beneath : nil
    }
  }

  /// What a new row is merged with.
  func before(
    _ old: Record, _ slot: UInt32, _ batch: Batch
  ) throws(LarderError) -> RowBefore {
    let schema: RowSchema
    if old.isDeletion {
      schema = RowSchema(id: 0, fields: [])
    } else if let known = state.schema(UInt16(truncatingIfNeeded: old.schema)) {
      schema = known
    } else {
      throw damagedRow(Slot(bits: slot))
    }
    guard old.holdsStanding(schema) else { throw damagedRow(Slot(bits: slot)) }
    return RowBefore(
      record: old, schema: schema,
      isForgotten: !old.isFromHistory && batch.expiry.isExpired(old.event))
  }

  /// Whether a direct write leaves something of the row before standing beside it.
  private func keepsSome(_ before: RowBefore, _ batch: Batch) -> Bool {
    let isPartial = batch.encoder?.brought != nil
    guard before.hasFeatures else {
      // Behind a deletion, features that the write lacks are null and not history's.
      return isPartial || knowsMore(batch)
    }
    return isPartial || needsWide(before, batch)
  }

  /// Whether the row before has features to be kept that the batch's schema lacks.
  private func needsWide(_ before: RowBefore, _ batch: Batch) -> Bool {
    if batch.role == .direct, before.record.isDeletion { return knowsMore(batch) }
    guard before.hasFeatures, let narrow = batch.encoder?.schema, narrow.id != before.schema.id
    else { return false }
    let incoming = batch.role.incoming
    for (position, field) in before.schema.fields.enumerated()
    where before.concerns(position, under: incoming) && before.isKnown(position) {
      if !narrow.fields.contains(where: { $0.id == field.id }) { return true }
    }
    return false
  }

  /// Whether the table knows features that the batch's schema lacks.
  private func knowsMore(_ batch: Batch) -> Bool {
    adopted.map { $0.schemas.wide.id != batch.encoder?.schema.id } ?? false
  }

  /// The encoder for a row that keeps something, and its plan.
  private func plan(
    _ before: RowBefore, _ batch: inout Batch
  ) throws(LarderError) -> (encoder: RowEncoder, merge: RowMerge)? {
    if needsWide(before, batch), let schemas = adopted?.schemas {
      var encoder: RowEncoder
      if let made = batch.wideEncoder {
        encoder = made
      } else {
        encoder = try batch.features.encoder(schemas.wide)
      }
      encoder.prepare(before.record, before.schema)
      batch.wideEncoder = encoder
      return (encoder, encoder.merge(before, with: batch.role.incoming))
    }
    batch.encoder?.prepare(before.record, before.schema)
    return batch.encoder.map { ($0, $0.merge(before, with: batch.role.incoming)) }
  }

  /// Bytes of a merged row's features and of what it says besides.
  func mergedBytes(
    _ entry: Int, _ slot: UInt32, _ row: Int, _ batch: inout Batch
  ) throws(LarderError) -> Int {
    guard let kept = unsafe run.kept[entry] else { return 0 }
    let before = try before(unsafe Record(base: kept), slot, batch)
    let over = try overFlags(before, row, batch)
    guard unsafe run.makings[entry] == .merged || before.hasFeatures,
      let (encoder, merge) = try plan(before, &batch)
    else { return Record.standingBytes(over, features: 0) }
    let source: Int? = batch.role == .none ? nil : row
    return encoder.featureBytes(source, taking: merge.taken, from: before.values)
      + Record.standingBytes(over | merge.originFlags, features: encoder.schema.fields.count)
  }

  /// The error for a row that is too large, which names what takes most of it.
  func tooLarge(
    _ bytes: Int, _ entry: Int, _ slot: UInt32, _ row: Int, _ batch: inout Batch
  ) throws(LarderError) -> LarderError {
    var largest = batch.encoder?.largestFeature(row, taking: nil, from: nil)
    if let kept = unsafe run.kept[entry] {
      let before = try before(unsafe Record(base: kept), slot, batch)
      if let (encoder, merge) = try plan(before, &batch) {
        largest = encoder.largestFeature(row, taking: merge.taken, from: before.values)
      }
    }
    return LarderError(
      .limitExceeded, "The row has \(bytes) bytes; an online row has at most 16 MiB.",
      column: largest, row: row)
  }

  /// The times of history's answer that stand under a merged row; nil for none.
  private func history(under before: RowBefore, _ row: Int, _ batch: Batch) -> RowTime? {
    switch batch.role {
    case .direct, .deletion: before.record.historyTime(before.schema.fixedBytes)
    case .gained, .answers:
      RowTime(event: batch.times.events[row], created: batch.times.created(row))
    case .none: nil
    }
  }

  private func overFlags(
    _ before: RowBefore, _ row: Int, _ batch: Batch
  ) throws(LarderError) -> UInt16 {
    history(under: before, row, batch).map(\.overFlags) ?? 0
  }

  /// The times of history's answer before a row of the run.
  func history(before entry: Int, _ found: FoundWindow) throws(LarderError) -> RowTime? {
    guard let kept = unsafe run.kept[entry] else { return nil }
    let old = unsafe Record(base: kept)
    if old.isFromHistory { return old.historyTime(0) }
    let schema = state.schema(UInt16(truncatingIfNeeded: old.schema))
    return old.historyTime(schema?.fixedBytes ?? 0)
  }

  // MARK: Making

  /// Writes the features of rows some of which keep something of the rows before.
  func makeOneByOne(
    _ range: Range<Int>, _ found: FoundWindow, _ batch: inout Batch
  ) throws(LarderError) {
    let run = run
    for entry in range {
      let row = unsafe Int(run.rows[entry])
      let base = unsafe run.bases[entry]
      let features = unsafe run.targets[entry] - base
      switch unsafe run.makings[entry] {
      case .plain, .overHistory:
        unsafe batch.encoder?.encode(row, into: base, at: features, variable: run.ends[entry])
      case .absence:
        unsafe base.storeBytes(of: Int64.min, toByteOffset: 8, as: Int64.self)
        unsafe base.storeBytes(
          of: Record.isDeletion | Record.isFromHistory, toByteOffset: 26, as: UInt16.self)
      case .merged, .beneath:
        let slot = unsafe found.slots[Int(run.lanes[entry])]
        try makeMerged(entry, slot, row, &batch)
      }
    }
  }

  /// Makes a row of one of the batch and the one before.
  private func makeMerged(
    _ entry: Int, _ slot: UInt32, _ row: Int, _ batch: inout Batch
  ) throws(LarderError) {
    guard let kept = unsafe run.kept[entry] else { return }
    let base = unsafe run.bases[entry]
    let before = try before(unsafe Record(base: kept), slot, batch)
    let isDirect = unsafe run.makings[entry] == .merged
    let time =
      isDirect
      ? RowTime(event: batch.times.events[row], created: batch.times.created(row))
      : before.record.time
    var flags = time.created == nil ? 0 : Record.hasCreated
    let features = unsafe run.targets[entry] - base
    var standing = features
    let history = history(under: before, row, batch)
    if isDirect || before.hasFeatures, let (encoder, merge) = try plan(before, &batch) {
      standing += encoder.schema.fixedBytes
      if let history { flags |= unsafe put(history, base, at: &standing) }
      flags |= merge.originFlags
      if !merge.isAllDirect {
        unsafe put(merge.origins, base, at: standing)
        standing += merge.origins.count * 8
      }
      unsafe base.storeBytes(of: encoder.schema.id, toByteOffset: 24, as: UInt16.self)
      unsafe encoder.encode(
        batch.role == .none ? nil : row, taking: merge.taken, from: before.values, into: base,
        at: features, variable: standing)
    } else {
      flags |= Record.isDeletion
      if let history { flags |= unsafe put(history, base, at: &standing) }
    }
    unsafe base.storeBytes(of: time.event, toByteOffset: 8, as: Int64.self)
    unsafe base.storeBytes(of: time.created ?? 0, toByteOffset: 16, as: Int64.self)
    unsafe base.storeBytes(of: flags, toByteOffset: 26, as: UInt16.self)
  }

  /// Writes the times of history's answer; returns the flags that say so.
  func put(_ history: RowTime, _ base: UnsafeMutableRawPointer, at offset: inout Int) -> UInt16 {
    unsafe base.storeBytes(of: history.event, toByteOffset: offset, as: Int64.self)
    unsafe base.storeBytes(of: history.created ?? 0, toByteOffset: offset &+ 8, as: Int64.self)
    offset += 16
    return history.overFlags
  }

  /// Writes which features were written directly.
  func put(_ origins: [UInt64], _ base: UnsafeMutableRawPointer, at offset: Int) {
    for (word, bits) in origins.enumerated() {
      unsafe base.storeBytes(of: bits, toByteOffset: offset &+ word &* 8, as: UInt64.self)
    }
  }
}

extension RowTime {
  /// The flags of a direct write that stands over history's answer of this time.
  var overFlags: UInt16 {
    Record.isOverHistory | (created == nil ? 0 : Record.hasHistoryCreated)
  }
}

extension RowBefore {
  /// Whether the catalog knows a feature of the row.
  func isKnown(_ position: Int) -> Bool { schema.fields[position].isKnown }
}

extension TableWriter.Batch {
  /// Which features a batch's row alone says to be direct; nil if all or none are.
  var origins: [UInt64]? { role == .direct ? encoder?.brought : nil }
  /// The flag that says so.
  var originFlags: UInt16 { origins == nil ? 0 : Record.hasOrigins }
  /// What a row of the batch alone is.
  var kindFlags: UInt16 {
    switch role {
    case .direct: 0
    case .deletion: Record.isDeletion
    case .gained, .answers, .none: Record.isFromHistory
    }
  }
}
