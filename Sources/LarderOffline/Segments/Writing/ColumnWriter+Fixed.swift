import CLarderKernels
import Glibc
import LarderColumns
import LarderEncodings

extension ColumnWriter {
  /// Writes bools, integers, dates, times and floats.
  mutating func writeFixed() throws(LarderError) {
    if let dictionary = fixedDictionary() {
      try writeFixedDictionary(dictionary)
      return
    }
    let isFloat = record.type == .float64 || record.type == .float32
    let floats = FloatEncoder(isSingle: record.type == .float32)
    var stream = LaneStreamWriter(
      sink, column: record,
      options: LaneOptions(
        allowsDelta: record.role != .eventTime, deltaSaving: options.profile == .cold ? 3 : 50),
      settings: options)
    let scratch = Buffer(uninitializedBytes: min(slots.count, Limits.pageRows) * 8)
    let lanes = unsafe scratch.base.assumingMemoryBound(to: Int64.self)
    var slot = 0
    while slot < slots.count {
      let range = slot..<min(slots.count, slot + Limits.pageRows)
      unsafe fillValues(range, lanes)
      if slots.mode == .bitmap { unsafe fillNulls(range, lanes) }
      var record = PageRecord()
      unsafe survey(range, lanes, &record)
      var page = unsafe LanePage(lanes: lanes, count: range.count)
      let restarts = restartWords(range)
      if let restarts {
        unsafe page.restarts = UnsafePointer(restarts.base.assumingMemoryBound(to: UInt64.self))
      }
      if isFloat {
        let exponent = unsafe floats.exponent(lanes, range.count)
        unsafe page.content = .floats(floats, exponent: exponent)
      } else if record.least <= record.greatest {
        unsafe subtractReference(range, lanes)
        record.scale = unsafe CommonDivisor.find(lanes, range.count)
        if record.scale != 1 {
          for index in 0..<range.count { unsafe lanes[index] /= record.scale }
        }
      }
      unsafe try stream.append(page, record: record, isLast: range.upperBound == slots.count)
      withExtendedLifetime(restarts) {}
      slot = range.upperBound
    }
    try stream.finish(&record)
  }

  /// The bits of slots that start an entity's run; nil where entities are not known.
  private func restartWords(_ range: Range<Int>) -> Buffer? {
    guard let context else { return nil }
    let words = Buffer(zeroedBytes: (range.count / 64 + 2) * 8)
    let target = unsafe words.mutableValues(as: UInt64.self)
    if slots.mode != .sparse {
      let source = unsafe context.restarts.values(as: UInt64.self)
      for index in 0..<(range.count + 63) / 64 {
        unsafe target[index] = source[range.lowerBound >> 6 + index]
      }
      return words
    }
    let ids = unsafe context.ids.values(as: UInt32.self)
    for slot in range where slot > 0 {
      if unsafe ids[slots.row(ofSlot: slot)] != ids[slots.row(ofSlot: slot - 1)] {
        let index = slot - range.lowerBound
        unsafe target[index >> 6] |= 1 << UInt64(index & 63)
      }
    }
    return words
  }

  /// Gathers the values of slots: integers sign-extended, floats as bits, bools as 0 and 1.
  @unsafe func fillValues(_ range: Range<Int>, _ lanes: UnsafeMutablePointer<Int64>) {
    let isDense = slots.mode != .sparse
    switch column.type {
    case .bool:
      let bits = unsafe column.values.base
      for slot in range {
        let bit = column.offset + slots.row(ofSlot: slot)
        let byte = unsafe bits.load(fromByteOffset: bit >> 3, as: UInt8.self)
        unsafe lanes[slot - range.lowerBound] = Int64(byte >> (bit & 7) & 1)
      }
    case .int32, .date:
      let values = unsafe column.fixedValues(as: Int32.self)
      if isDense, let start = values.baseAddress {
        unsafe larder_widen(start + range.lowerBound, range.count, lanes)
        return
      }
      for slot in range {
        unsafe lanes[slot - range.lowerBound] = Int64(values[slots.row(ofSlot: slot)])
      }
    case .float32:
      let values = unsafe column.fixedValues(as: UInt32.self)
      for slot in range {
        unsafe lanes[slot - range.lowerBound] = Int64(values[slots.row(ofSlot: slot)])
      }
    default:
      let values = unsafe column.fixedValues(as: Int64.self)
      if isDense, let start = values.baseAddress {
        unsafe memcpy(lanes, start + range.lowerBound, range.count * 8)
        return
      }
      for slot in range {
        unsafe lanes[slot - range.lowerBound] = values[slots.row(ofSlot: slot)]
      }
    }
  }

