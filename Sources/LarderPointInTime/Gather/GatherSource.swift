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
  case floatToDouble
  /// An integer widened to a binary64.
  case integerToDouble
  /// A code into distinct 64-bit values.
  case distinct
  /// As `distinct`, with the binary32 widened to a binary64.
  case distinctToDouble
  /// As `distinct`, with the integer widened to a binary64.
  case distinctIntegerToDouble
  /// A code into the result's dictionary, by way of the segment's.
  case code
}

/// What the gathering of one feature needs of one segment.
struct GatherSource {
  /// The column, which keeps everything below alive; nil if the segment was written without it.
  let column: SegmentColumn?
  /// How its values are read.
  let reading: LaneReading
  /// Whether a lane is read without looking at its vector's kind.
  let isPlain: Bool
  let lanes: PackedView?
  let validity: ValidityView?
  /// The distinct values where `reading` says so.
  let distinct: FixedDictionaryView?
  /// For each of the segment's codes, the result's, where `reading` is `code`.
  let codes: Buffer?

  /// - Parameters:
  ///   - column: the segment's column of the feature; nil for all null.
  ///   - type: the feature's type now.
  ///   - codes: the result's code of each of the segment's, if texts come as codes.
  /// - Throws: `incompatibleDefinition` if the column's type cannot be widened to the feature's.
  init(_ column: SegmentColumn?, as type: DataType, codes: Buffer? = nil) throws(LarderError) {
    guard let column, column.nullCount < column.rows else {
      self.column = nil
      reading = .absent
      isPlain = false
      lanes = nil
      validity = nil
      distinct = nil
      self.codes = nil
      return
    }
    self.column = column
    reading = try GatherSource.reading(column, as: type)
    isPlain = column.lanes.traits.isEmpty
    lanes = column.lanes
    validity = column.validity
    distinct = column.fixedDictionary
    self.codes = codes
  }

  private static func reading(
    _ column: SegmentColumn, as type: DataType
  ) throws(LarderError) -> LaneReading {
    if column.encoding == .dictionary || column.encoding == .plain || column.encoding == .blocks
      || column.encoding == .list
    {
      guard column.type == type else { throw mismatch(column, type) }
      return column.encoding == .dictionary ? .code : .lane
    }
    let isDistinct = column.encoding == .fixedDictionary
    let isPlain = column.lanes.traits.isEmpty
    switch (column.type, type) {
    case (.float32, .float64): return isDistinct ? .distinctToDouble : .floatToDouble
    case (.int32, .float64): return isDistinct ? .distinctIntegerToDouble : .integerToDouble
    case (.int32, .int64): return isDistinct ? .distinct : isPlain ? .plain : .lane
    case _ where column.type != type: throw mismatch(column, type)
    case (.float64, _): return isDistinct ? .distinct : isPlain ? .plain : .double
    case (.float32, _): return isDistinct ? .distinct : isPlain ? .plain : .float
    default: return isDistinct ? .distinct : isPlain ? .plain : .lane
    }
  }

  private static func mismatch(_ column: SegmentColumn, _ type: DataType) -> LarderError {
    LarderError(
      .incompatibleDefinition,
      "A segment holds \(column.type), which cannot be read as \(type).")
  }

  /// The 64 bits of the value in a slot; for narrower types, in the low bits.
  @inline(__always) func bits(_ slot: Int) -> UInt64 {
    guard let lanes else { return 0 }
    switch reading {
    case .absent: return 0
    case .plain: return unsafe UInt64(bitPattern: lanes.plainLane(at: slot))
    case .lane, .code: return unsafe UInt64(bitPattern: lanes.lane(at: slot))
    case .double: return unsafe lanes.double(at: slot).bitPattern
    case .float: return unsafe UInt64(lanes.float(at: slot).bitPattern)
    case .floatToDouble: return unsafe Double(lanes.float(at: slot)).bitPattern
    case .integerToDouble: return unsafe Double(lanes.lane(at: slot)).bitPattern
    case .distinct, .distinctToDouble, .distinctIntegerToDouble: return distinctBits(slot)
    }
  }

  private func distinctBits(_ slot: Int) -> UInt64 {
    guard let lanes, let distinct else { return 0 }
    let bits = unsafe distinct.bits(of: Int(lanes.lane(at: slot)))
    switch reading {
    case .distinctToDouble:
      return Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))).bitPattern
    case .distinctIntegerToDouble: return Double(Int64(bitPattern: bits)).bitPattern
    default: return bits
    }
  }
}

/// The sources of one feature, by the ordinals of the view's segments; read by all workers.
@safe final class GatherSources: @unchecked Sendable {
  /// How many segments there are.
  let count: Int
  /// The one way in which all segments' values are read; nil if they differ.
  let uniform: LaneReading?
  /// Whether any segment has nulls, or lacks the column.
  let mayBeNull: Bool
  private let base: UnsafeMutablePointer<GatherSource>

  init(_ sources: [GatherSource]) {
    count = sources.count
    let readings = Set(sources.map(\.reading))
    uniform = readings.count == 1 ? readings.first : nil
    mayBeNull = sources.contains { $0.validity.map { $0.mode != .none } ?? true }
    unsafe base = UnsafeMutablePointer<GatherSource>.allocate(capacity: max(1, sources.count))
    for (ordinal, source) in sources.enumerated() {
      unsafe (base + ordinal).initialize(to: source)
    }
  }

  deinit {
    unsafe base.deinitialize(count: count)
    unsafe base.deallocate()
  }

  /// The source of a segment's ordinal.
  subscript(ordinal: Int) -> GatherSource {
    @inline(__always) unsafeAddress {
      assert(ordinal >= 0 && ordinal < count)
      return unsafe UnsafePointer(base + ordinal)
    }
  }
}
