import LarderColumns

/// Reads one column of one row group, a run of rows at a time.
final class ColumnChunkReader {
  private let shape: ColumnShape
  private let chunk: ColumnChunk
  private let keepsDictionary: Bool
  private let pages: PageReader
  private var dictionary: ChunkDictionary?
  private var stream: ValueStream?
  private var definitions: HybridDecoder?
  private var repetitions: HybridDecoder?
  /// Levels left in the page, and levels of all pages opened so far.
  private var pageLeft = 0
  private var seen = 0
  /// Levels decoded and not yet used, of columns of lists.
  private var levels = LevelWindow()

  /// Prepares to read a chunk; reads nothing yet.
  init(
    source: RandomAccessBytes, chunk: ColumnChunk, shape: ColumnShape, fileEnd: Int,
    keepsDictionary: Bool, scratch: PageScratch
  ) throws(LarderError) {
    self.shape = shape
    self.chunk = chunk
    self.keepsDictionary = keepsDictionary
    pages = try PageReader(
      source: source, chunk: chunk, shape: shape, fileEnd: fileEnd, scratch: scratch)
  }

  /// Reads the next rows.
  ///
  /// - Parameter rows: how many; the chunk must have so many left.
  /// - Throws: `invalidInput`, `unsupported` or `limitExceeded` as the pages give cause.
  func read(rows: Int) throws(LarderError) -> Column {
    if pageLeft == 0, seen == 0 { _ = try openPage() }
    return shape.isList ? try readLists(rows) : try readFlat(rows)
  }

  /// Opens the next page that has levels; false at the chunk's end.
  private func openPage() throws(LarderError) -> Bool {
    while seen < chunk.valueCount, let page = try pages.next() {
      if page.header.kind == .dictionary {
        guard dictionary == nil, seen == 0 else {
          throw .malformed("A column chunk has a dictionary after its first page.")
        }
        dictionary = try decodeDictionary(page)
        continue
      }
      let count = page.header.valueCount
      guard count <= chunk.valueCount - seen else {
        throw .malformed(
          "The pages of a column hold more values than the \(chunk.valueCount) of its chunk.")
      }
      seen += count
      if count == 0 { continue }
      pageLeft = count
      if shape.maxDefinition > 0 {
        definitions = unsafe try HybridDecoder(
          page.definitions, width: levelWidth(shape.maxDefinition))
      }
      if shape.isList { repetitions = unsafe try HybridDecoder(page.repetitions, width: 1) }
      stream = try ValueStream(page, leaf: shape.leaf, hasDictionary: dictionary != nil)
      return true
    }
    return false
  }

  private func levelWidth(_ greatest: UInt8) -> Int { 8 - greatest.leadingZeroBitCount }

  private func decodeDictionary(_ page: Page) throws(LarderError) -> ChunkDictionary {
    let raw = page.header.encoding
    guard raw == Encoding.plain.rawValue || raw == Encoding.plainDictionary.rawValue else {
      throw .malformed("A dictionary in encoding \(raw).")
    }
    guard shape.leaf.physical != .boolean else {
      throw LarderError(.unsupported, "Dictionaries of bools are not read.")
    }
    // Each value takes at least its width, or the 4 bytes of its length.
    let count = page.header.valueCount
    let least = shape.leaf.width > 0 ? shape.leaf.width : 4
    guard unsafe count <= page.values.count / least else {
      throw .malformed("A dictionary of \(count) values in \(unsafe page.values.count) bytes.")
    }
    var plain = page
    plain.header.encoding = Encoding.plain.rawValue
    var stream = try ValueStream(plain, leaf: shape.leaf, hasDictionary: false)
    var sink = ColumnSink(shape.leaf, capacity: count, dictionary: nil)
    try sink.append(slots: count, present: count, from: &stream, chunk: nil)
    return ChunkDictionary(count: count, column: try sink.finish())
  }

  private func makeSink(_ capacity: Int) -> ColumnSink {
    ColumnSink(
      shape.leaf, capacity: capacity, dictionary: keepsDictionary ? dictionary : nil)
  }

  private var endsEarly: LarderError {
    .malformed("The pages of a column hold fewer rows than its row group.")
  }

  private func readFlat(_ rows: Int) throws(LarderError) -> Column {
    var sink = makeSink(rows)
    while sink.count < rows {
      if pageLeft == 0 {
        guard try openPage() else { throw endsEarly }
      }
      let span = min(pageLeft, rows - sink.count)
      try appendFlat(span, to: &sink)
      pageLeft -= span
    }
    return try sink.finish()
  }

  private func appendFlat(_ span: Int, to sink: inout ColumnSink) throws(LarderError) {
    guard stream != nil else { return }
    var valid = span
    let greatest = shape.maxDefinition
    if definitions != nil {
      valid = try definitions?.passPresent(span, greatest: greatest) ?? 0
    }
    if valid > 0 {
      try appendValues(slots: valid, present: valid, to: &sink)
    }
    let rest = span - valid
    guard rest > 0 else { return }
    let present = unsafe try sink.markSlots(rest) { bits, first throws(LarderError) in
      unsafe try definitions?.decodePresence(
        into: bits, at: first, count: rest, greatest: greatest) ?? 0
    }
    try appendValues(slots: rest, present: present, to: &sink)
  }

  private func appendValues(
    slots: Int, present: Int, to sink: inout ColumnSink
  ) throws(LarderError) {
    // Taken out while it changes, so that nothing is copied.
    guard var taken = stream else { return }
    try sink.append(slots: slots, present: present, from: &taken, chunk: dictionary)
    stream = taken
  }

  private func readLists(_ rows: Int) throws(LarderError) -> Column {
    var sink = makeSink(rows)
    var offsets = Buffer(uninitializedBytes: (rows + 1) * 4)
    var lists = ListOffsets(rows: rows, buffer: offsets)
    offsets = lists.offsets
    while true {
      if levels.isEmpty {
        if pageLeft == 0, try !openPage() { break }
        let span = min(pageLeft, LevelWindow.capacity)
        try levels.fill(span, &repetitions, &definitions, shape)
        pageLeft -= span
      }
      let step = try lists.take(&levels, shape)
      if step.slots > 0 {
        let present = step.present
        if present < step.slots {
          _ = unsafe try sink.markSlots(step.slots) { bits, first throws(LarderError) in
            unsafe copyBits(
              levels.validBits, from: 0, to: bits, at: first, count: step.slots)
          }
        }
        try appendValues(slots: step.slots, present: present, to: &sink)
      }
      if lists.isFull { break }
    }
    return try lists.finish(elements: try sink.finish(), type: shape.dataType)
  }
}