  /// Gives the slots of nulls the value before them, so that they cost nothing.
  @unsafe private func fillNulls(_ range: Range<Int>, _ lanes: UnsafeMutablePointer<Int64>) {
    var before: Int64?
    var leading = 0
    for slot in range {
      let index = slot - range.lowerBound
      if slots.isValid(slot) {
        unsafe before = lanes[index]
        if leading > 0 {
          for earlier in (index - leading)..<index { unsafe lanes[earlier] = lanes[index] }
          leading = 0
        }
      } else if let before {
        unsafe lanes[index] = before
      } else {
        unsafe lanes[index] = 0
        leading += 1
      }
    }
  }

  /// The order-preserving image of a value as it lies in its lane.
  @inline(__always) static func image(_ value: Int64, _ type: DataType) -> UInt64 {
    switch type {
    case .float64: ZoneImage.ofDouble(UInt64(bitPattern: value))
    case .float32: ZoneImage.ofFloat(UInt32(truncatingIfNeeded: value))
    default: ZoneImage.of(value)
    }
  }

  /// Finds the page's least and greatest image and adds its values to the content hash.
  ///
  /// The slots of nulls hold a neighbour's value by now, so they do not move the bounds.
  @unsafe private mutating func survey(
    _ range: Range<Int>, _ lanes: UnsafeMutablePointer<Int64>, _ page: inout PageRecord
  ) {
    let kind: Int32 = column.type == .float64 ? 1 : column.type == .float32 ? 2 : 0
    var isEmpty = false
    if slots.mode == .bitmap { isEmpty = !range.contains { slots.isValid($0) } }
    if !isEmpty {
      var zone: [UInt64] = [0, 0]
      unsafe zone.withUnsafeMutableBufferPointer { zone in
        unsafe larder_zone(lanes, range.count, kind, zone.baseAddress)
      }
      page.least = zone[0]
      page.greatest = zone[1]
    }
    if slots.mode == .none, let context {
      let hashes = unsafe context.hashes.values(as: UInt64.self)
      var sums = [record.content.low, record.content.high]
      unsafe sums.withUnsafeMutableBufferPointer { sums in
        guard let start = hashes.baseAddress else { return }
        unsafe larder_content_hash(
          lanes, start + range.lowerBound, range.count, sums.baseAddress)
      }
      record.content = ContentHash(low: sums[0], high: sums[1])
      return
    }
    var content = record.content
    for slot in range {
      let row = slots.row(ofSlot: slot)
      guard slots.isValid(row) else { continue }
      content.add(UInt64(bitPattern: unsafe lanes[slot - range.lowerBound]), row: rowHash(row))
    }
    record.content = content
  }

  /// Turns values into differences from the column's reference.
  ///
  /// A null of a column with a reference gets the difference before it, not the value.
  @unsafe private func subtractReference(
    _ range: Range<Int>, _ lanes: UnsafeMutablePointer<Int64>
  ) {
    guard let reference else { return }
    let base = unsafe reference.values(as: Int64.self)
    let perFence = record.reference == .fence
    for slot in range {
      let row = slots.row(ofSlot: slot)
      let index = perFence ? row >> 6 : row
      let lane = unsafe lanes[slot - range.lowerBound] &- base[index]
      unsafe lanes[slot - range.lowerBound] = lane
    }
    if slots.mode == .bitmap { unsafe fillNulls(range, lanes) }
  }
}
