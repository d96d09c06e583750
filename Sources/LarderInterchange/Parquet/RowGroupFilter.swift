import LarderColumns

/// Tells from statistics which row groups certainly hold no row within bounds.
struct RowGroupFilter {
  private struct Bound {
    var leaf: Int
    var type: LeafType
    var typeOrder: Bool
    var atLeast: Key?
    var atMost: Key?
  }

  /// A value in an order of its own kind.
  private enum Key {
    case integer(Int128)
    case float(Double)
    case bytes([UInt8])
  }

  private var bounds: [Bound] = []

  /// Prepares bounds.
  ///
  /// - Throws: `notFound` for a column that is not there; `invalidArgument` for a bound of another
  ///   type than its column.
  init(
    _ wanted: [ColumnBounds], fields: [ParquetField], metadata: FileMetadata
  ) throws(LarderError) {
    for bound in wanted {
      guard let field = fields.first(where: { $0.name == bound.column }) else {
        let hint = suggestion(for: bound.column, among: fields.map(\.name))
        throw LarderError(.notFound, "The file has no column \"\(bound.column)\". \(hint)")
      }
      let shape = try field.shape.get()
      if shape.isList { continue }
      let type = shape.leaf
      bounds.append(
        Bound(
          leaf: field.leaf, type: type,
          typeOrder: metadata.typeOrders.indices.contains(field.leaf)
            && metadata.typeOrders[field.leaf],
          atLeast: try Self.key(bound.atLeast, type.dataType, bound.column),
          atMost: try Self.key(bound.atMost, type.dataType, bound.column)))
    }
  }

  /// Whether a row group may hold a row within the bounds.
  func mayMatch(_ group: RowGroup) -> Bool {
    for bound in bounds {
      guard let (least, greatest) = range(group.chunks[bound.leaf], bound) else { continue }
      if let atLeast = bound.atLeast, Self.isLess(greatest, atLeast) { return false }
      if let atMost = bound.atMost, Self.isLess(atMost, least) { return false }
    }
    return true
  }

  private func range(_ chunk: ColumnChunk, _ bound: Bound) -> (Key, Key)? {
    guard let statistics = chunk.statistics else { return nil }
    var ends: ([UInt8], [UInt8])?
    if bound.typeOrder, let low = statistics.minimum, let high = statistics.maximum {
      ends = (low, high)
    } else if isSigned(bound.type), let low = statistics.signedMinimum,
      let high = statistics.signedMaximum
    {
      ends = (low, high)
    }
    guard let (low, high) = ends, let least = key(low, bound.type),
      let greatest = key(high, bound.type), !Self.isLess(greatest, least)
    else { return nil }
    return (least, greatest)
  }

  /// Whether signed comparison of the stored values is the type's order.
  private func isSigned(_ type: LeafType) -> Bool {
    switch type.physical {
    case .int32, .int64: type.conversion == .none || type.conversion == .widenSigned
    default: false
    }
  }

  private func key(_ bytes: [UInt8], _ type: LeafType) -> Key? {
    func integer(_ width: Int) -> UInt64? {
      guard bytes.count == width else { return nil }
      return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    switch (type.physical, type.conversion) {
    case (.int32, .none), (.int32, .widenSigned):
      guard let raw = integer(4) else { return nil }
      let value = Int32(truncatingIfNeeded: raw)
      return .integer(Int128(value) * Self.nanoseconds(type.dataType))
    case (.int32, .widenUnsigned): return integer(4).map { .integer(Int128($0)) }
    case (.int64, .none):
      guard let raw = integer(8) else { return nil }
      return .integer(Int128(Int64(bitPattern: raw)) * Self.nanoseconds(type.dataType))
    case (.int64, .checkUnsigned): return integer(8).map { .integer(Int128($0)) }
    case (.float, .none):
      guard let raw = integer(4) else { return nil }
      let value = Float(bitPattern: UInt32(truncatingIfNeeded: raw))
      return value.isNaN ? nil : .float(Double(value))
    case (.double, .none):
      guard let raw = integer(8) else { return nil }
      let value = Double(bitPattern: raw)
      return value.isNaN ? nil : .float(value)
    case (.byteArray, .none), (.fixedLengthByteArray, .none): return .bytes(bytes)
    default: return nil
    }
  }

  private static func nanoseconds(_ type: DataType) -> Int128 {
    if case .timestamp(let unit) = type { Int128(unit.nanosecondsPerTick) } else { 1 }
  }

  private static func key(
    _ value: Value?, _ type: DataType, _ column: String
  ) throws(LarderError) -> Key? {
    switch (value, type) {
    case (nil, _), (.null?, _): return nil
    case (.int32(let x)?, .int32), (.int32(let x)?, .int64), (.date(let x)?, .date):
      return .integer(Int128(x))
    case (.int64(let x)?, .int32), (.int64(let x)?, .int64): return .integer(Int128(x))
    case (.timestamp(let x)?, .timestamp): return .integer(x.exactNanoseconds)
    case (.float32(let x)?, .float32): return x.isNaN ? nil : .float(Double(x))
    case (.float64(let x)?, .float32), (.float64(let x)?, .float64):
      return x.isNaN ? nil : .float(x)
    case (.string(let x)?, .string), (.string(let x)?, .json): return .bytes(Array(x.utf8))
    case (.bytes(let x)?, .bytes): return .bytes(x)
    default:
      throw LarderError(
        .invalidArgument,
        "A bound of \(value.map(\.description) ?? "null") on a column of \(type).",
        column: column)
    }
  }

  /// Whether one is certainly less than the other.
  private static func isLess(_ a: Key, _ b: Key) -> Bool {
    switch (a, b) {
    case (.integer(let x), .integer(let y)): x < y
    case (.float(let x), .float(let y)): x < y
    case (.bytes(let x), .bytes(let y)): x.lexicographicallyPrecedes(y)
    default: false
    }
  }
}
