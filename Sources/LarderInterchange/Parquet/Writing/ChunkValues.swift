import LarderColumns

/// The values of one column of one row group as Parquet stores them: levels, and values that are
/// not null one after the other.
struct ChunkValues {
  /// One for each slot: a row, or for lists an element or an empty list.
  var definitions: [UInt8] = []
  /// Of lists: 0 where a row starts.
  var repetitions: [UInt8] = []
  /// The slot at which each row starts; of lists only.
  var rowStarts: [Int] = []
  /// Values of 4 or 8 bytes, or one byte for a bool.
  var fixed = GrowingBuffer()
  /// Byte arrays: where each ends, and their bytes.
  var ends: [Int] = []
  var bytes = GrowingBuffer()
  /// How many values are not null.
  var present = 0
  /// How many slots are null (of lists: that hold no element value).
  var nullCount: Int { definitions.count - present }

  /// Appends the rows of a column.
  ///
  /// - Throws: `invalidInput` for a time that milliseconds cannot hold.
  mutating func append(_ column: Column) throws(LarderError) {
    guard column.type.element != nil, let elements = column.sharedElements else {
      for row in 0..<column.count { definitions.append(column.isValid(row) ? 1 : 0) }
      try appendPresent(column, 0..<column.count)
      return
    }
    let offsets = unsafe Array(column.offsets)
    for row in 0..<column.count {
      rowStarts.append(definitions.count)
      let range = Int(offsets[row])..<Int(offsets[row + 1])
      guard column.isValid(row), !range.isEmpty else {
        repetitions.append(0)
        definitions.append(column.isValid(row) ? 1 : 0)
        continue
      }
      for element in range {
        repetitions.append(element == range.lowerBound ? 0 : 1)
        definitions.append(elements.isValid(element) ? 3 : 2)
      }
      try appendPresent(elements, range)
    }
  }

  private mutating func appendPresent(
    _ column: Column, _ rows: Range<Int>
  ) throws(LarderError) {
    if column.isDictionary, column.type.layout != .variable {
      // Rare: numbers behind a dictionary.
      guard let values = column.dictionary else { return }
      for row in rows where column.isValid(row) {
        let index = unsafe Int(column.fixedValues(as: Int32.self)[row])
        try appendPresent(values, index..<(index + 1))
      }
      return
    }
    switch column.type.layout {
    case .bits:
      fixed.reserve(rows.count)
      for row in rows where column.isValid(row) {
        let value: UInt8 = column[row] == .bool(true) ? 1 : 0
        unsafe fixed.base.storeBytes(of: value, toByteOffset: fixed.used, as: UInt8.self)
        fixed.used += 1
        present += 1
      }
    case .fixed(bytes: 4): unsafe appendWords(column, column.fixedValues(as: UInt32.self), rows)
    case .fixed:
      if column.type == .timestamp(.seconds) {
        try appendSeconds(column, rows)
      } else {
        unsafe appendWords(column, column.fixedValues(as: UInt64.self), rows)
      }
    case .variable, .list:
      for row in rows where column.isValid(row) {
        let value = unsafe column.variableBytes(row)
        bytes.reserve(value.count)
        if let source = value.baseAddress {
          unsafe (bytes.base + bytes.used).copyMemory(from: source, byteCount: value.count)
        }
        bytes.used += value.count
        ends.append(bytes.used)
        present += 1
      }
    }
  }

  private mutating func appendWords<Word: BitwiseCopyable>(
    _ column: Column, _ values: UnsafeBufferPointer<Word>, _ rows: Range<Int>
  ) {
    fixed.reserve(rows.count * MemoryLayout<Word>.size)
    let start = fixed.used / MemoryLayout<Word>.size
    let target = unsafe fixed.base.assumingMemoryBound(to: Word.self) + start
    var next = 0
    for row in rows where column.nullCount == 0 || column.isValid(row) {
      unsafe target[next] = values[row]
      next &+= 1
    }
    fixed.used += next * MemoryLayout<Word>.size
    present += next
  }

  /// Parquet has no seconds: they become milliseconds.
  private mutating func appendSeconds(
    _ column: Column, _ rows: Range<Int>
  ) throws(LarderError) {
    fixed.reserve(rows.count * 8)
    for row in rows where column.isValid(row) {
      let seconds = unsafe column.fixedValues(as: Int64.self)[row]
      let (ticks, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
      guard !overflow else {
        throw LarderError(
          .invalidInput, "\(seconds) s do not fit Parquet's milliseconds.", row: row)
      }
      unsafe fixed.base.storeBytes(of: ticks, toByteOffset: fixed.used, as: Int64.self)
      fixed.used += 8
      present += 1
    }
  }

  /// The bytes of a byte array.
  func value(_ index: Int) -> UnsafeRawBufferPointer {
    let start = index == 0 ? 0 : ends[index - 1]
    return unsafe UnsafeRawBufferPointer(start: bytes.base + start, count: ends[index] - start)
  }
}
