/// Mends the checksums of Parquet's pages after their bytes were changed.
///
/// Pages are walked from the file's start, one behind the other, as writers lay them out; a header
/// that does not read ends the walk. It is a walk of its own: the reader under test has no part in it.
package enum PageChecksums {
  /// Writes the right checksum into each page header that has one.
  package static func repair(_ bytes: inout [UInt8]) {
    guard bytes.count > 12, bytes.starts(with: Array("PAR1".utf8)) else { return }
    var at = 4
    while at < bytes.count - 8 {
      var walk = CompactWalk(bytes: bytes, at: at)
      guard let header = walk.pageHeader(), header.size >= 0,
        header.size <= bytes.count - 8 - walk.at
      else { return }
      let body = walk.at..<walk.at + header.size
      if let place = header.checksum {
        write(crc32(bytes[body]), at: place, in: &bytes)
      }
      at = body.upperBound
    }
  }

  /// Writes a zigzag integer in as many bytes as the old one had, if it fits.
  private static func write(_ checksum: UInt32, at place: Range<Int>, in bytes: inout [UInt8]) {
    let value = Int32(bitPattern: checksum)
    var rest = UInt32(bitPattern: value << 1 ^ value >> 31)
    guard place.count >= 5 || rest >> (7 * UInt32(place.count)) == 0 else { return }
    for index in place {
      bytes[index] = UInt8(rest & 0x7F) | (index + 1 < place.upperBound ? 0x80 : 0)
      rest >>= 7
    }
  }

  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { crc, _ in crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
  }

  private static func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    ~bytes.reduce(~0) { $0 >> 8 ^ table[Int(($0 ^ UInt32($1)) & 0xFF)] }
  }
}

/// As much of Thrift's compact protocol as it takes to pass over a page header.
private struct CompactWalk {
  let bytes: [UInt8]
  var at: Int

  mutating func byte() -> UInt8? {
    guard at < bytes.count else { return nil }
    defer { at += 1 }
    return bytes[at]
  }

  mutating func varint() -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while shift < 64, let next = byte() {
      value |= UInt64(next & 0x7F) << shift
      if next & 0x80 == 0 { return value }
      shift += 7
    }
    return nil
  }

  /// The compressed size and where the checksum stands; the walk is behind the header then.
  mutating func pageHeader() -> (size: Int, checksum: Range<Int>?)? {
    var size: Int?
    var checksum: Range<Int>?
    var last = 0
    while let head = byte() {
      if head == 0 { return size.map { ($0, checksum) } }
      let delta = Int(head >> 4)
      if delta == 0 {
        guard let long = varint() else { return nil }
        last = Int(truncatingIfNeeded: Int64(bitPattern: long >> 1) ^ -Int64(bitPattern: long & 1))
      } else {
        last += delta
      }
      let start = at
      guard skip(head & 15, depth: 0) else { return nil }
      if last == 3 || last == 4 {
        var again = CompactWalk(bytes: bytes, at: start)
        guard head & 15 == 5, let raw = again.varint() else { return nil }
        if last == 3 { size = Int(truncatingIfNeeded: raw >> 1) & 0x7FFF_FFFF }
        if last == 4 { checksum = start..<at }
      }
    }
    return nil
  }

  private mutating func skip(_ type: UInt8, depth: Int) -> Bool {
    switch type {
    case 1, 2: return true
    case 3: return byte() != nil
    case 4, 5, 6: return varint() != nil
    case 7:
      at += 8
      return at <= bytes.count
    case 8:
      guard let count = varint(), count <= UInt64(bytes.count - at) else { return false }
      at += Int(count)
      return true
    case 9, 10:
      guard let head = byte(), depth < 8 else { return false }
      var count = UInt64(head >> 4)
      if count == 15 {
        guard let long = varint() else { return false }
        count = long
      }
      guard count <= UInt64(bytes.count - at) else { return false }
      for _ in 0..<count where !skip(head & 15, depth: depth + 1) { return false }
      return true
    case 12:
      while let head = byte(), depth < 8 {
        if head == 0 { return true }
        if head >> 4 == 0, varint() == nil { return false }
        if !skip(head & 15, depth: depth + 1) { return false }
      }
      return false
    default: return false
    }
  }
}
