import Glibc
import LarderColumns
import LarderFiles
import LarderKeys

/// The rows of erased keys in a table's log: where they are and which entries lead to them.
struct ErasedRows {
  /// Sequence numbers of the log files that hold some, and how many.
  var rows: [UInt64: Int] = [:]
  /// Hash and slot of each row.
  var places: [(hash: UInt64, slot: UInt32)] = []
}

extension TableState {
  /// The matchers of selections that reach this table's keys.
  func matchers(of selections: [KeySelection]) throws(LarderError) -> [KeyMatcher] {
    let schema = keys.isEmpty ? .entityless : try KeySchema(keys)
    return selections.compactMap { $0.matcher(among: schema) }
  }
}

extension OnlineTable {
  /// Removes every row of a selection's keys, newest or not, and the files that held them.
  ///
  /// Readers go on meanwhile. What an interrupted run left is found by the next: the log is
  /// searched, not the index, and files that the table no longer names go as well.
  ///
  /// - Parameter forgetsWatermark: whether the next materialization is to look at all of history.
  /// - Returns: the files that held rows; empty if there were none.
  /// - Throws: `readOnly`; `corrupt` for a damaged row; what writing throws.
  /// - Complexity: O(log), and the live rows of the log files that are rewritten.
  func erase(
    _ selections: [KeySelection], forgetsWatermark: Bool
  ) throws(LarderError) -> [OnlineErasure.File] {
    let matchers = try withWriter { (writer) throws(LarderError) in
      try writer.removeLeftovers()
      return try writer.state.matchers(of: selections)
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
        let logFile = try withWriter { (writer) throws(LarderError) in writer.logFile(sequence) }
        guard let logFile else { continue }
        let device = try host.files.status(of: logFile.path)?.device ?? 0
        files.append(
          OnlineErasure.File(
            path: logFile.path, inode: logFile.inode, device: device, rows: rows))
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
    return try unsafe matchers.hold(tail)
  }
}

extension TableWriter {
  /// Removes log files that the table no longer names: a crash came before they went.
  func removeLeftovers() throws(LarderError) {
    let named = Set(logFiles.map(\.sequence))
    let left = try TableFiles.numbers(directory, LogFormat.suffix, host.files)
      .filter { !named.contains($0) }
    for sequence in left {
      try host.files.remove("\(directory)/\(LogFormat.fileName(sequence))")
    }
    // What an earlier writer removed may come back with the end of power.
    try host.files.syncDirectory(directory)
  }

  /// Makes keys unknown, and finds all their rows.
  ///
  /// Afterwards none of the rows lies in the log file that is being written.
  func eraseEntries(
    _ matchers: [KeyMatcher], forgetsWatermark: Bool
  ) throws(LarderError) -> ErasedRows {
    try checkUsable()
    var found = ErasedRows()
    for logFile in logFiles {
      var unit = LogFormat.headerUnits
      let end = writtenUnits(logFile)
      while unit < end {
        guard let record = logFile.record(at: unit) else {
          throw damagedRow(Slot(number: logFile.number, unit: unit))
        }
        if try record.isRow(among: matchers) {
          let tail = unsafe (record.base + Record.rowHeaderBytes)
            .assumingMemoryBound(to: UInt8.self)
          let hash = unsafe keyHash(tail, record.keyBytes, keys.stride ?? 0)
          found.places.append((hash, Slot(number: logFile.number, unit: unit).bits))
          found.rows[logFile.sequence, default: 0] += 1
        }
        unit += record.units
      }
      // Batches that came to nothing may have left rows behind the end.
      let void = unsafe RowMarks(
        UnsafeRawBufferPointer(start: logFile.base, count: logFile.bytes)
      ).count(of: matchers, from: end)
      if void > 0 { found.rows[logFile.sequence, default: 0] += void }
    }
    if found.rows.isEmpty { return found }
    for (hash, slot) in found.places { _ = try index.remove(hash, slot: slot) }
    if found.rows[current.sequence] != nil {
      batch += 1
      try startLogFile(for: 1)
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
