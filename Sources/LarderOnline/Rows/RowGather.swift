import Glibc
import LarderColumns
import LarderContract

/// What the rows of an answer have in common.
struct FoundRows {
  /// Whether some key has no values to give.
  var hasGaps = false
  /// The schema of the last row; -1 if there is none.
  var schema = -1
  /// Whether rows have different schemas.
  var isMixed = false
  /// Bytes of the fixed part under that schema.
  var fixedBytes = 0
  /// Bytes of every key's tail; 0 if they vary.
  var keyBytes = 0
  /// Which of the first 64 features of the schema have a value in every row.
  var valid = UInt64.max
  /// Whether in some row features of history's are past the time to live, under a direct write that
  /// is not.
  var hasSilence = false
}

/// Copies features of found rows into columns in Arrow's layout.
@safe struct RowGather {
  /// The record of each answer; nil where there is nothing to give.
  let records: UnsafePointer<UnsafeRawPointer?>
  let count: Int
  let rows: FoundRows
  /// By schema id.
  let projections: [RowProjection?]
  /// A byte per answer: set where a feature has a value.
  let hasValue: UnsafeMutablePointer<UInt8>
  /// What is past the time to live.
  let expiry: Expiry

  /// Bytes of a column of fixed width in the shared memory of an answer.
  static func stride(_ count: Int) -> Int { (count * 8 + 63) & ~63 }

  /// The columns of the features wanted.
  ///
  /// Columns of fixed width without nulls lie one after the other in one piece of memory.
  ///
  /// - Parameter arena: a stride for other things, then one for each feature.
  /// - Returns: the columns, and whether some feature has a value in every row, so that no row is
  ///   null altogether; if not, `hasValue` is filled.
  /// - Throws: `corrupt` for a row whose values lie outside of it; `limitExceeded` for 2 GiB of
  ///   text in one column.
  func columns(
    _ types: [DataType], arena: Buffer
  ) throws(LarderError) -> (columns: [Column], isFull: Bool) {
    var columns: [Column] = []
    columns.reserveCapacity(types.count)
    guard let projection = commonProjection else {
      unsafe memset(hasValue, 0, count)
      for (feature, type) in types.enumerated() { columns.append(try column(feature, type)) }
      return (columns, false)
    }
    var isFull = false
    for feature in types.indices where plainOffset(feature, types[feature], projection) != nil {
      isFull = true
      break
    }
    if !isFull { unsafe memset(hasValue, 0, count) }
    let stride = RowGather.stride(count)
    for (feature, type) in types.enumerated() {
      guard let offset = plainOffset(feature, type, projection) else {
        columns.append(try column(feature, type))
        continue
      }
      let start = stride * (feature + 1)
      let width = type.rowWidth
      if width == 8 {
        unsafe copy(
          offset, UInt64.self, to: (arena.base + start).assumingMemoryBound(to: UInt64.self))
      } else {
        unsafe copy(
          offset, UInt32.self, to: (arena.base + start).assumingMemoryBound(to: UInt32.self))
      }
      columns.append(
        Column(
          type: type, count: count, nullCount: 0, validity: nil, offset: start / width,
          values: arena))
    }
    return (columns, isFull)
  }

  /// Where the features lie, if every key has a row and all are of one schema.
  private var commonProjection: RowProjection? {
    guard !rows.hasGaps, !rows.isMixed, !rows.hasSilence, rows.schema >= 0, count > 0 else {
      return nil
    }
    return projections[rows.schema]
  }

  /// The offset of a feature that every row has in the same place and as it is wanted; nil if
  /// rows must be looked at one by one.
  @inline(__always) private func plainOffset(
    _ feature: Int, _ type: DataType, _ projection: RowProjection
  ) -> Int? {
    guard case .fixed = type.layout else { return nil }
    let position = projection.positions[feature]
    guard position >= 0, position < 64, rows.valid &>> UInt64(position) & 1 == 1,
      projection.conversions[feature] == .none
    else { return nil }
    return projection.offsets[feature]
  }

