/// Writes Thrift's compact protocol, fields in rising order.
struct CompactWriter {
  /// What was written.
  private(set) var bytes: [UInt8] = []
  /// The last field's number of each open struct.
  private var last: [Int16] = [0]

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func zigzag(_ value: Int64) {
    varint(UInt64(bitPattern: value << 1 ^ value >> 63))
  }

  private mutating func head(_ field: Int16, _ type: CompactReader.WireType) {
    let delta = field - last[last.count - 1]
    last[last.count - 1] = field
    if delta > 0, delta <= 15 {
      bytes.append(UInt8(delta) << 4 | type.rawValue)
    } else {
      bytes.append(type.rawValue)
      zigzag(Int64(field))
    }
  }

  mutating func int32(_ field: Int16, _ value: Int) {
    head(field, .int32)
    zigzag(Int64(value))
  }

  mutating func int64(_ field: Int16, _ value: Int) {
    head(field, .int64)
    zigzag(Int64(value))
  }

  mutating func bool(_ field: Int16, _ value: Bool) { head(field, value ? .yes : .no) }

  mutating func binary(_ field: Int16, _ value: some Collection<UInt8>) {
    head(field, .binary)
    element(value)
  }

  /// Writes a struct as a field.
  mutating func structure(_ field: Int16, _ body: (inout CompactWriter) -> Void) {
    head(field, .structure)
    element(body)
  }

  /// Starts a list; its elements follow.
  mutating func list(_ field: Int16, of type: CompactReader.WireType, count: Int) {
    head(field, .list)
    if count < 15 {
      bytes.append(UInt8(count) << 4 | type.rawValue)
    } else {
      bytes.append(0xF0 | type.rawValue)
      varint(UInt64(count))
    }
  }

  /// Writes an integer as an element of a list.
  mutating func element(_ value: Int) { zigzag(Int64(value)) }

  /// Writes bytes as an element of a list.
  mutating func element(_ value: some Collection<UInt8>) {
    varint(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  /// Writes a struct as an element of a list, or as the whole.
  mutating func element(_ body: (inout CompactWriter) -> Void) {
    last.append(0)
    body(&self)
    bytes.append(0)
    last.removeLast()
  }
}
