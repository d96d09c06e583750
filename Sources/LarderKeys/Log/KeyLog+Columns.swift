import LarderColumns

extension KeyLog {
  /// The join keys of ids, as columns in the schema's order.
  ///
  /// Timestamps come in seconds. An erased id's keys are null.
  ///
  /// - Parameter ids: one id per row.
  /// - Returns: one column for each of the schema's, with as many rows.
  /// - Throws: `invalidArgument` for an id that was not given out; `corrupt` if the log's bytes do
  ///   not hold; `limitExceeded` for 2 GiB and more of text in a column.
  /// - Complexity: O(rows + bytes of the keys).
  package func columns(
    of ids: UnsafeBufferPointer<UInt32>
  ) throws(LarderError) -> [Column] {
    let reader = KeyTailReader(rows: ids.count)
    for row in 0..<ids.count {
      if let tail = unsafe try tail(of: ids[row]) {
        unsafe reader.set(row, tail)
      } else {
        reader.setErased(row)
      }
    }
    var columns: [Column] = []
    // What the columns after this one take, if their widths are fixed.
    var fixedRest = schema.columns.reduce(0) { $0 + ($1.type.fixedBytes ?? 0) }
    for (position, column) in schema.columns.enumerated() {
      fixedRest -= column.type.fixedBytes ?? 0
      if let width = column.type.fixedBytes {
        columns.append(reader.fixed(column.type.dataType, width: width))
      } else {
        let rest = schema.hasLength(position) ? nil : fixedRest
        guard let values = try reader.varying(column.type.dataType, rest: rest) else {
          throw LarderError(.corrupt, "A key of the log is no key of \(schema).", file: path)
        }
        columns.append(values)
      }
    }
    return columns
  }
}

/// Takes the values of many tails apart, column by column.
@safe private struct KeyTailReader {
  private let rows: Int
  private let starts: Buffer
  private let lengths: Buffer
  private let cursors: Buffer
  private let validity: Buffer

  init(rows: Int) {
    self.rows = rows
    starts = Buffer(uninitializedBytes: rows * MemoryLayout<UInt>.stride)
    lengths = Buffer(uninitializedBytes: rows * 4)
    cursors = Buffer(zeroedBytes: rows * 4)
    validity = Buffer(uninitializedBytes: (rows + 7) / 8)
    unsafe validity.mutableBytes.initializeMemory(as: UInt8.self, repeating: 0xFF)
  }

  private var tails: UnsafeMutablePointer<UnsafeRawPointer?> {
    unsafe starts.base.assumingMemoryBound(to: UnsafeRawPointer?.self)
  }
  private var counts: UnsafeMutablePointer<Int32> {
    unsafe lengths.base.assumingMemoryBound(to: Int32.self)
  }
  private var at: UnsafeMutablePointer<Int32> {
    unsafe cursors.base.assumingMemoryBound(to: Int32.self)
  }

  func set(_ row: Int, _ tail: UnsafeRawBufferPointer) {
    unsafe tails[row] = tail.baseAddress
    unsafe counts[row] = Int32(truncatingIfNeeded: tail.count)
  }

  func setErased(_ row: Int) {
    unsafe tails[row] = nil
    unsafe counts[row] = 0
    let byte = unsafe validity.base.load(fromByteOffset: row >> 3, as: UInt8.self)
    unsafe validity.base.storeBytes(
      of: byte & ~(1 << UInt8(row & 7)), toByteOffset: row >> 3, as: UInt8.self)
  }

  private var nullCount: Int {
    var count = 0
    for row in 0..<rows { if unsafe tails[row] == nil { count += 1 } }
    return count
  }

  /// The next column of values of a fixed width; zeros where a tail is too short for one.
  func fixed(_ type: DataType, width: Int) -> Column {
    let values = Buffer(zeroedBytes: rows * width)
    let (tails, counts, at) = unsafe (self.tails, self.counts, self.at)
    for row in 0..<rows {
      let cursor = unsafe at[row]
      guard let tail = unsafe tails[row], unsafe counts[row] &- cursor >= width else { continue }
      unsafe (values.base + row &* width).copyMemory(from: tail + Int(cursor), byteCount: width)
      unsafe at[row] = cursor &+ Int32(truncatingIfNeeded: width)
    }
    return Column(
      type: type, count: rows, nullCount: nullCount, validity: validity, values: values)
  }

  /// The next column of strings or bytes; nil if a tail is malformed.
  ///
  /// - Parameter rest: what follows the value up to the tail's end; nil if its length leads it.
  func varying(_ type: DataType, rest: Int?) throws(LarderError) -> Column? {
    let offsets = Buffer(uninitializedBytes: (rows + 1) * 4)
    let ends = unsafe offsets.base.assumingMemoryBound(to: Int32.self)
    let (tails, counts, at) = unsafe (self.tails, self.counts, self.at)
    var total = 0
    unsafe ends[0] = 0
    for row in 0..<rows {
      if let tail = unsafe tails[row] {
        var left = unsafe Int(counts[row]) - Int(at[row])
        var length = left - (rest ?? 0)
        if rest == nil {
          guard left >= 4 else { return nil }
          length = unsafe Int(tail.loadUnaligned(fromByteOffset: Int(at[row]), as: UInt32.self))
          unsafe at[row] += 4
          left -= 4
        }
        guard length >= 0, length <= left else { return nil }
        total += length
        guard total <= Limits.columnBytes else {
          throw LarderError(
            .limitExceeded, "A column of one batch holds at most \(Limits.columnBytes) bytes.",
            row: row)
        }
      }
      unsafe ends[row + 1] = Int32(truncatingIfNeeded: total)
    }
    let bytes = Buffer(uninitializedBytes: total)
    for row in 0..<rows {
      let length = unsafe ends[row + 1] &- ends[row]
      guard let tail = unsafe tails[row], length > 0 else { continue }
      unsafe (bytes.base + Int(ends[row])).copyMemory(
        from: tail + Int(at[row]), byteCount: Int(length))
      unsafe at[row] += length
    }
    return Column(
      type: type, count: rows, nullCount: nullCount, validity: validity, values: offsets,
      bytes: bytes)
  }
}