  /// Copies one feature of all rows, none of which is missing.
  @inline(__always) private func copy<T: BitwiseCopyable>(
    _ offset: Int, _ type: T.Type, to target: UnsafeMutablePointer<T>
  ) {
    if rows.keyBytes > 0 {
      // All keys have one width, so the features begin at one place.
      let offset = Record.featuresOffset(keyBytes: rows.keyBytes) &+ offset
      for row in 0..<count {
        guard let base = unsafe records[row] else { continue }
        unsafe target[row] = base.loadUnaligned(fromByteOffset: offset, as: type)
      }
      return
    }
    for row in 0..<count {
      guard let base = unsafe records[row] else { continue }
      let record = unsafe Record(base: base)
      unsafe target[row] = record.load(record.featuresOffset &+ offset, as: type)
    }
  }

  private func column(_ feature: Int, _ type: DataType) throws(LarderError) -> Column {
    switch type.layout {
    case .fixed(8): fixed64(feature, type)
    case .fixed: fixed32(feature, type)
    case .bits: bits(feature, type)
    case .variable: try variable(feature, type)
    case .list: try lists(feature, type)
    }
  }

  /// Where a row has a feature: the record and the offset from its start; nil for null.
  @inline(__always) private func place(_ row: Int, _ feature: Int) -> (Record, Int)? {
    guard let base = unsafe records[row] else { return nil }
    let record = unsafe Record(base: base)
    guard let projection = projections[record.schema] else { return nil }
    let position = projection.positions[feature]
    guard position >= 0, record.isValid(position) else { return nil }
    if rows.hasSilence,
      record.isSilent(position, fixedBytes: projection.fixedBytes, expiry)
    {
      return nil
    }
    let offset = record.featuresOffset &+ projection.offsets[feature]
    if projection.conversions[feature] == .narrowInteger,
      Int32(exactly: record.load(offset, as: Int64.self)) == nil
    {
      return nil
    }
    unsafe hasValue[row] = 1
    return (record, offset)
  }

  private func fixed64(_ feature: Int, _ type: DataType) -> Column {
    let values = Buffer(uninitializedBytes: count * 8)
    let out = unsafe values.base.assumingMemoryBound(to: UInt64.self)
    var nulls = NullMarks(count: count)
    for row in 0..<count {
      guard let (record, offset) = place(row, feature) else {
        unsafe out[row] = 0
        nulls.set(row)
        continue
      }
      switch projections[record.schema]?.conversions[feature] ?? .none {
      case .none, .narrowInteger, .narrowFloat:
        unsafe out[row] = record.load(offset, as: UInt64.self)
      case .widenInteger:
        unsafe out[row] = UInt64(bitPattern: Int64(record.load(offset, as: Int32.self)))
      case .widenFloat:
        unsafe out[row] = Double(record.load(offset, as: Float.self)).bitPattern
      }
    }
    return Column(
      type: type, count: count, nullCount: nulls.nullCount, validity: nulls.buffer, values: values)
  }

  private func fixed32(_ feature: Int, _ type: DataType) -> Column {
    let values = Buffer(uninitializedBytes: count * 4)
    let out = unsafe values.base.assumingMemoryBound(to: UInt32.self)
    var nulls = NullMarks(count: count)
    for row in 0..<count {
      guard let (record, offset) = place(row, feature) else {
        unsafe out[row] = 0
        nulls.set(row)
        continue
      }
      switch projections[record.schema]?.conversions[feature] ?? .none {
      case .none, .widenInteger, .widenFloat:
        unsafe out[row] = record.load(offset, as: UInt32.self)
      case .narrowInteger:
        unsafe out[row] = UInt32(truncatingIfNeeded: record.load(offset, as: Int64.self))
      case .narrowFloat:
        unsafe out[row] = Float(record.load(offset, as: Double.self)).bitPattern
      }
    }
    return Column(
      type: type, count: count, nullCount: nulls.nullCount, validity: nulls.buffer, values: values)
  }

