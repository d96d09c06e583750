import LarderColumns

/// The elements of some rows' lists, as they are collected.
struct ElementRun {
  /// Bytes of a value in `values`: 8 or 4; 1 for bits; 4 for texts, of which the lengths are kept.
  let width: Int
  /// How many elements.
  private(set) var count = 0
  /// Their values, 0 for a null.
  private(set) var values = ByteRun()
  /// Which of them are null, rising.
  private(set) var nulls: [Int] = []
  /// The texts' bytes.
  var bytes = ByteRun()

  init(of element: DataType) {
    switch element.layout {
    case .bits: width = 1
    case .fixed(let bytes): width = bytes
    case .variable, .list: width = 4
    }
  }

  /// Bytes taken.
  var size: Int { values.count + nulls.count * 8 + bytes.count }

  /// Makes room for elements.
  ///
  /// - Returns: the room, to be filled before anything else is done.
  mutating func grow(by elements: Int) -> UnsafeMutableRawPointer {
    count += elements
    return unsafe values.grow(by: elements * width)
  }

  /// Notes that one of the elements is null.
  ///
  /// - Parameter position: its number; numbers rise from call to call.
  mutating func noteNull(_ position: Int) { nulls.append(position) }
}

extension OutputColumn {
  /// The elements of all chunks as one column.
  ///
  /// - Throws: `limitExceeded` if texts have 2 GiB or more.
  static func joined(_ type: DataType, _ runs: [ElementRun]) throws(LarderError) -> Column {
    let count = runs.reduce(0) { $0 + $1.count }
    let output = OutputColumn(type, rows: count)
    let (values, valid) = output.open(0..<count)
    valid.fill(.max, count >> 6)
    if count & 63 != 0 { valid[count >> 6] = (1 << UInt64(count & 63)) - 1 }
    var position = 0
    for (chunk, run) in runs.enumerated() {
      if output.isBits {
        let bits = values.bound(to: UInt64.self)
        let flags = Lanes<UInt8>(run.values.buffer)
        for index in 0..<run.count {
          let place = position + index
          bits[place >> 6] |= UInt64(flags[index]) << UInt64(place & 63)
        }
      } else {
        unsafe UnsafeMutableRawPointer(values.base + position * run.width).copyMemory(
          from: run.values.buffer.base, byteCount: run.values.count)
      }
      for null in run.nulls {
        let place = position + null
        valid[place >> 6] &= ~(1 << UInt64(place & 63))
      }
      if type.layout == .variable { output.add(run.bytes, chunk: chunk) }
      position += run.count
    }
    return try output.finish(chunks: runs.count)
  }
}
