import LarderColumns
import LarderFiles

/// The 64 bits that stand for a scalar value in content hashes.
struct ElementHashes {
  private let column: Column

  init(_ column: Column) { self.column = column }

  /// Integers sign-extended, floats' bits, bools as 0 and 1, the XXH3 of bytes; nulls apart.
  func bits(of row: Int) -> UInt64 {
    guard column.isValid(row) else { return ContentHash.nullBits }
    switch column.type.layout {
    case .bits:
      let bit = column.offset + row
      let byte = unsafe column.values.base.load(fromByteOffset: bit >> 3, as: UInt8.self)
      return UInt64(byte >> (bit & 7) & 1)
    case .fixed(bytes: 4):
      if column.type == .float32 { return UInt64(unsafe column.fixedValues(as: UInt32.self)[row]) }
      return UInt64(bitPattern: Int64(unsafe column.fixedValues(as: Int32.self)[row]))
    case .fixed: return unsafe column.fixedValues(as: UInt64.self)[row]
    case .variable: return unsafe XXH3.hash64(column.variableBytes(row))
    case .list: return 0
    }
  }
}
