import LarderColumns

/// The distinct values of a column chunk, in the column's form.
struct ChunkDictionary {
  var count: Int
  /// Values of 4 or 8 bytes, or offsets and bytes.
  var column: Column
}

/// Collects the values of one column of one batch.
@safe struct ColumnSink {
  private let leaf: LeafType
  private let layout: PhysicalLayout
  /// How many slots are filled, nulls included.
  private(set) var count = 0
  private var nullCount = 0
  /// Made with the first null: most columns that may be null are not.
  private var validity: GrowingBuffer?
  private var values: GrowingBuffer
  private var bytes = GrowingBuffer()
  /// While set, `values` are indexes into it.
  private var dictionary: ChunkDictionary?

  /// Makes room for values.
  ///
  /// - Parameter dictionary: keeps the values as indexes while the pages do.
  init(_ leaf: LeafType, capacity: Int, dictionary: ChunkDictionary?) {
    self.leaf = leaf
    layout = leaf.dataType.layout
    self.dictionary = layout == .variable ? dictionary : nil
    switch layout {
    case .bits: values = GrowingBuffer(capacity: (capacity + 7) / 8)
    case .fixed(let width): values = GrowingBuffer(capacity: capacity * width)
    case .variable, .list:
      values = GrowingBuffer(capacity: (capacity + 1) * 4)
      unsafe values.base.storeBytes(of: 0, as: Int32.self)
    }
  }

  /// Marks slots as valid by a bitmap, decoded by a closure.
  ///
  /// - Parameter decode: writes bits into a bitmap from a position on and returns how many are 1.
  /// - Returns: how many of the slots are valid.
  mutating func markSlots(
    _ slots: Int,
    _ decode: (UnsafeMutableRawPointer, Int) throws(LarderError) -> Int
  ) throws(LarderError) -> Int {
    makeValidity(slots)
    guard let bits = unsafe validity?.base else { return 0 }
    return unsafe try decode(bits, count)
  }

  private mutating func makeValidity(_ slots: Int) {
    let bytes = (count + slots + 7) / 8
    if validity == nil {
      var fresh = GrowingBuffer(capacity: bytes)
      unsafe fillBits(fresh.base, at: 0, count: count, with: true)
      fresh.used = (count + 7) / 8
      validity = fresh
    }
    let missing = bytes - (validity?.used ?? 0)
    if missing > 0 { validity?.reserve(missing) }
    validity?.used = bytes
  }

  /// Appends slots, of which some hold the next values of a page.
  ///
  /// - Parameters:
  ///   - slots: how many slots.
  ///   - present: how many are valid; if fewer than `slots`, `markSlots` has said which.
  ///   - chunk: the dictionary of the page's indexes.
  mutating func append(
    slots: Int, present: Int, from stream: inout ValueStream, chunk: ChunkDictionary?
  ) throws(LarderError) {
    if present == slots, validity != nil {
      makeValidity(slots)
      if let bits = unsafe validity?.base {
        unsafe fillBits(bits, at: count, count: slots, with: true)
      }
    }
    if dictionary != nil {
      if case .indexes = stream.form {
        try appendIndexes(slots, present, &stream, dictionary?.count ?? 0)
        count += slots
        nullCount += slots - present
        return
      }
      try expand()
    }
    switch layout {
    case .bits: try appendBits(slots, present, &stream)
    case .fixed(bytes: 4): try appendFixed(UInt32.self, slots, present, &stream, chunk)
    case .fixed: try appendFixed(UInt64.self, slots, present, &stream, chunk)
    case .variable, .list: try appendVariable(slots, present, &stream, chunk)
    }
    count += slots
    nullCount += slots - present
  }

