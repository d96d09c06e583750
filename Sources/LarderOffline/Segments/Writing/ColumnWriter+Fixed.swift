import LarderColumns
import LarderEncodings

extension ColumnWriter {
  /// Writes bools, integers, dates, times and floats.
  mutating func writeFixed() throws(LarderError) {
    var stream = LaneStreamWriter(sink, key: record.key, profile: options.profile)
    let scratch = Buffer(uninitializedBytes: min(slots.count, Limits.pageRows) * 8)
    let lanes = unsafe scratch.base.assumingMemoryBound(to: Int64.self)
    var slot = 0
    while slot < slots.count {
      let range = slot..<min(slots.count, slot + Limits.pageRows)
      unsafe fillValues(range, lanes)
      if slots.mode == .bitmap { unsafe fillNulls(range, lanes) }
      var page = PageRecord()
      unsafe survey(range, lanes, &page)
      unsafe subtractReference(range, lanes)
      unsafe try stream.append(
        LanePage(lanes: lanes, count: range.count), record: page,
        isLast: range.upperBound == slots.count)
      slot = range.upperBound
    }
    try stream.finish(&record)
  }

  /// Gathers the values of slots: integers sign-extended, floats as bits, bools as 0 and 1.
  @unsafe private func fillValues(_ range: Range<Int>, _ lanes: UnsafeMutablePointer<Int64>) {
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

  /// Finds the page's least and greatest image and adds its values to the content hash.
  @unsafe private mutating func survey(
    _ range: Range<Int>, _ lanes: UnsafeMutablePointer<Int64>, _ page: inout PageRecord
  ) {
    for slot in range {
      let row = slots.row(ofSlot: slot)
      guard slots.isValid(row) else { continue }
      let value = unsafe lanes[slot - range.lowerBound]
      let image =
        switch column.type {
        case .float64: ZoneImage.ofDouble(UInt64(bitPattern: value))
        case .float32: ZoneImage.ofFloat(UInt32(truncatingIfNeeded: value))
        default: ZoneImage.of(value)
        }
      page.least = min(page.least, image)
      page.greatest = max(page.greatest, image)
      record.content.add(UInt64(bitPattern: value), row: rowHash(row))
    }
  }

  /// Turns values into differences from the column's reference.
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
  }
}
