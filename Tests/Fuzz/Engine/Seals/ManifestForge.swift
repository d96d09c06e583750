import LarderFiles

/// A manifest taken apart into records, and put together again with lengths, padding, chain and
/// checksums that hold.
struct ManifestForge {
  private static let magic: UInt64 = 0x0A1A_0A0D_4E4D_4C89
  private static let block = 4_096

  struct Record {
    var type: UInt32
    var id: UInt64
    var time: UInt64
    var payload: [UInt8]
  }

  var header: [UInt8]
  var records: [Record]
  private var firstChain: UInt64 = 0

  /// Takes a valid file apart.
  init(_ bytes: [UInt8]) {
    header = Array(bytes.prefix(64))
    records = []
    var at = 64
    while let length: UInt32 = bytes.load(at), length >= 40, at + Int(length) <= bytes.count {
      let word: UInt32 = bytes.load(at + 4) ?? 0
      let padding = Int(word >> 8 & 0xFFFF)
      if records.isEmpty { firstChain = bytes.load(at + 24) ?? 0 }
      records.append(
        Record(
          type: word & 0xFF | word & 1 << 31, id: bytes.load(at + 8) ?? 0,
          time: bytes.load(at + 16) ?? 0,
          payload: Array(bytes[at + 32..<max(at + 32, at + Int(length) - 8 - padding)])))
      at += Int(length)
    }
  }

  /// The whole file.
  func bytes() -> [UInt8] {
    var bytes = header
    bytes.store(XXH3.hash64(Array(bytes[..<56]), seed: Self.magic), at: 56)
    let high: UInt64 = bytes.load(16) ?? 0
    let low: UInt64 = bytes.load(24) ?? 0
    var chain = firstChain
    for record in records {
      let start = bytes.count
      let bare = 32 + record.payload.count + 8
      let padding = (Self.block - (start + bare) % Self.block) % Self.block
      bytes += [UInt8](repeating: 0, count: 32)
      bytes.store(UInt32(truncatingIfNeeded: bare + padding), at: start)
      bytes.store(record.type | UInt32(padding) << 8, at: start + 4)
      bytes.store(record.id, at: start + 8)
      bytes.store(record.time, at: start + 16)
      bytes.store(chain, at: start + 24)
      bytes += record.payload + [UInt8](repeating: 0, count: padding)
      chain = XXH3.hash64(Array(bytes[start...]), seed: high ^ low ^ Self.magic)
      bytes += [UInt8](repeating: 0, count: 8)
      bytes.store(chain, at: bytes.count - 8)
    }
    return bytes + [UInt8](repeating: 0, count: 65_536)
  }

  /// Replaces a number of eight bytes wherever payloads have it.
  mutating func replace(_ old: UInt64, by new: UInt64) {
    for index in records.indices {
      var payload = records[index].payload
      var at = 0
      while at + 8 <= payload.count {
        if payload.load(at) == old { payload.store(new, at: at) }
        at += 1
      }
      records[index].payload = payload
    }
  }

  /// Changes payloads, heads and the order of records as an input says.
  mutating func change(_ input: inout FuzzInput) {
    var left = 12
    while !input.isAtEnd, left > 0, !records.isEmpty {
      left -= 1
      let index = Int(input.byte()) % records.count
      switch input.byte() & 15 {
      case 0: records[index].id = input.edge()
      case 1: records[index].time = input.edge()
      case 2: records[index].type = UInt32(input.byte()) & 15
      case 3: records[index].type |= 1 << 31
      case 4:
        let other = records[Int(input.byte()) % records.count]
        records[index].payload = other.payload
      case 5: records.remove(at: index)
      case 6: records.insert(records[index], at: Int(input.byte()) % (records.count + 1))
      case 7:
        // The state as of an earlier record, said again.
        var copy = records[index]
        copy.id = (records.last?.id ?? 0) &+ 1
        copy.time = (records.last?.time ?? 0) &+ 1
        records.append(copy)
      case 8: header.store(input.edge(), at: 8 * Int(input.byte() & 7))
      default:
        var few = FuzzInput((0..<12).map { _ in input.byte() })
        Edits.apply(&few, to: &records[index].payload, resizes: true)
      }
    }
  }
}

/// The page that says where the manifest ends.
enum StateSeal {
  static func seal(_ bytes: inout [UInt8]) {
    guard bytes.count >= 384 else { return }
    let magic: UInt64 = 0x0A1A_0A0D_5632_4C89
    bytes.store(XXH3.hash64(Array(bytes[..<56]), seed: magic), at: 56)
    let sequence: UInt64 = bytes.load(128) ?? 0
    let slot = sequence & 1 == 0 ? 192 : 256
    var check: [UInt8] = []
    for at in [128, slot, slot + 8, 56] { check += bytes[at..<at + 8] }
    bytes.store(XXH3.hash64(check, seed: magic), at: slot + 24)
  }
}
