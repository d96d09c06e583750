/// The CRC-32 of gzip and PNG (polynomial 0xEDB88320, reflected), which Parquet's pages carry.
///
/// Slicing by 8 (Kounavis and Berry, "A Systematic Approach to Building High Performance
/// Software-Based CRC Generators", 2005): eight tables take eight bytes a step.
enum CRC32 {
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for byte in 0..<256 {
      var value = UInt32(byte)
      for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
      tables[byte] = value
    }
    for slice in 1..<8 {
      for byte in 0..<256 {
        let before = tables[(slice - 1) * 256 + byte]
        tables[slice * 256 + byte] = before >> 8 ^ tables[Int(before & 0xFF)]
      }
    }
    return tables
  }()

  /// The checksum of bytes.
  ///
  /// - Complexity: O(bytes).
  static func checksum(_ bytes: UnsafeRawBufferPointer, after start: UInt32 = 0) -> UInt32 {
    guard let base = bytes.baseAddress else { return start }
    return unsafe tables.withUnsafeBufferPointer { tables in
      unsafe run(base, bytes.count, tables, ~start)
    }
  }

  private static func run(
    _ base: UnsafeRawPointer, _ count: Int, _ t: UnsafeBufferPointer<UInt32>, _ start: UInt32
  ) -> UInt32 {
    guard let t = t.baseAddress else { return ~start }
    var crc = start
    var at = 0
    while at &+ 8 <= count {
      let word = unsafe base.loadUnaligned(fromByteOffset: at, as: UInt64.self) ^ UInt64(crc)
      let low = unsafe t[7 * 256 + Int(word & 0xFF)] ^ t[6 * 256 + Int(word &>> 8 & 0xFF)]
      let lower = unsafe t[5 * 256 + Int(word &>> 16 & 0xFF)] ^ t[4 * 256 + Int(word &>> 24 & 0xFF)]
      let upper = unsafe t[3 * 256 + Int(word &>> 32 & 0xFF)] ^ t[2 * 256 + Int(word &>> 40 & 0xFF)]
      let high = unsafe t[256 + Int(word &>> 48 & 0xFF)] ^ t[Int(word &>> 56)]
      crc = low ^ lower ^ upper ^ high
      at &+= 8
    }
    while at < count {
      let byte = unsafe base.load(fromByteOffset: at, as: UInt8.self)
      crc = unsafe crc &>> 8 ^ t[Int((crc ^ UInt32(byte)) & 0xFF)]
      at &+= 1
    }
    return ~crc
  }
}
