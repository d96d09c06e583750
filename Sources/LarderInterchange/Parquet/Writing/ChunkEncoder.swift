import LarderColumns

/// A column chunk ready to be written: its bytes, and what the footer says of it.
struct EncodedChunk: Sendable {
  var bytes: [UInt8] = []
  /// Where the first data page starts in `bytes`; the dictionary, if any, lies before.
  var dataPageOffset = 0
  var hasDictionary = false
  var slots = 0
  var uncompressedBytes = 0
  var nullCount = 0
  var minimum: [UInt8]?
  var maximum: [UInt8]?
}

/// Encodes column chunks: a dictionary where it pays, else PLAIN; pages of version 1; zstd.
struct ChunkEncoder {
  let type: DataType
  let compressor: ZstdCompressor

  /// Bytes of a page, before compression, that pages are cut to.
  private static let pageBytes = 1 << 20
  /// Slots of a page at most.
  private static let pageSlots = 1 << 17

  private var leaf: DataType { type.element ?? type }
  private var maxDefinition: Int { type.element == nil ? 1 : 3 }

  /// The bytes of a value; 0 for byte arrays, 1 for the bytes that hold bools.
  private var width: Int {
    switch leaf.layout {
    case .bits: 1
    case .fixed(let bytes): bytes
    case .variable, .list: 0
    }
  }

  /// Encodes the values of one column of a row group.
  func encode(_ values: ChunkValues) throws(LarderError) -> EncodedChunk {
    var chunk = EncodedChunk()
    chunk.slots = values.definitions.count
    chunk.nullCount = values.nullCount
    (chunk.minimum, chunk.maximum) = bounds(of: values, type: leaf)
    let dictionary = leaf == .bool ? nil : DictionaryBuilder(values, width: width)
    if let dictionary {
      var plain: [UInt8] = []
      for first in dictionary.firsts { appendPlain(values, first..<(first + 1), to: &plain) }
      try appendPage(plain, to: &chunk, dictionaryEntries: dictionary.firsts.count, slots: 0)
      chunk.hasDictionary = true
    }
    chunk.dataPageOffset = chunk.bytes.count
    var slot = 0
    var value = 0
    repeat {
      let end = pageEnd(values, from: slot)
      let maximum = UInt8(maxDefinition)
      let present = values.definitions[slot..<end].count { $0 == maximum }
      var page: [UInt8] = []
      if type.element != nil { appendLevels(values.repetitions[slot..<end], width: 1, to: &page) }
      appendLevels(values.definitions[slot..<end], width: maximum == 1 ? 1 : 2, to: &page)
      if let dictionary {
        let bits = max(1, UInt32.bitWidth - UInt32(dictionary.firsts.count - 1).leadingZeroBitCount)
        page.append(UInt8(bits))
        appendHybrid(dictionary.indexes[value..<(value + present)], width: bits, to: &page)
      } else {
        appendPlain(values, value..<(value + present), to: &page)
      }
      try appendPage(
        page, to: &chunk, dictionaryEntries: nil, slots: end - slot,
        isDictionary: dictionary != nil)
      slot = end
      value += present
    } while slot < values.definitions.count
    return chunk
  }

  /// Where the page that starts at a slot ends: lists are not cut.
  private func pageEnd(_ values: ChunkValues, from slot: Int) -> Int {
    let slots = values.definitions.count
    let perValue = width > 0 ? width : 4 + values.bytes.used / max(1, values.present)
    let wanted = slot + min(Self.pageSlots, max(1, Self.pageBytes / perValue))
    if wanted >= slots { return slots }
    guard type.element != nil else { return wanted }
    var low = 0
    var high = values.rowStarts.count
    while low < high {
      let middle = (low + high) / 2
      if values.rowStarts[middle] < wanted { low = middle + 1 } else { high = middle }
    }
    return low < values.rowStarts.count ? values.rowStarts[low] : slots
  }

  private func appendLevels(_ levels: ArraySlice<UInt8>, width: Int, to page: inout [UInt8]) {
    let start = page.count
    page.append(contentsOf: [0, 0, 0, 0])
    appendHybrid(levels.lazy.map { UInt32($0) }, width: width, to: &page)
    let length = page.count - start - 4
    for byte in 0..<4 { page[start + byte] = UInt8(truncatingIfNeeded: length >> (byte * 8)) }
  }

  private func appendPlain(_ values: ChunkValues, _ range: Range<Int>, to page: inout [UInt8]) {
    if leaf == .bool {
      var byte: UInt8 = 0
      for (place, index) in range.enumerated() {
        let bit = unsafe values.fixed.base.load(fromByteOffset: index, as: UInt8.self)
        byte |= bit << UInt8(place & 7)
        if place & 7 == 7 {
          page.append(byte)
          byte = 0
        }
      }
      if range.count & 7 != 0 { page.append(byte) }
      return
    }
    if width > 0 {
      unsafe page.append(
        contentsOf: UnsafeRawBufferPointer(
          start: values.fixed.base + range.lowerBound * width, count: range.count * width))
      return
    }
    for index in range {
      let value = unsafe values.value(index)
      for byte in 0..<4 { page.append(UInt8(truncatingIfNeeded: value.count >> (byte * 8))) }
      unsafe page.append(contentsOf: value)
    }
  }

  /// Compresses a page and appends it behind its header.
  private func appendPage(
    _ page: [UInt8], to chunk: inout EncodedChunk, dictionaryEntries: Int?, slots: Int,
    isDictionary: Bool = false
  ) throws(LarderError) {
    var body: [UInt8] = []
    let buffer = Buffer(copying: page)
    unsafe try compressor.append(buffer.bytes, to: &body)
    withExtendedLifetime(buffer) {}
    var header = CompactWriter()
    header.element { page in
      page.int32(1, dictionaryEntries == nil ? 0 : 2)
      page.int32(2, buffer.count)
      page.int32(3, body.count)
      if let dictionaryEntries {
        page.structure(7) { inner in
          inner.int32(1, dictionaryEntries)
          inner.int32(2, Int(Encoding.plain.rawValue))
        }
      } else {
        page.structure(5) { inner in
          let encoding: Encoding = isDictionary ? .rleDictionary : .plain
          inner.int32(1, slots)
          inner.int32(2, Int(encoding.rawValue))
          inner.int32(3, Int(Encoding.rle.rawValue))
          inner.int32(4, Int(Encoding.rle.rawValue))
        }
      }
    }
    chunk.bytes += header.bytes
    chunk.bytes += body
    chunk.uncompressedBytes += header.bytes.count + page.count
  }
}
