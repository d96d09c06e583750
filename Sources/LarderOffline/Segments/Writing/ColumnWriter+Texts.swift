import LarderColumns
import LarderEncodings
import LarderFiles

extension ColumnWriter {
  /// Distinct values that a dictionary may have: their codes have 16 bits.
  private static var dictionaryLimit: Int { 1 << 16 }

  /// Writes texts and bytes: by dictionary where it pays, else as offsets and bytes.
  mutating func writeTexts() throws(LarderError) {
    var dictionary = TextDictionary()
    if let codes = dictionaryCodes(&dictionary) {
      try writeDictionary(dictionary, codes)
    } else {
      try writePlain()
    }
  }

  /// The code of each slot, 0 for nulls; nil where a dictionary does not pay.
  private func dictionaryCodes(_ dictionary: inout TextDictionary) -> [Int32]? {
    var codes = [Int32](repeating: 0, count: slots.count)
    let known = column.isDictionary ? column.child?.column : nil
    var mapped = [Int32](repeating: -1, count: known?.count ?? 0)
    for slot in 0..<slots.count {
      let row = slots.row(ofSlot: slot)
      guard slots.isValid(row) else { continue }
      let entry = known == nil ? -1 : unsafe Int(column.fixedValues(as: Int32.self)[row])
      if entry >= 0, mapped[entry] >= 0 {
        codes[slot] = mapped[entry]
        dictionary.use(Int(mapped[entry]))
        continue
      }
      let value = unsafe column.variableBytes(row)
      guard let code = unsafe dictionary.code(of: value, limit: Self.dictionaryLimit) else {
        return nil
      }
      if entry >= 0 { mapped[entry] = Int32(code) }
      codes[slot] = Int32(code)
      dictionary.use(code)
      // After a start, what is mostly distinct is not worth a table.
      if slot == 4_095, dictionary.count > 3_072 { return nil }
    }
    return codes
  }

  private mutating func writeDictionary(
    _ dictionary: TextDictionary, _ codes: [Int32]
  ) throws(LarderError) {
    let order = dictionary.order()
    var rank = [Int64](repeating: 0, count: dictionary.count)
    for (position, entry) in order.enumerated() { rank[entry] = Int64(position) }
    let values = ByteSink()
    var offsets: [UInt32] = [0]
    var images = [UInt64](repeating: 0, count: dictionary.count)
    for (position, entry) in order.enumerated() {
      let range = Int(dictionary.offsets[entry])..<Int(dictionary.offsets[entry + 1])
      let bytes = unsafe UnsafeRawBufferPointer(rebasing: dictionary.bytes.bytes[range])
      unsafe values.append(bytes)
      offsets.append(UInt32(values.count))
      unsafe images[position] = ZoneImage.of(bytes)
    }
    for slot in 0..<slots.count {
      let row = slots.row(ofSlot: slot)
      guard slots.isValid(row) else { continue }
      record.content.add(dictionary.hashes[Int(codes[slot])], row: rowHash(row))
    }
    record.encoding = .dictionary
    record.dictionaryCount = dictionary.count
    let offsetSink = ByteSink()
    offsetSink.append(offsets)
    record.dictionaryOffsets = try sink.writeSection(
      .dictionaryOffsets, column: record.key, offsetSink)
    record.dictionaryValues = try sink.writeSection(.dictionaryValues, column: record.key, values)
    let slots = self.slots
    unsafe try writeLanes(slots.count) { range in
      var page = PageRecord()
      for slot in range where slots.isValid(slots.row(ofSlot: slot)) {
        let image = images[Int(rank[Int(codes[slot])])]
        page.least = min(page.least, image)
        page.greatest = max(page.greatest, image)
      }
      return page
    } fill: { range, lanes in
      for slot in range {
        unsafe lanes[slot - range.lowerBound] = rank.isEmpty ? 0 : rank[Int(codes[slot])]
      }
    }
  }

