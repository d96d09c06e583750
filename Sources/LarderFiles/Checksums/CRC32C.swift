import CLarderKernels

/// CRC-32C (Castagnoli, reflected, as in iSCSI), which the processor computes by itself.
///
/// The checksum of no bytes is zero, so it must never be what is trusted alone: what it covers
/// has a magic number or a seed in it, and all-zero bytes then fail.
package enum CRC32C {
  /// The checksum of bytes, or of what came before followed by them.
  ///
  /// - Parameters:
  ///   - bytes: any number of bytes.
  ///   - previous: the checksum of what came before; any seed will do.
  /// - Complexity: O(bytes); three cycles per eight bytes where the processor has the instruction.
  package static func checksum(_ bytes: UnsafeRawBufferPointer, continuing previous: UInt32 = 0)
    -> UInt32
  {
    guard hasInstruction else { return unsafe portableChecksum(bytes, continuing: previous) }
    return unsafe ~larder_crc32c(~previous, bytes.baseAddress, bytes.count)
  }

  /// The checksum of an array of bytes.
  package static func checksum(_ bytes: [UInt8], continuing previous: UInt32 = 0) -> UInt32 {
    unsafe bytes.withUnsafeBytes { unsafe checksum($0, continuing: previous) }
  }

  /// The same checksum by tables, eight bytes at a time (Intel's slicing-by-8).
  package static func portableChecksum(
    _ bytes: UnsafeRawBufferPointer, continuing previous: UInt32 = 0
  ) -> UInt32 {
    unsafe tables.withUnsafeBufferPointer { tables in
      var state = ~previous
      var offset = 0
      while bytes.count - offset >= 8 {
        let word = unsafe bytes.word64(offset) ^ UInt64(state)
        state = 0
        for place in 0..<8 {
          let byte = Int(truncatingIfNeeded: word &>> UInt64(8 * place) & 0xFF)
          unsafe state ^= tables[(7 - place) * 256 + byte]
        }
        offset += 8
      }
      while offset < bytes.count {
        let byte = unsafe UInt8(truncatingIfNeeded: state) ^ bytes[offset]
        state = unsafe tables[Int(byte)] ^ state &>> 8
        offset += 1
      }
      return ~state
    }
  }

  private static let hasInstruction = larder_has_crc32c() != 0

  /// Table k: what a byte does to the register when k zero bytes follow it.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for byte in 0..<256 {
      var state = UInt32(byte)
      for _ in 0..<8 { state = state &>> 1 ^ (state & 1 == 1 ? 0x82F6_3B78 : 0) }
      tables[byte] = state
    }
    for index in 256..<tables.count {
      let previous = tables[index - 256]
      tables[index] = tables[Int(previous & 0xFF)] ^ previous &>> 8
    }
    return tables
  }()
}
