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
    case .plain: column = try decodePlain(range)
    case .symbols: column = try decodeSymbols(range)
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

  private func decodeFixed(_ range: Range<Int>) -> Column {
    let valid = decodeValidity(range)
    let values: Buffer
    if type == .bool {
      values = Buffer(zeroedBytes: (range.count + 63) / 64 * 8)
      let bits = unsafe values.base.assumingMemoryBound(to: UInt8.self)
      if validity.mode == .sparse {
        for row in range where unsafe validity.isValid(row) {
          let index = row - range.lowerBound
          let bit = unsafe UInt8(truncatingIfNeeded: lanes.lane(at: validity.rank(row)) & 1)
          unsafe bits[index >> 3] |= bit << UInt8(index & 7)
        }
      } else if validity.mode != .allNull {
        unsafe decodeBits(lanes: range, into: bits)
      }
    } else {
      values = decodeSlots(range)
    }
    return Column(
      type: type, count: range.count, nullCount: valid?.nulls ?? 0, validity: valid?.bits,
      values: values)
  }

  private func decodeDictionary(_ range: Range<Int>) -> Column {
    let valid = decodeValidity(range)
    return Column(
      type: type, count: range.count, nullCount: valid?.nulls ?? 0, validity: valid?.bits,
      values: decodeSlots(range), child: dictionaryColumn, isDictionary: true)
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

  private func decodeSymbols(_ range: Range<Int>) throws(LarderError) -> Column {
    let valid = decodeValidity(range)
    let offsets = Buffer(uninitializedBytes: (range.count + 1) * 4)
    let target = unsafe offsets.base.assumingMemoryBound(to: UInt32.self)
    let slots = slots(of: range)
    let starts = Buffer(uninitializedBytes: (slots.count + 1) * 8)
    let coded = unsafe starts.base.assumingMemoryBound(to: Int64.self)
    unsafe fillStarts(slots, coded)
    unsafe target[0] = 0
    guard let symbols, let source = unsafe plainBytes, !slots.isEmpty else {
      unsafe memset(offsets.base, 0, (range.count + 1) * 4)
      return Column(
        type: type, count: range.count, nullCount: valid?.nulls ?? 0, validity: valid?.bits,
        values: offsets, bytes: Buffer(uninitializedBytes: 0))
    }
    var total = 0
    var slot = 0
    for row in range {
      let index = row - range.lowerBound
      if unsafe validity.mode != .sparse || validity.isValid(row) {
        let codes = unsafe UnsafeRawBufferPointer(
          start: source + Int(coded[slot]), count: Int(coded[slot + 1] - coded[slot]))
        unsafe total += symbols.length(of: codes)
        slot += 1
      }
      guard total <= Limits.columnBytes else {
        throw LarderError(
          .limitExceeded, "The values do not fit one batch; ask for fewer rows.",
          file: self.source.path, column: record.name)
      }
      unsafe target[index + 1] = UInt32(truncatingIfNeeded: total)
    }
    let bytes = Buffer(uninitializedBytes: total)
    let all = unsafe UnsafeRawBufferPointer(
      start: source + Int(coded[0]), count: Int(coded[slots.count] - coded[0]))
    unsafe symbols.decode(all, into: bytes.base, count: total)
    return Column(
      type: type, count: range.count, nullCount: valid?.nulls ?? 0, validity: valid?.bits,
      values: offsets, bytes: bytes)
  }

  /// The offsets of slots, and the end of the last.
  @unsafe private func fillStarts(_ slots: Range<Int>, _ target: UnsafeMutablePointer<Int64>) {
    if slots.isEmpty { return }
    for slot in slots.lowerBound...slots.upperBound {
      unsafe target[slot - slots.lowerBound] = lanes.lane(at: slot)
    }
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
