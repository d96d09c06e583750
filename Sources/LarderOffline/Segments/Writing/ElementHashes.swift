import LarderColumns
import LarderFiles

/// The 64 bits that stand for a scalar value in content hashes, and its image in zone maps.
struct ElementHashes {
  private let column: Column

  init(_ column: Column) { self.column = column }

  /// Integers sign-extended, floats' bits, bools as 0 and 1, the XXH3 of bytes; nulls apart.
  func bits(of row: Int) -> UInt64 {
    guard column.isValid(row) else { return ContentHash.nullBits }
    if column.type.layout == .variable { return unsafe XXH3.hash64(column.variableBytes(row)) }
    return UInt64(bitPattern: fixed(row))
  }

  /// A list of values: its elements' bits in order, and how many they are.
  func bits(of list: Range<Int>) -> UInt64 {
    var hash = ContentHash()
    for (order, element) in list.enumerated() {
      hash.add(bits(of: element), row: UInt64(order))
    }
    return hash.low ^ hash.high &+ UInt64(list.count)
  }

  /// The order-preserving image of a valid value.
  func image(of row: Int) -> UInt64 {
    switch column.type {
    case .float64: ZoneImage.ofDouble(UInt64(bitPattern: fixed(row)))
    case .float32: ZoneImage.ofFloat(UInt32(truncatingIfNeeded: fixed(row)))
    default:
      column.type.layout == .variable
        ? unsafe ZoneImage.of(column.variableBytes(row)) : ZoneImage.of(fixed(row))
    }
  }

  /// A fixed-width value as its lane: integers sign-extended, floats' bits, bools as 0 and 1.
  private func fixed(_ row: Int) -> Int64 {
    switch column.type.layout {
    case .bits:
      let bit = column.offset + row
      let byte = unsafe column.values.base.load(fromByteOffset: bit >> 3, as: UInt8.self)
      return Int64(byte >> (bit & 7) & 1)
    case .fixed(bytes: 4):
      if column.type == .float32 { return Int64(unsafe column.fixedValues(as: UInt32.self)[row]) }
      return Int64(unsafe column.fixedValues(as: Int32.self)[row])
    case .fixed: return unsafe column.fixedValues(as: Int64.self)[row]
    case .variable, .list: return 0
    }
  }
}
