import Glibc
import LarderColumns
import LarderFiles
import LarderKeys

/// The rows of erased keys in a table's log: where they are and which entries lead to them.
struct ErasedRows {
  /// Sequence numbers of the segments that hold some, and how many.
  var rows: [UInt64: Int] = [:]
  /// Hash and slot of each row.
  var places: [(hash: UInt64, slot: UInt32)] = []
}

extension OnlineTable {
  /// The matchers of selections that reach this table's keys.
  private static func matchers(
    _ selections: [KeySelection], _ state: TableState
  ) throws(LarderError) -> [KeyMatcher] {
    let schema = state.keys.isEmpty ? .entityless : try KeySchema(state.keys)
    return selections.compactMap { $0.matcher(among: schema) }
  }

  /// Whether the log holds rows of a selection's keys, newest or not; takes no lock.
  ///
  /// - Complexity: O(log).
  func holdsRows(of selections: [KeySelection]) throws(LarderError) -> Bool {
    let snapshot = try snapshot()
    let matchers = try Self.matchers(selections, snapshot.state)
    if matchers.isEmpty { return false }
    for segment in snapshot.lookup.segments.segments {
      var unit = LogFormat.headerUnits
      while let record = segment.record(at: unit) {
        if try record.isRow(among: matchers) { return true }
        unit += record.units
      }
    }
    return false
  }

  /// Whether the folder has segments that the table does not name.
  func hasLeftovers() throws(LarderError) -> Bool {
    let named = Set(try snapshot().lookup.segments.segments.map(\.sequence))
    return try TableFiles.numbers(directory, LogFormat.suffix, host.files)
      .contains { !named.contains($0) }
  }

  /// Removes every row of a selection's keys, newest or not, and the files that held them.
  ///
  /// Readers go on meanwhile. What an interrupted run left is found by the next: the log is
  /// searched, not the index.
  ///
  /// - Parameter forgetsWatermark: whether the next materialization is to look at all of history.
  /// - Returns: the files that held rows; empty if there were none.
  /// - Throws: `readOnly`; `corrupt` for a damaged row; what writing throws.
  /// - Complexity: O(log), and the live rows of the segments that are rewritten.
  func erase(
    _ selections: [KeySelection], forgetsWatermark: Bool
  ) throws(LarderError) -> [OnlineErasure.File] {
    let matchers = try withWriter { (writer) throws(LarderError) in
      try Self.matchers(selections, writer.state)
    }
    if matchers.isEmpty { return [] }
    var files: [OnlineErasure.File] = []
    // A write under way may add rows of a key that was erased from history only now.
    while true {
      let found = try withWriter { (writer) throws(LarderError) in
        try writer.eraseEntries(matchers, forgetsWatermark: forgetsWatermark)
      }
      if found.rows.isEmpty { return files }
      for (sequence, rows) in found.rows.sorted(by: { $0.key < $1.key }) {
        let segment = try withWriter { (writer) throws(LarderError) in writer.segment(sequence) }
        guard let segment else { continue }
        let device = try host.files.status(of: segment.path)?.device ?? 0
        files.append(
          OnlineErasure.File(
            path: segment.path, inode: segment.inode, device: device, rows: rows))
      }
      var report = OnlineCompactionReport()
      try empty(found.rows.keys.sorted(), { _ in .never }, &report)
    }
  }
}

extension Record {
  /// Whether the record is a row of a key that one of some selections holds.
  func isRow(among matchers: [KeyMatcher]) throws(LarderError) -> Bool {
    guard kind == RecordKind.row, isBounded else { return false }
    for matcher in matchers {
      if unsafe try matcher.matches(tail) { return true }
    }
    return false
  }
}

extension TableWriter {
  /// Makes keys unknown, and finds all their rows.
  ///
  /// Afterwards none of the rows lies in the segment that is being written.
  func eraseEntries(
    _ matchers: [KeyMatcher], forgetsWatermark: Bool
  ) throws(LarderError) -> ErasedRows {
    try checkUsable()
    var found = ErasedRows()
    for segment in segments {
      var unit = LogFormat.headerUnits
      let end = writtenUnits(segment)
      while unit < end {
        guard let record = segment.record(at: unit) else {
          throw damagedRow(Slot(number: segment.number, unit: unit))
        }
        if try record.isRow(among: matchers) {
          let tail = unsafe (record.base + Record.rowHeaderBytes)
            .assumingMemoryBound(to: UInt8.self)
          let hash = unsafe keyHash(tail, record.keyBytes, keys.stride ?? 0)
          found.places.append((hash, Slot(number: segment.number, unit: unit).bits))
          found.rows[segment.sequence, default: 0] += 1
        }
        unit += record.units
      }
    }
    if found.rows.isEmpty { return found }
    for (hash, slot) in found.places { _ = try index.remove(hash, slot: slot) }
    if found.rows[current.sequence] != nil {
      batch += 1
      try startSegment(for: 1)
    }
    if forgetsWatermark, state.watermark != nil {
      var newState = state
      newState.watermark = nil
      batch += 1
      do throws(LarderError) { try commit(state: newState, forceSync: true) } catch {
        if poison == nil { abandonBatch() }
        throw error
      }
    }
    return found
  }
}
