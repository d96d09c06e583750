import Glibc
import LarderColumns
import LarderEncodings

extension SegmentColumn {
  /// The values of a run of rows, verified, in Arrow's layout.
  ///
  /// Texts by dictionary come as a dictionary column whose distinct values lie in the mapped file;
  /// `expanded()` gives every row its own bytes. Elements of lists never have a dictionary.
  ///
  /// - Parameters:
  ///   - range: rows of the segment.
  ///   - wanted: the type to widen to; the column's own if nil.
  /// - Throws: `corrupt`; `incompatibleDefinition` if the type cannot be widened so.
  /// - Complexity: O(rows).
  package func decode(
    rows range: Range<Int>, as wanted: DataType? = nil
  ) throws(LarderError) -> Column {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows)
    try ensureVerified(rows: range)
    let column: Column
    switch encoding {
    case .lanes, .fixedDictionary: column = decodeFixed(range)
    case .dictionary: column = decodeDictionary(range)
    case .plain, .blocks: column = try decodePlain(range)
    case .list: column = try decodeList(range)
    }
    guard let wanted else { return column }
    return try column.widened(to: wanted)
  }

  /// The validity bits of a run of rows from bit 0 on; nil if all are valid.
  func decodeValidity(_ range: Range<Int>) -> (bits: Buffer, nulls: Int)? {
    switch validity.mode {
    case .none: return nil
    case .allNull:
      return (Buffer(zeroedBytes: (range.count + 63) / 64 * 8), range.count)
    case .bitmap, .sparse: break
    }
    let words = (range.count + 63) / 64
    let bits = Buffer(uninitializedBytes: words * 8)
    let target = unsafe bits.base.assumingMemoryBound(to: UInt64.self)
    let shift = UInt64(range.lowerBound & 63)
    let lastWord = (rows - 1) >> 6
    var valid = 0
    for index in 0..<words {
      let word = range.lowerBound >> 6 + index
      var value = unsafe validity.words[word] >> shift
      if shift > 0, word < lastWord {
        unsafe value |= validity.words[word + 1] << (64 - shift)
      }
      if index + 1 == words, range.count & 63 != 0 {
        value &= 1 << UInt64(range.count & 63) &- 1
      }
      valid += value.nonzeroBitCount
      unsafe target[index] = value
    }
    return valid == range.count ? nil : (bits, range.count - valid)
  }

  /// Calls a closure for each row with its lane's place; rows without a lane are passed over.
  private func forEachLane(_ range: Range<Int>, _ body: (_ index: Int, _ lane: Int) -> Void) {
    switch validity.mode {
    case .none, .bitmap: for row in range { body(row - range.lowerBound, row) }
    case .allNull: break
    case .sparse:
      var lane = unsafe validity.rank(range.lowerBound)
      for row in range where unsafe validity.isValid(row) {
        body(row - range.lowerBound, lane)
        lane += 1
      }
    }
  }

  private func decodeFixed(_ range: Range<Int>) -> Column {
    let valid = decodeValidity(range)
    let needsZeros = validity.mode == .sparse || validity.mode == .allNull
    let values: Buffer
    switch type {
    case .bool:
      values = Buffer(zeroedBytes: (range.count + 63) / 64 * 8)
      let bits = unsafe values.base.assumingMemoryBound(to: UInt8.self)
      forEachLane(range) { index, lane in
        if unsafe lanes.lane(at: lane) & 1 == 1 {
          unsafe bits[index >> 3] |= 1 << UInt8(index & 7)
        }
      }
    case .int32, .date, .float32:
      values = Buffer(uninitializedBytes: range.count * 4)
      if needsZeros { unsafe memset(values.base, 0, range.count * 4) }
      let target = unsafe values.base.assumingMemoryBound(to: UInt32.self)
      forEachLane(range) { index, lane in
        unsafe target[index] = UInt32(truncatingIfNeeded: bits(lane))
      }
    default:
      values = Buffer(uninitializedBytes: range.count * 8)
      if needsZeros { unsafe memset(values.base, 0, range.count * 8) }
      let target = unsafe values.base.assumingMemoryBound(to: UInt64.self)
      forEachLane(range) { index, lane in unsafe target[index] = bits(lane) }
    }
    return Column(
      type: type, count: range.count, nullCount: valid?.nulls ?? 0, validity: valid?.bits,
      values: values)
  }

  /// The bits of a stored fixed-width value.
  @unsafe private func bits(_ lane: Int) -> UInt64 {
    if let fixedDictionary {
      return unsafe fixedDictionary.bits(of: Int(lanes.lane(at: lane)))
    }
    switch type {
    case .float64: return unsafe lanes.double(at: lane).bitPattern
    case .float32: return unsafe UInt64(lanes.float(at: lane).bitPattern)
    default: return unsafe UInt64(bitPattern: lanes.lane(at: lane))
    }
  }

  private func decodeDictionary(_ range: Range<Int>) -> Column {
    let valid = decodeValidity(range)
    let codes = Buffer(uninitializedBytes: range.count * 4)
    unsafe memset(codes.base, 0, range.count * 4)
    let target = unsafe codes.base.assumingMemoryBound(to: Int32.self)
    forEachLane(range) { index, lane in
      unsafe target[index] = Int32(truncatingIfNeeded: lanes.lane(at: lane))
    }
    return Column(
      type: type, count: range.count, nullCount: valid?.nulls ?? 0, validity: valid?.bits,
      values: codes, child: dictionaryColumn, isDictionary: true)
  }

  /// The distinct texts or bytes as a column over the mapped file; nil for other encodings.
  package var dictionaryColumn: Column? {
    guard let dictionary else { return nil }
    let map = source.map
    let offsets = unsafe Buffer(
      borrowing: UnsafeMutableRawPointer(mutating: UnsafeRawPointer(dictionary.offsets)),
      count: (dictionary.count + 1) * 4
    ) { withExtendedLifetime(map) {} }
    let bytes = unsafe Buffer(
      borrowing: UnsafeMutableRawPointer(mutating: dictionary.bytes),
      count: Int(dictionary.offsets[dictionary.count])
    ) { withExtendedLifetime(map) {} }
    return Column(
      type: type, count: dictionary.count, nullCount: 0, validity: nil, values: offsets,
      bytes: bytes)
  }

  private func decodePlain(_ range: Range<Int>) throws(LarderError) -> Column {
    let valid = decodeValidity(range)
    let offsets = Buffer(uninitializedBytes: (range.count + 1) * 4)
    let target = unsafe offsets.base.assumingMemoryBound(to: Int32.self)
    let slots = slots(of: range)
    let start = unsafe slots.isEmpty ? 0 : lanes.lane(at: slots.lowerBound)
    let end = unsafe slots.isEmpty ? 0 : lanes.lane(at: slots.upperBound)
    guard end - start <= Int64(Limits.columnBytes) else {
      throw LarderError(
        .limitExceeded, "\(end - start) bytes of values do not fit one batch; ask for fewer rows.",
        file: source.path, column: record.name)
    }
    unsafe fillOffsets(range, slots, target)
    let bytes = Buffer(uninitializedBytes: Int(end - start))
    if let plainBytes = unsafe plainBytes {
      unsafe memcpy(bytes.base, plainBytes + Int(start), Int(end - start))
    }
    return Column(
      type: type, count: range.count, nullCount: valid?.nulls ?? 0, validity: valid?.bits,
      values: offsets, bytes: bytes)
  }

  private func decodeList(_ range: Range<Int>) throws(LarderError) -> Column {
    let valid = decodeValidity(range)
    let offsets = Buffer(uninitializedBytes: (range.count + 1) * 4)
    let slots = slots(of: range)
    unsafe fillOffsets(range, slots, offsets.base.assumingMemoryBound(to: Int32.self))
    let start = unsafe slots.isEmpty ? 0 : Int(lanes.lane(at: slots.lowerBound))
    let end = unsafe slots.isEmpty ? 0 : Int(lanes.lane(at: slots.upperBound))
    guard let elements else {
      throw LarderError(.corrupt, "The list's elements are missing.", file: source.path)
    }
    return Column(
      type: type, count: range.count, nullCount: valid?.nulls ?? 0, validity: valid?.bits,
      values: offsets, child: try elements.decode(rows: start..<end).expanded())
  }

  /// Where the stored values of rows lie.
  private func slots(of range: Range<Int>) -> Range<Int> {
    switch validity.mode {
    case .none, .bitmap: return range
    case .allNull: return 0..<0
    case .sparse:
      let first = unsafe validity.rank(range.lowerBound)
      let end = range.upperBound == rows ? rows - nullCount : unsafe validity.rank(range.upperBound)
      return first..<end
    }
  }

  /// Fills offsets from 0 on; rows without a lane are empty.
  @unsafe private func fillOffsets(
    _ range: Range<Int>, _ slots: Range<Int>, _ target: UnsafeMutablePointer<Int32>
  ) {
    unsafe target[0] = 0
    if slots.isEmpty {
      for index in 0..<range.count { unsafe target[index + 1] = 0 }
      return
    }
    let start = unsafe lanes.lane(at: slots.lowerBound)
    var slot = slots.lowerBound
    for row in range {
      let index = row - range.lowerBound
      if unsafe validity.mode != .sparse || validity.isValid(row) {
        slot += 1
        unsafe target[index + 1] = Int32(truncatingIfNeeded: lanes.lane(at: slot) &- start)
      } else {
        unsafe target[index + 1] = target[index]
      }
    }
  }
}
