import LarderColumns

/// Collects the nodes and buffers of one record batch.
struct ArrowBodyWriter {
  private(set) var bytes: [UInt8] = []
  private(set) var nodes: [Int64] = []
  private(set) var buffers: [Int64] = []
  /// Compresses each buffer, if set.
  let compressor: ZstdCompressor?

  init(compressor: ZstdCompressor?) { self.compressor = compressor }

  /// Adds a column that is not a dictionary's indexes.
  mutating func append(_ column: Column) throws(LarderError) {
    try appendNode(column)
    switch column.type.layout {
    case .bits:
      try append(bits(column.values, column.offset, column.count))
    case .fixed(let width):
      unsafe try append(
        UnsafeRawBufferPointer(
          start: column.values.base + column.offset * width, count: column.count * width))
    case .variable:
      let (first, last) = try appendOffsets(column)
      let source = unsafe column.bytes?.bytes ?? UnsafeRawBufferPointer(start: nil, count: 0)
      unsafe try append(UnsafeRawBufferPointer(rebasing: source[first..<last]))
    case .list:
      let (first, last) = try appendOffsets(column)
      guard let elements = column.sharedElements else { return }
      let child = elements.slice(first..<last)
      try append(child.isDictionary ? child.flattened() : child)
    }
  }

  /// Adds the indexes of a dictionary column, translated.
  mutating func append(
    indexesOf column: Column, translated: [Int32]
  ) throws(LarderError) {
    try appendNode(column)
    let indexes = unsafe column.fixedValues(as: Int32.self)
    var out = [Int32](repeating: 0, count: column.count)
    for row in 0..<column.count {
      let index = unsafe Int(indexes[row])
      // A null's slot may hold anything.
      out[row] = translated.indices.contains(index) ? translated[index] : 0
    }
    let buffer = Buffer(copying: out)
    unsafe try append(buffer.bytes)
    withExtendedLifetime(buffer) {}
  }

  private mutating func appendNode(_ column: Column) throws(LarderError) {
    nodes += [Int64(column.count), Int64(column.nullCount)]
    if let validity = column.validity, column.nullCount > 0 {
      try append(bits(validity, column.offset, column.count))
    } else {
      unsafe try append(UnsafeRawBufferPointer(start: nil, count: 0))
    }
  }

  /// Bits from any place, moved to the front.
  private func bits(_ source: Buffer, _ offset: Int, _ count: Int) -> Buffer {
    let target = Buffer(zeroedBytes: (count + 7) / 8)
    // Bit by bit at the end, where a word would be read past the source.
    let words = max(0, count - 64)
    _ = unsafe copyBits(source.base, from: offset, to: target.base, at: 0, count: words)
    for index in words..<count where unsafe bit(source.base, offset + index) {
      unsafe fillBits(target.base, at: index, count: 1, with: true)
    }
    return target
  }

  /// Adds offsets that start at zero.
  ///
  /// - Returns: the range of what they point to.
  private mutating func appendOffsets(
    _ column: Column
  ) throws(LarderError) -> (first: Int, last: Int) {
    let offsets = unsafe column.offsets
    let first = unsafe offsets[0]
    let moved = Buffer(uninitializedBytes: offsets.count * 4)
    for row in 0..<offsets.count {
      unsafe moved.base.storeBytes(
        of: offsets[row] &- first, toByteOffset: row &* 4, as: Int32.self)
    }
    try append(moved)
    return (Int(first), unsafe Int(offsets[offsets.count - 1]))
  }

  private mutating func append(_ buffer: Buffer) throws(LarderError) {
    unsafe try append(buffer.bytes)
    withExtendedLifetime(buffer) {}
  }

  private mutating func append(_ source: UnsafeRawBufferPointer) throws(LarderError) {
    let start = bytes.count
    if let compressor, source.count > 0 {
      for byte in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: source.count >> (byte * 8))) }
      unsafe try compressor.append(source, to: &bytes)
    } else {
      unsafe bytes.append(contentsOf: source)
    }
    buffers += [Int64(start), Int64(bytes.count - start)]
    while bytes.count % 8 != 0 { bytes.append(0) }
  }
}
