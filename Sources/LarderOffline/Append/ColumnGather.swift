import Glibc
import LarderColumns

extension Column {
  /// The values of some rows, in their order.
  ///
  /// - Parameters:
  ///   - rows: rows of the column; each may occur any number of times.
  ///   - scratch: where large results take their memory from.
  ///   - limit: bytes, or elements of lists, of the result at most; lower only in tests.
  /// - Throws: `limitExceeded` if the result has more.
  /// - Complexity: O(rows), and O(bytes) for variable widths.
  func gathered(
    _ rows: UnsafeBufferPointer<UInt32>, in scratch: ScratchMemory,
    limit: Int = Limits.columnBytes
  ) throws(LarderError) -> Column {
    let (validity, nulls) = unsafe gatheredValidity(rows)
    if isDictionary {
      let indexes = scratch.take(rows.count * 4)
      unsafe gather(fixedValues(as: UInt32.self), rows, indexes.mutableValues(as: UInt32.self))
      return Column(
        type: type, count: rows.count, nullCount: nulls, validity: validity, values: indexes,
        child: dictionary, isDictionary: true)
    }
    switch type.layout {
    case .bits:
      let target = Buffer(zeroedBytes: (rows.count + 7) / 8)
      unsafe gatherBits(values.base, offset, rows, target.base)
      return Column(
        type: type, count: rows.count, nullCount: nulls, validity: validity, values: target)
    case .fixed(bytes: 4):
      let target = scratch.take(rows.count * 4)
      unsafe gather(fixedValues(as: UInt32.self), rows, target.mutableValues(as: UInt32.self))
      return Column(
        type: type, count: rows.count, nullCount: nulls, validity: validity, values: target)
    case .fixed:
      let target = scratch.take(rows.count * 8)
      unsafe gather(fixedValues(as: UInt64.self), rows, target.mutableValues(as: UInt64.self))
      return Column(
        type: type, count: rows.count, nullCount: nulls, validity: validity, values: target)
    case .variable:
      let (ends, total) = unsafe try gatheredEnds(rows, scratch, limit)
      return Column(
        type: type, count: rows.count, nullCount: nulls, validity: validity, values: ends,
        bytes: unsafe gatheredBytes(rows, ends, total, scratch))
    case .list:
      let (ends, total) = unsafe try gatheredEnds(rows, scratch, limit)
      return Column(
        type: type, count: rows.count, nullCount: nulls, validity: validity, values: ends,
        child: unsafe try gatheredElements(rows, total, scratch, limit))
    }
  }

  private func gatheredValidity(
    _ rows: UnsafeBufferPointer<UInt32>
  ) -> (Buffer?, Int) {
    guard let validity else { return (nil, 0) }
    let target = Buffer(zeroedBytes: (rows.count + 63) / 64 * 8)
    unsafe gatherBits(validity.base, offset, rows, target.base)
    let valid = unsafe countBits(target.bytes)
    return valid == rows.count ? (nil, 0) : (target, rows.count - valid)
  }

  /// Where each picked value of a variable width ends, and where the last one does.
  private func gatheredEnds(
    _ rows: UnsafeBufferPointer<UInt32>, _ scratch: ScratchMemory, _ limit: Int
  ) throws(LarderError) -> (ends: Buffer, total: Int) {
    let source = unsafe offsets
    let ends = scratch.take((rows.count + 1) * 4)
    let target = unsafe ends.mutableValues(as: Int32.self)
    var total = 0
    unsafe target[0] = 0
    for index in 0..<rows.count {
      let row = unsafe Int(rows[index])
      unsafe total += Int(source[row + 1] &- source[row])
      unsafe target[index + 1] = Int32(truncatingIfNeeded: total)
    }
    guard total <= limit else {
      throw LarderError(
        .limitExceeded, "The values of one column of one segment take more than \(limit) bytes.")
    }
    return (ends, total)
  }

  private func gatheredBytes(
    _ rows: UnsafeBufferPointer<UInt32>, _ ends: Buffer, _ total: Int, _ scratch: ScratchMemory
  ) -> Buffer {
    let content = scratch.take(total)
    guard let bytes else { return content }
    let source = unsafe offsets
    let target = unsafe ends.mutableValues(as: Int32.self)
    for index in 0..<rows.count {
      let row = unsafe Int(rows[index])
      let length = unsafe Int(source[row + 1] &- source[row])
      if length > 0 {
        unsafe memcpy(content.base + Int(target[index]), bytes.base + Int(source[row]), length)
      }
    }
    return content
  }

  private func gatheredElements(
    _ rows: UnsafeBufferPointer<UInt32>, _ total: Int, _ scratch: ScratchMemory, _ limit: Int
  ) throws(LarderError) -> Column? {
    let source = unsafe offsets
    let picks = scratch.take(total * 4)
    let pick = unsafe picks.mutableValues(as: UInt32.self)
    var next = 0
    for index in 0..<rows.count {
      let row = unsafe Int(rows[index])
      var element = unsafe Int(source[row])
      let end = unsafe Int(source[row + 1])
      while element < end {
        unsafe pick[next] = UInt32(truncatingIfNeeded: element)
        next += 1
        element += 1
      }
    }
    return unsafe try elements?.gathered(UnsafeBufferPointer(pick), in: scratch, limit: limit)
  }
}

private func gather<T: BitwiseCopyable>(
  _ source: UnsafeBufferPointer<T>, _ rows: UnsafeBufferPointer<UInt32>,
  _ target: UnsafeMutableBufferPointer<T>
) {
  for index in 0..<rows.count {
    unsafe target[index] = source[Int(rows[index])]
  }
}

private func gatherBits(
  _ source: UnsafeMutableRawPointer, _ offset: Int, _ rows: UnsafeBufferPointer<UInt32>,
  _ target: UnsafeMutableRawPointer
) {
  let from = unsafe source.assumingMemoryBound(to: UInt8.self)
  let to = unsafe target.assumingMemoryBound(to: UInt8.self)
  for index in 0..<rows.count {
    let bit = unsafe offset + Int(rows[index])
    let value = unsafe from[bit >> 3] >> UInt8(truncatingIfNeeded: bit & 7) & 1
    unsafe to[index >> 3] |= value << UInt8(truncatingIfNeeded: index & 7)
  }
}

private func countBits(_ bytes: UnsafeRawBufferPointer) -> Int {
  var count = 0
  var index = 0
  while index + 8 <= bytes.count {
    unsafe count += bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self).nonzeroBitCount
    index += 8
  }
  while index < bytes.count {
    unsafe count += bytes[index].nonzeroBitCount
    index += 1
  }
  return count
}