  /// Writes the bytes of all values, page by page, then their offsets as lanes.
  private mutating func writePlain() throws(LarderError) {
    let coder = textEncoder()
    var codes = Buffer(uninitializedBytes: 4_096)
    record.encoding = coder == nil ? .plain : .symbols
    if let coder {
      let table = ByteSink()
      unsafe table.append(coder.table.bytes)
      record.dictionaryValues = try sink.writeSection(.dictionaryValues, column: record.key, table)
    }
    record.bytes.offset = sink.position
    var starts = [Int64](repeating: 0, count: slots.count + 1)
    var pages: [PageRecord] = []
    let content = ByteSink()
    var position = 0
    var slot = 0
    while slot < slots.count {
      let range = slot..<min(slots.count, slot + Limits.pageRows)
      var page = PageRecord()
      page.bytesOffset = sink.position - record.bytes.offset
      page.textOffset = UInt64(position)
      content.removeAll()
      for slot in range {
        let row = slots.row(ofSlot: slot)
        if slots.isValid(row) {
          let value = unsafe column.variableBytes(row)
          if let coder {
            if codes.count < value.count * 2 {
              codes = Buffer(uninitializedBytes: value.count * 4)
            }
            let target = unsafe codes.base.assumingMemoryBound(to: UInt8.self)
            let written = unsafe coder.encode(value, into: target)
            unsafe content.append(UnsafeRawBufferPointer(start: codes.base, count: written))
          } else {
            unsafe content.append(value)
          }
          let image = unsafe ZoneImage.of(value)
          page.least = min(page.least, image)
          page.greatest = max(page.greatest, image)
          unsafe record.content.add(XXH3.hash64(value), row: rowHash(row))
        }
        starts[slot + 1] = Int64(position + content.count)
      }
      let packed = coder == nil ? packedTexts(content) : nil
      page.hasPackedBytes = packed != nil
      let bytes = packed ?? content
      if range.upperBound == slots.count {
        bytes.align(to: SegmentLayout.alignment, after: Int(page.bytesOffset))
      }
      position = Int(starts[range.upperBound])
      let seed = sink.seeds.seed(.bytes, column: record.key, page: pages.count)
      page.bytesHash = unsafe XXH3.hash64(bytes.bytes, seed: seed)
      unsafe try sink.append(bytes.bytes)
      pages.append(page)
      slot = range.upperBound
    }
    record.bytes.bytes = sink.position - record.bytes.offset
    // The last offset may open a page of its own, to which no bytes belong.
    var empty = PageRecord(bytesOffset: record.bytes.bytes)
    empty.textOffset = UInt64(position)
    record.textBytes = UInt64(position)
    unsafe try writeLanes(slots.count == 0 ? 0 : slots.count + 1) { range in
      let page = range.lowerBound / Limits.pageRows
      return page < pages.count ? pages[page] : empty
    } fill: { range, lanes in
      for index in range { unsafe lanes[index - range.lowerBound] = starts[index] }
    }
  }
}

extension ColumnWriter {
  /// Bytes of texts that a table of strings is looked for in.
  private static var sampleBytes: Int { 16_384 }
  /// Bytes below which a table would not pay for itself.
  private static var fewestTextBytes: Int { 65_536 }

  /// What encodes the texts by a table of strings; nil where that saves less than a fifth, or where
  /// pages are compressed as a whole.
  private func textEncoder() -> TextEncoder? {
    guard options.profile == .hot, record.role == .feature, slots.count > 0 else { return nil }
    // 64 texts at equal distances, and of each the first bytes.
    let pieces = min(64, slots.count)
    var sample: [[UInt8]] = []
    var total = 0
    for piece in 0..<pieces {
      let first = slots.count * piece / pieces
      var taken = 0
      for slot in first..<min(slots.count, first + 16) where taken < Self.sampleBytes / 64 {
        let row = slots.row(ofSlot: slot)
        guard slots.isValid(row) else { continue }
        let text = unsafe column.variableBytes(row).prefix(1_024)
        unsafe sample.append(Array(text))
        taken += unsafe text.count
      }
      total += taken
    }
    guard sample.count > 0, total / sample.count * slots.count >= Self.fewestTextBytes else {
      return nil
    }
    let encoder = TextEncoder(sample: sample)
    var codes = [UInt8](repeating: 0, count: 2_048)
    var coded = 0
    for text in sample {
      unsafe text.withUnsafeBytes { text in
        unsafe codes.withUnsafeMutableBufferPointer { codes in
          guard let target = codes.baseAddress else { return }
          unsafe coded += encoder.encode(text, into: target)
        }
      }
    }
    return coded * 5 <= total * 4 ? encoder : nil
  }

  /// A page of texts of a cold segment, compressed; nil where that saves less than a fifth.
  private func packedTexts(_ content: ByteSink) -> ByteSink? {
    guard options.profile == .cold, record.role == .feature, content.count >= 4_096,
      content.count <= Limits.packedTextBytes,
      let packed = unsafe TextPage.encode(content.bytes), packed.count * 5 <= content.count * 4
    else { return nil }
    return packed
  }
}
