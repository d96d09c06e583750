import LarderColumns
import LarderEncodings
import LarderOffline

/// How a value of fixed width is read from a segment's column.
enum LaneReading: UInt8, Sendable {
  /// The segment has no such column, or only nulls.
  case absent
  /// The lane itself, with one header and one load.
  case plain
  /// The lane itself, whatever the vector's kind.
  case lane
  /// A binary64.
  case double
  /// A binary32.
  case float
  /// A binary32 widened to a binary64.
  case widenedFloat
  /// An integer widened to a binary64.
  case widenedInteger
  /// A code into distinct 64-bit values.
  case distinct
  /// As `distinct`, with the binary32 widened to a binary64.
  case distinctFloat
  /// As `distinct`, with the integer widened to a binary64.
  case distinctInteger
  /// A code into the result's dictionary, by way of the segment's.
  case code
}

/// What the gathering of one feature needs of one segment: plain pointers, no references.
///
/// `GatherSources` keeps alive what they point to.
struct GatherSource {
  /// How values are read.
  let reading: LaneReading
  let lanes: PackedView
  let validity: ValidityView
  /// The validity's mode as a number: comparing enums of another module costs a call.
  let mode: UInt8
  /// The distinct values where `reading` says so.
  let distinct: FixedDictionaryView
  /// For each of the segment's codes, the result's, where `reading` is `code`.
  let codes: Lanes<UInt32>

  /// The 64 bits of the value in a slot; for narrower types, in the low bits.
  @inline(__always) func bits(_ slot: Int) -> UInt64 {
    switch reading {
    case .absent: return 0
    case .plain: return unsafe UInt64(bitPattern: readPlain(lanes, slot))
    case .lane, .code: return unsafe UInt64(bitPattern: readLane(lanes, slot))
    case .double: return unsafe readDouble(lanes, slot)
    case .float: return unsafe UInt64(lanes.float(at: slot).bitPattern)
    case .widenedFloat: return unsafe Double(lanes.float(at: slot)).bitPattern
    case .widenedInteger: return unsafe Double(readLane(lanes, slot)).bitPattern
    case .distinct: return unsafe distinct.bits(of: Int(readLane(lanes, slot)))
    case .distinctFloat:
      let bits = unsafe distinct.bits(of: Int(readLane(lanes, slot)))
      return Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))).bitPattern
    case .distinctInteger:
      let bits = unsafe distinct.bits(of: Int(readLane(lanes, slot)))
      return Double(Int64(bitPattern: bits)).bitPattern
    }
  }

  /// Where a row's value lies among the stored ones; -1 if it is null.
  @inline(__always) func slot(_ row: Int) -> Int {
    if mode == ModeCode.none { return row }
    if mode == ModeCode.allNull { return -1 }
    let word = unsafe validity.words[row &>> 6] &>> UInt64(row & 63)
    if word & 1 == 0 { return -1 }
    return mode == ModeCode.sparse ? unsafe validity.rank(row) : row
  }
}

/// The numbers of `ValidityMode`, which segments hold: a constant here, a call there.
enum ModeCode {
  static let none: UInt8 = 0
  static let allNull: UInt8 = 1
  static let bitmap: UInt8 = 2
  static let sparse: UInt8 = 3
}

extension LaneReading {
  /// How a column's values are read as a type.
  ///
  /// - Throws: `incompatibleDefinition` if the column's type cannot be widened to it.
  init(_ column: SegmentColumn, as type: DataType) throws(LarderError) {
    if column.encoding == .dictionary || column.encoding == .plain || column.encoding == .symbols
      || column.encoding == .list
    {
      guard column.type == type else { throw LaneReading.mismatch(column, type) }
      self = column.encoding == .dictionary ? .code : .lane
      return
    }
    let isDistinct = column.encoding == .fixedDictionary
    let isPlain = column.lanes.traits.isEmpty
    switch (column.type, type) {
    case (.float32, .float64): self = isDistinct ? .distinctFloat : .widenedFloat
    case (.int32, .float64): self = isDistinct ? .distinctInteger : .widenedInteger
    case (.int32, .int64): self = isDistinct ? .distinct : isPlain ? .plain : .lane
    case _ where column.type != type: throw LaneReading.mismatch(column, type)
    case (.float64, _): self = isDistinct ? .distinct : isPlain ? .plain : .double
    case (.float32, _): self = isDistinct ? .distinct : isPlain ? .plain : .float
    default: self = isDistinct ? .distinct : isPlain ? .plain : .lane
    }
  }

  private static func mismatch(_ column: SegmentColumn, _ type: DataType) -> LarderError {
    LarderError(
      .incompatibleDefinition,
      "A segment holds \(column.type), which cannot be read as \(type).")
  }
}