  private func bits(_ feature: Int, _ type: DataType) -> Column {
    let values = Buffer(zeroedBytes: (count + 7) / 8)
    let out = unsafe values.base.assumingMemoryBound(to: UInt8.self)
    var nulls = NullMarks(count: count)
    for row in 0..<count {
      if let (record, offset) = place(row, feature) {
        let bit = record.load(offset, as: UInt8.self) & 1
        unsafe out[row >> 3] |= bit << UInt8(truncatingIfNeeded: row & 7)
      } else {
        nulls.set(row)
      }
    }
    return Column(
      type: type, count: count, nullCount: nulls.nullCount, validity: nulls.buffer, values: values)
  }

  /// The bytes that a row has for a feature; nil for null.
  private func bytes(
    _ row: Int, _ feature: Int
  ) throws(LarderError) -> UnsafeRawBufferPointer? {
    guard let (record, offset) = place(row, feature) else { return nil }
    guard let value = unsafe record.referenced(at: offset &- record.featuresOffset) else {
      throw ListCodec.damaged
    }
    return unsafe value
  }

  private func variable(_ feature: Int, _ type: DataType) throws(LarderError) -> Column {
    let values = Buffer(uninitializedBytes: (count + 1) * 4)
    let offsets = unsafe values.base.assumingMemoryBound(to: Int32.self)
    var nulls = NullMarks(count: count)
    var total = 0
    for row in 0..<count {
      unsafe offsets[row] = Int32(truncatingIfNeeded: total)
      guard let value = unsafe try bytes(row, feature) else {
        nulls.set(row)
        continue
      }
      total += value.count
      guard total <= Limits.columnBytes else {
        throw LarderError(
          .limitExceeded,
          "A column of one batch holds at most \(Limits.columnBytes) bytes; read "
            + "fewer keys at a time.", row: row)
      }
    }
    unsafe offsets[count] = Int32(truncatingIfNeeded: total)
    let text = Buffer(uninitializedBytes: total)
    for row in 0..<count {
      guard let value = unsafe try bytes(row, feature), let start = value.baseAddress else {
        continue
      }
      unsafe memcpy(text.base + Int(offsets[row]), start, value.count)
    }
    return Column(
      type: type, count: count, nullCount: nulls.nullCount, validity: nulls.buffer, values: values,
      bytes: text)
  }

  private func lists(_ feature: Int, _ type: DataType) throws(LarderError) -> Column {
    let values = Buffer(uninitializedBytes: (count + 1) * 4)
    let offsets = unsafe values.base.assumingMemoryBound(to: Int32.self)
    var nulls = NullMarks(count: count)
    var elements = ColumnBuilder(type.element ?? .bytes)
    for row in 0..<count {
      unsafe offsets[row] = Int32(truncatingIfNeeded: elements.count)
      guard let value = unsafe try bytes(row, feature) else {
        nulls.set(row)
        continue
      }
      _ = unsafe try ListCodec.decode(value, into: &elements)
      guard elements.count <= Limits.columnBytes else {
        throw LarderError(.limitExceeded, "The lists of one batch have 2^31 elements.", row: row)
      }
    }
    unsafe offsets[count] = Int32(truncatingIfNeeded: elements.count)
    return Column(
      type: type, count: count, nullCount: nulls.nullCount, validity: nulls.buffer, values: values,
      child: elements.finish())
  }
}

/// Collects the nulls of a column; has no buffer until the first.
struct NullMarks {
  let count: Int
  private(set) var buffer: Buffer?
  private(set) var nullCount = 0

  init(count: Int) { self.count = count }

  /// Marks a row; each at most once.
  mutating func set(_ row: Int) {
    let marks: Buffer
    if let buffer {
      marks = buffer
    } else {
      marks = Buffer(uninitializedBytes: (count + 7) / 8)
      unsafe memset(marks.base, 0xFF, marks.count)
      buffer = marks
    }
    nullCount += 1
    let bytes = unsafe marks.base.assumingMemoryBound(to: UInt8.self)
    unsafe bytes[row >> 3] &= ~(1 << UInt8(truncatingIfNeeded: row & 7))
  }
}
