import CLarderKernels
import LarderColumns
import LarderKeys

/// Which rows of a batch lose against others of the same batch.
enum BatchWinners {
  /// How many rows ahead the table's memory is brought closer.
  private static let ahead = 16

  /// One flag per row; nil if all keys differ.
  ///
  /// - Complexity: O(rows) expected, with a table of eight to sixteen bytes per row.
  static func losers(_ keys: TableKeys, _ times: RowTimes) -> [Bool]? {
    let count = keys.count
    if count < 2 { return nil }
    let hashBuffer = Buffer(uninitializedBytes: count * 8)
    let hashes = unsafe hashBuffer.base.assumingMemoryBound(to: UInt64.self)
    unsafe keys.hash(into: hashes)
    let capacity = 1 << (Int.bitWidth - (count * 2 - 1).leadingZeroBitCount)
    let table = Buffer(zeroedBytes: capacity * 4)
    let entries = unsafe table.base.assumingMemoryBound(to: UInt32.self)
    let mask = UInt64(capacity - 1)
    var losers: [Bool]?
    for row in 0..<count {
      if row &+ ahead < count {
        let next = unsafe hashes[row &+ ahead] &>> 20 & mask
        unsafe larder_prefetch(entries + Int(truncatingIfNeeded: next))
      }
      let hash = unsafe hashes[row]
      var place = Int(truncatingIfNeeded: (hash &>> 20) & mask)
      while true {
        let entry = unsafe entries[place]
        if entry == 0 {
          unsafe entries[place] = UInt32(truncatingIfNeeded: row &+ 1)
          break
        }
        let other = Int(entry) &- 1
        if unsafe hashes[other] != hash || !isSameKey(keys, other, row) {
          place = (place &+ 1) & Int(truncatingIfNeeded: mask)
          continue
        }
        if losers == nil { losers = [Bool](repeating: false, count: count) }
        if times.wins(other, over: row) {
          losers?[row] = true
        } else {
          losers?[other] = true
          unsafe entries[place] = UInt32(truncatingIfNeeded: row &+ 1)
        }
        break
      }
    }
    withExtendedLifetime((hashBuffer, table)) {}
    return losers
  }

  private static func isSameKey(_ keys: TableKeys, _ a: Int, _ b: Int) -> Bool {
    let (first, second) = unsafe (keys.tail(a), keys.tail(b))
    guard first.count == second.count, let one = first.baseAddress,
      let other = second.baseAddress
    else { return first.count == second.count }
    return unsafe tailsAreEqual(
      one, other.assumingMemoryBound(to: UInt8.self), first.count)
  }
}
