import Glibc
import LarderColumns
import LarderEncodings
import LarderFiles

/// Numbers distinct byte strings in order of first appearance: open addressing over their XXH3.
struct TextDictionary {
  /// The hash of each entry, which is also its content hash.
  private(set) var hashes: [UInt64] = []
  /// Where each entry starts, and the end of the last.
  private(set) var offsets: [UInt32] = [0]
  private(set) var counts: [Int32] = []
  let bytes = ByteSink()
  private var table: [UInt32]
  private var mask: Int

  init() {
    table = [UInt32](repeating: 0, count: 256)
    mask = 255
  }

  var count: Int { hashes.count }

  /// The code of bytes; nil if they are new and there are `limit` entries or 2^31 bytes already.
  mutating func code(of value: UnsafeRawBufferPointer, limit: Int) -> Int? {
    let hash = unsafe XXH3.hash64(value)
    var index = Int(truncatingIfNeeded: hash) & mask
    while table[index] != 0 {
      let entry = Int(table[index]) - 1
      if hashes[entry] == hash, unsafe matches(entry, value) { return entry }
      index = (index + 1) & mask
    }
    guard count < limit, bytes.count + value.count <= Limits.columnBytes else { return nil }
    unsafe bytes.append(value)
    offsets.append(UInt32(bytes.count))
    hashes.append(hash)
    counts.append(0)
    table[index] = UInt32(count)
    if count * 2 > table.count { grow() }
    return count - 1
  }

  /// Counts one more use of a code.
  mutating func use(_ code: Int) { counts[code] += 1 }

  private func matches(_ entry: Int, _ value: UnsafeRawBufferPointer) -> Bool {
    let start = Int(offsets[entry])
    let end = Int(offsets[entry + 1])
    guard end - start == value.count else { return false }
    guard value.count > 0, let known = unsafe bytes.bytes.baseAddress,
      let sought = value.baseAddress
    else { return true }
    return unsafe memcmp(known + start, sought, value.count) == 0
  }

  private mutating func grow() {
    mask = mask * 2 + 1
    table = [UInt32](repeating: 0, count: mask + 1)
    for (entry, hash) in hashes.enumerated() {
      var index = Int(truncatingIfNeeded: hash) & mask
      while table[index] != 0 { index = (index + 1) & mask }
      table[index] = UInt32(entry + 1)
    }
  }

  /// Entries by falling use, then first appearance: small codes for what is frequent.
  func order() -> [Int] {
    (0..<count).sorted { (counts[$1], $0) < (counts[$0], $1) }
  }
}
