import LarderColumns
import LarderEncodings

extension ColumnWriter {
  /// Writes lists: offsets as lanes, elements as a column of their own.
  mutating func writeList() throws(LarderError) {
    record.encoding = .list
    guard let elements = column.sharedElements else {
      throw LarderError(.invalidArgument, "A list column has no elements.", column: record.name)
    }
    let offsets = unsafe column.offsets
    var starts: [Int64] = [0]
    starts.reserveCapacity(slots.count + 1)
    var pieces: [Range<Int>] = []
    for slot in 0..<slots.count {
      let row = slots.row(ofSlot: slot)
      var length: Int64 = 0
      if slots.isValid(row) {
        let range = unsafe Int(offsets[row])..<Int(offsets[row + 1])
        length = Int64(range.count)
        if let last = pieces.last, last.upperBound == range.lowerBound {
          pieces[pieces.count - 1] = last.lowerBound..<range.upperBound
        } else if !range.isEmpty {
          pieces.append(range)
        }
      }
      starts.append(starts[slot] + length)
    }
    guard starts[slots.count] <= Int64(Limits.columnBytes) else {
      throw LarderError(
        .limitExceeded, "A segment's list column holds at most \(Limits.columnBytes) elements.",
        column: record.name)
    }
    let child = pieces.count == 1 ? elements.slice(pieces[0]) : try elements.joined(pieces)
    var writer = ColumnWriter(
      child, role: .elements, fieldID: record.fieldID, sink: sink, context: nil, options: options)
    record.elements = [try writer.write()]
    hashLists(child, starts)
    unsafe try writeLanes(slots.count == 0 ? 0 : slots.count + 1) { _ in
      PageRecord()
    } fill: { range, lanes in
      for index in range { unsafe lanes[index - range.lowerBound] = starts[index] }
    }
  }

  /// Adds each list to the content hash: its elements' bits, one after the other.
  private mutating func hashLists(_ child: Column, _ starts: [Int64]) {
    let hashes = ElementHashes(child)
    for slot in 0..<slots.count {
      let row = slots.row(ofSlot: slot)
      guard slots.isValid(row) else { continue }
      let list = Int(starts[slot])..<Int(starts[slot + 1])
      record.content.add(hashes.bits(of: list), row: rowHash(row))
    }
  }
}

extension Column {
  /// Ranges of rows, one after the other, as one column.
  ///
  /// - Throws: `limitExceeded` if the bytes do not fit a column.
  func joined(_ ranges: [Range<Int>]) throws(LarderError) -> Column {
    var builder = ColumnBuilder(type)
    for range in ranges {
      for row in range { try builder.append(self[row]) }
    }
    return builder.finish()
  }
}
