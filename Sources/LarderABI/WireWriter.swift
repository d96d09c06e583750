/// Bytes in the wire format of protocol buffers.
struct WireWriter {
  private(set) var bytes: [UInt8] = []

  var count: Int { bytes.count }

  /// Forgets what was written; its memory stays.
  mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  mutating func append(_ other: [UInt8]) { bytes.append(contentsOf: other) }

  mutating func append(_ other: UnsafeRawBufferPointer) { unsafe bytes.append(contentsOf: other) }

  /// The head of a field that has a length: text, bytes, a message, packed numbers.
  mutating func head(field: Int, length: Int) {
    tag(field, wireType: 2)
    varint(UInt64(length))
  }

  mutating func append(field: Int, varint value: UInt64) {
    tag(field, wireType: 0)
    varint(value)
  }

  mutating func append(field: Int, fixed64 value: UInt64) {
    tag(field, wireType: 1)
    for byte in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(byte * 8))) }
  }

  mutating func append(field: Int, fixed32 value: UInt32) {
    tag(field, wireType: 5)
    for byte in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(byte * 8))) }
  }

  private mutating func tag(_ field: Int, wireType: UInt64) {
    varint(UInt64(field) << 3 | wireType)
  }

  /// Seven bits a byte, the least significant first.
  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}
