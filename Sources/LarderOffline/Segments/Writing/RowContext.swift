import CLarderKernels
import LarderColumns

/// What the columns of a segment share while they are written.
final class RowContext: Sendable {
  /// The rows' entity ids, UInt32.
  let ids: Buffer
  /// The rows' event times, Int64.
  let events: Buffer
  /// The hash of each row's id and event time, UInt64.
  let hashes: Buffer
  /// Bits, 1 = the row starts an entity's run; a spare word follows.
  let restarts: Buffer
  let count: Int

  init(ids: Buffer, events: Buffer, count: Int) {
    self.ids = ids
    self.events = events
    self.count = count
    hashes = Buffer(uninitializedBytes: count * 8)
    restarts = Buffer(zeroedBytes: (count / 64 + 2) * 8)
    let rowIDs = unsafe ids.values(as: UInt32.self)
    unsafe larder_row_hashes(
      rowIDs.baseAddress, events.values(as: Int64.self).baseAddress, count,
      hashes.mutableValues(as: UInt64.self).baseAddress)
    let restarts = unsafe self.restarts.mutableValues(as: UInt64.self)
    var before: UInt32?
    for row in 0..<count {
      let id = unsafe rowIDs[row]
      if id != before { unsafe restarts[row >> 6] |= 1 << UInt64(row & 63) }
      before = id
    }
  }
}