  private mutating func appendFixed<Word: FixedWidthInteger & BitwiseCopyable>(
    _ type: Word.Type, _ slots: Int, _ present: Int, _ stream: inout ValueStream,
    _ chunk: ChunkDictionary?
  ) throws(LarderError) {
    let width = MemoryLayout<Word>.size
    values.used = count * width
    values.reserve(slots * width)
    let target = unsafe values.base.assumingMemoryBound(to: Word.self) + count
    if case .indexes = stream.form {
      guard let chunk else { return }
      unsafe try gather(chunk, present, &stream, into: target)
    } else if let source = unsafe try stream.takeFixed(present) {
      unsafe try convertFixed(
        leaf.conversion, source, count: present, width: width, into: target)
    }
    values.used = (count + slots) * width
    if present < slots, let bits = unsafe validity?.base {
      unsafe spread(
        target, count: slots, present: present, bits: bits, firstBit: count, filler: 0)
    }
  }

  private func gather<Word: FixedWidthInteger & BitwiseCopyable>(
    _ chunk: ChunkDictionary, _ present: Int, _ stream: inout ValueStream,
    into target: UnsafeMutablePointer<Word>
  ) throws(LarderError) {
    let distinct = unsafe chunk.column.values.base.assumingMemoryBound(to: Word.self)
    try unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 1_024) {
      scratch throws(LarderError) in
      guard let indexes = scratch.baseAddress else { return }
      var done = 0
      while done < present {
        let span = min(1_024, present &- done)
        unsafe try stream.takeIndexes(into: indexes, count: span, bound: chunk.count)
        let out = unsafe target + done
        for index in 0..<span { unsafe out[index] = distinct[Int(indexes[index])] }
        done &+= span
      }
    }
  }

  private mutating func appendIndexes(
    _ slots: Int, _ present: Int, _ stream: inout ValueStream, _ bound: Int
  ) throws(LarderError) {
    values.used = count * 4
    values.reserve(slots * 4)
    let target = unsafe values.base.assumingMemoryBound(to: UInt32.self) + count
    unsafe try stream.takeIndexes(into: target, count: present, bound: bound)
    values.used = (count + slots) * 4
    if present < slots, let bits = unsafe validity?.base {
      unsafe spread(
        target, count: slots, present: present, bits: bits, firstBit: count, filler: 0)
    }
  }

  private mutating func appendBits(
    _ slots: Int, _ present: Int, _ stream: inout ValueStream
  ) throws(LarderError) {
    values.used = (count + 7) / 8
    values.reserve((count + slots + 7) / 8 - values.used)
    values.used = (count + slots + 7) / 8
    guard present < slots, let bits = unsafe validity?.base else {
      unsafe try stream.takeBits(into: values.base, at: count, count: present)
      return
    }
    let dense = Buffer(zeroedBytes: (present + 7) / 8)
    defer { withExtendedLifetime(dense) {} }
    unsafe try stream.takeBits(into: dense.base, at: 0, count: present)
    var next = 0
    for slot in count..<(count + slots) {
      let valid = unsafe bit(bits, slot)
      let value = unsafe valid && bit(dense.base, next)
      unsafe fillBits(values.base, at: slot, count: 1, with: value)
      next += valid ? 1 : 0
    }
  }

  private mutating func appendVariable(
    _ slots: Int, _ present: Int, _ stream: inout ValueStream, _ chunk: ChunkDictionary?
  ) throws(LarderError) {
    values.used = (count + 1) * 4
    values.reserve(slots * 4)
    let ends = unsafe values.base.assumingMemoryBound(to: Int32.self) + count + 1
    let start = bytes.used
    if case .indexes = stream.form {
      guard let chunk else { return }
      unsafe try copyEntries(chunk.column, present, &stream, ends)
    } else {
      unsafe try copyValues(present, &stream, ends)
    }
    values.used = (count + 1 + slots) * 4
    if present < slots, let bits = unsafe validity?.base {
      unsafe spread(
        ends, count: slots, present: present, bits: bits, firstBit: count,
        filler: Int32(truncatingIfNeeded: start))
    }
  }

  /// Copies dictionary entries by the indexes of a page.
  private mutating func copyEntries(
    _ distinct: Column, _ present: Int, _ stream: inout ValueStream,
    _ ends: UnsafeMutablePointer<Int32>
  ) throws(LarderError) {
    let indexes = Buffer(uninitializedBytes: min(present, 4_096) * 4)
    defer { withExtendedLifetime(indexes) {} }
    let index = unsafe indexes.base.assumingMemoryBound(to: UInt32.self)
    var done = 0
    while done < present {
      let span = min(4_096, present - done)
      unsafe try stream.takeIndexes(into: index, count: span, bound: distinct.count)
      unsafe try copy(distinct, UnsafeBufferPointer(start: index, count: span), ends + done)
      done += span
    }
  }

  /// Copies entries of a dictionary whose indexes were checked.
  private mutating func copy(
    _ distinct: Column, _ indexes: UnsafeBufferPointer<UInt32>,
    _ ends: UnsafeMutablePointer<Int32>
  ) throws(LarderError) {
    let offsets = unsafe distinct.offsets
    var total = 0
    for slot in 0..<indexes.count {
      let entry = unsafe Int(indexes[slot])
      total &+= unsafe Int(offsets[entry &+ 1] &- offsets[entry])
    }
    guard total <= Limits.columnBytes - bytes.used else { throw ValueStream.tooLong }
    bytes.reserve(total)
    guard let source = unsafe distinct.bytes?.base else { return }
    let target = unsafe bytes.base
    var end = bytes.used
    for slot in 0..<indexes.count {
      let entry = unsafe Int(indexes[slot])
      let from = unsafe Int(offsets[entry])
      let length = unsafe Int(offsets[entry &+ 1]) &- from
      unsafe copyShort(source + from, target + end, length)
      end &+= length
      unsafe ends[slot] = Int32(truncatingIfNeeded: end)
    }
    bytes.used = end
  }

  /// Copies or formats values that lie in the page.
  private mutating func copyValues(
    _ present: Int, _ stream: inout ValueStream, _ ends: UnsafeMutablePointer<Int32>
  ) throws(LarderError) {
    switch stream.form {
    case .fixed:
      guard let source = unsafe try stream.takeFixed(present) else { return }
      unsafe try appendTexts(source, present, ends)
    default:
      guard leaf.conversion == .none else {
        unsafe try convertArrays(present, &stream, ends)
        return
      }
      bytes.reserve(stream.bytesLeft)
      bytes.used = unsafe try stream.takeByteArrays(
        present, into: bytes.base + bytes.used, ends: ends, start: bytes.used)
    }
  }

  /// Appends the bytes or the text of values of a fixed width.
  private mutating func appendTexts(
    _ source: UnsafeRawPointer, _ present: Int, _ ends: UnsafeMutablePointer<Int32>
  ) throws(LarderError) {
    let width = leaf.width
    let room: Int
    switch leaf.conversion {
    case .uuid: room = 36
    case .unsignedText: room = 20
    case .decimalInteger(let scale), .decimalBytes(let scale):
      room = decimalTextBytes(width, scale)
    default: room = width
    }
    guard present <= (Limits.columnBytes - bytes.used) / room else { throw ValueStream.tooLong }
    bytes.reserve(present * room)
    let target = unsafe bytes.base.assumingMemoryBound(to: UInt8.self)
    for index in 0..<present {
      let value = unsafe source + index * width
      let out = unsafe target + bytes.used
      switch leaf.conversion {
      case .uuid:
        unsafe writeUUID(value, to: out)
        bytes.used += 36
      case .decimalInteger(let scale):
        let integer =
          width == 4
          ? unsafe Int64(value.loadUnaligned(as: Int32.self))
          : unsafe value.loadUnaligned(as: Int64.self)
        bytes.used += unsafe writeDecimal(integer, scale: scale, to: out)
      case .decimalBytes(let scale):
        bytes.used += unsafe writeDecimal(
          UnsafeRawBufferPointer(start: value, count: width), scale: scale, to: out)
      case .unsignedText:
        bytes.used += unsafe writeUnsigned(value.loadUnaligned(as: UInt64.self), to: out)
      default:
        unsafe UnsafeMutableRawPointer(out).copyMemory(from: value, byteCount: width)
        bytes.used += width
      }
      unsafe ends[index] = Int32(truncatingIfNeeded: bytes.used)
    }
  }

  /// Formats decimals that are stored as byte arrays of any length.
  private mutating func convertArrays(
    _ present: Int, _ stream: inout ValueStream, _ ends: UnsafeMutablePointer<Int32>
  ) throws(LarderError) {
    guard case .decimalBytes(let scale) = leaf.conversion else { return }
    let raw = Buffer(uninitializedBytes: stream.bytesLeft)
    let rawEnds = Buffer(uninitializedBytes: present * 4)
    defer { withExtendedLifetime((raw, rawEnds)) {} }
    let end = unsafe rawEnds.base.assumingMemoryBound(to: Int32.self)
    _ = unsafe try stream.takeByteArrays(present, into: raw.base, ends: end, start: 0)
    var from = 0
    for index in 0..<present {
      let to = unsafe Int(end[index])
      guard to - from <= LeafType.decimalBytesLimit else {
        throw LarderError(.unsupported, "A decimal of \(to - from) bytes is not read.")
      }
      let room = decimalTextBytes(to - from, scale)
      guard room <= Limits.columnBytes - bytes.used else { throw ValueStream.tooLong }
      bytes.reserve(room)
      bytes.used += unsafe writeDecimal(
        UnsafeRawBufferPointer(start: raw.base + from, count: to - from), scale: scale,
        to: bytes.base.assumingMemoryBound(to: UInt8.self) + bytes.used)
      unsafe ends[index] = Int32(truncatingIfNeeded: bytes.used)
      from = to
    }
  }

  /// Turns the indexes so far into values: the chunk has pages that are not indexes.
  private mutating func expand() throws(LarderError) {
    guard let chunk = dictionary else { return }
    dictionary = nil
    let indexes = values
    defer { withExtendedLifetime(indexes) {} }
    values = GrowingBuffer(capacity: (count + 1) * 4)
    unsafe values.base.storeBytes(of: 0, as: Int32.self)
    guard count > 0 else { return }
    let index = unsafe indexes.base.assumingMemoryBound(to: UInt32.self)
    if chunk.count > 0 {
      let ends = unsafe values.base.assumingMemoryBound(to: Int32.self) + 1
      // Nulls' slots hold an index too: their bytes are there, and nobody looks.
      unsafe try copy(
        chunk.column, UnsafeBufferPointer(start: UnsafePointer(index), count: count), ends)
    } else {
      unsafe values.base.initializeMemory(as: UInt8.self, repeating: 0, count: (count + 1) * 4)
    }
  }

  /// The column of what was collected.
  ///
  /// - Throws: `invalidInput` if text is not UTF-8.
  consuming func finish() throws(LarderError) -> Column {
    let bits = nullCount > 0 ? validity?.finish() : nil
    values.used = byteCount
    if let dictionary {
      return Column(
        type: leaf.dataType, count: count, nullCount: nullCount, validity: bits,
        values: values.finish(), child: dictionary.column, isDictionary: true)
    }
    let column = Column(
      type: leaf.dataType, count: count, nullCount: nullCount, validity: bits,
      values: values.finish(), bytes: layout == .variable ? bytes.finish() : nil)
    if leaf.dataType == .string || leaf.dataType == .json, let texts = column.bytes,
      let row = unsafe firstInvalidText(texts.bytes, offsets: column.offsets)
    {
      throw LarderError(.invalidInput, "Text that is not UTF-8, \(row) values into its batch.")
    }
    return column
  }

  private var byteCount: Int {
    if dictionary != nil { return count * 4 }
    switch layout {
    case .bits: return (count + 7) / 8
    case .fixed(let width): return count * width
    case .variable, .list: return (count + 1) * 4
    }
  }
}
