import LarderFiles

/// Makes the checksums of a changed segment hold again.
///
/// A walk of its own over the footer: the reader under test has no part in it. What it cannot follow
/// is left as it is.
enum SegmentSeal {
  static func seal(_ bytes: inout [UInt8]) {
    let trailer = bytes.count - 64
    guard trailer >= 64, let footer: UInt64 = bytes.load(trailer + 8),
      let high: UInt64 = bytes.load(trailer + 32), let low: UInt64 = bytes.load(trailer + 40)
    else { return }
    let seeds = Seeds(high: high, low: low)
    if footer >= 64, footer < UInt64(trailer) {
      var walk = FooterWalk(bytes: bytes, at: Int(footer), end: trailer, seeds: seeds)
      walk.sealSections()
      bytes = walk.bytes
      let body = Array(bytes[Int(footer)..<trailer])
      bytes.store(XXH3.hash64(body, seed: seeds.seed(2)), at: trailer + 48)
    }
    bytes.store(XXH3.hash64(Array(bytes[..<56]), seed: seeds.seed(1)), at: 56)
    bytes.store(
      XXH3.hash64(Array(bytes[trailer..<trailer + 56]), seed: seeds.seed(3)), at: trailer + 56)
  }

  /// The checksum of the footer, by which the manifest knows a segment.
  static func footerHash(_ bytes: [UInt8]) -> UInt64 { bytes.load(bytes.count - 16) ?? 0 }

  fileprivate struct Seeds {
    var high: UInt64
    var low: UInt64

    func seed(_ kind: UInt64, column: UInt64 = 0, page: Int = 0) -> UInt64 {
      var words: [UInt8] = []
      for word in [high, low, column, kind << 32 | UInt64(page)] {
        for index in 0..<8 { words.append(UInt8(truncatingIfNeeded: word >> (8 * index))) }
      }
      return XXH3.hash64(words)
    }
  }
}

/// Goes through a footer and writes the checksum of every section it names.
private struct FooterWalk {
  var bytes: [UInt8]
  var at: Int
  var end: Int
  let seeds: SegmentSeal.Seeds

  mutating func sealSections() {
    at += 8 + 1 + 1 + 8 + 4 + 4 + 8 + 8 + 17 + 8 + 8 + 8 + 17 + 8
    for kind in [4, 5, 6] as [UInt64] { section(kind, column: 0) }
    guard let columns: UInt32 = number() else { return }
    for _ in 0..<min(columns, 4_096) {
      guard record(depth: 0) else { return }
    }
  }

  private mutating func number<T: FixedWidthInteger>() -> T? {
    guard at <= end - MemoryLayout<T>.size, let value: T = bytes.load(at) else { return nil }
    at += MemoryLayout<T>.size
    return value
  }

  /// Passes over {offset, bytes, checksum}, and makes the checksum hold.
  @discardableResult
  private mutating func section(
    _ kind: UInt64, column: UInt64, isChecked: Bool = true
  ) -> (start: UInt64, length: UInt64) {
    guard let start: UInt64 = number(), let length: UInt64 = number(), at <= end - 8 else {
      return (0, 0)
    }
    if isChecked, let body = bytes.slice(start, length), start + length <= UInt64(end) {
      bytes.store(XXH3.hash64(body, seed: seeds.seed(kind, column: column)), at: at)
    }
    at += 8
    return (start, length)
  }

  /// One column's record; false if it does not read.
  private mutating func record(depth: Int) -> Bool {
    guard let length: UInt32 = number(), Int(length) <= end - at, depth < 8 else { return false }
    let next = at + Int(length)
    defer { at = next }
    guard let role: UInt8 = number(), let field: UInt32 = number(), let name: UInt16 = number()
    else { return false }
    at += Int(name)
    guard let encoding: UInt8 = number(), let validity: UInt8 = number() else { return false }
    at += 1 + 24 + 4 + 16
    let key = 1 << 63 | UInt64(role) << 32 | UInt64(field)
    section(7, column: key)
    let bodies = section(8, column: key, isChecked: false)
    var texts: (start: UInt64, length: UInt64) = (0, 0)
    if validity == 2 || validity == 3 { section(9, column: key) }
    if validity == 3 { section(10, column: key) }
    switch encoding {
    case 1:
      at += 8
      section(12, column: key)
    case 2:
      at += 8
      section(11, column: key)
      section(12, column: key)
    case 3: texts = section(13, column: key, isChecked: false)
    case 5: guard record(depth: depth + 1) else { return true }
    default: break
    }
    sealPages(bodies, texts, key)
    return true
  }

  private mutating func sealPages(
    _ bodies: (start: UInt64, length: UInt64), _ texts: (start: UInt64, length: UInt64),
    _ key: UInt64
  ) {
    guard let pages: UInt32 = number() else { return }
    for page in 0..<Int(min(pages, 4_096)) {
      guard at <= end - 56 else { return }
      let isLast = page + 1 == pages
      for (part, whole) in [(0, bodies), (16, texts)] {
        let first: UInt64 = bytes.load(at + part) ?? 0
        let behind: UInt64 = isLast ? whole.length : bytes.load(at + 56 + part) ?? 0
        guard behind >= first,
          let body = bytes.slice(whole.start &+ first, behind - first)
        else { continue }
        let seed = seeds.seed(part == 0 ? 8 : 13, column: key, page: page)
        bytes.store(XXH3.hash64(body, seed: seed), at: at + part + 8)
      }
      at += 56
    }
  }
}
