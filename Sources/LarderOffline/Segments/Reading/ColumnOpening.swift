import LarderColumns
import LarderEncodings
import LarderFiles

/// Verifies what of a column lies outside its pages, and checks that it holds together: a reader
/// must stay inside the file even where someone has recomputed the checksums.
struct ColumnOpening {
  private let record: ColumnRecord
  private let source: SegmentSource

  init(_ record: ColumnRecord, _ source: SegmentSource) {
    self.record = record
    self.source = source
  }

  /// The headers as they are read; nil where they are read in place.
  func openCodedHeaders() throws(LarderError) -> Buffer? {
    guard record.isCoded else { return nil }
    try verify(record.headers, .headers, "headers")
    let bytes = unsafe source.bytes(record.headers, 0..<Int(record.headers.bytes))
    let count = (record.lanes + 1_023) / 1_024
    let headers = Buffer(zeroedBytes: count * 16)
    let target = unsafe headers.base.assumingMemoryBound(to: VectorHeader.self)
    guard unsafe CodedSection.decodeHeaders(bytes, count, into: target) else {
      throw failure("The headers are not coded as headers are.", record.headers.offset)
    }
    return headers
  }

  /// Checks the headers and returns what occurs in them.
  ///
  /// - Parameter coded: what `openCodedHeaders` gave.
  func openHeaders(_ coded: Buffer?) throws(LarderError) -> LaneTraits {
    if coded == nil { try verify(record.headers, .headers, "headers") }
    let start =
      unsafe coded.map { unsafe UnsafeRawPointer($0.base) } ?? source.address(record.headers)
    let headers = unsafe start.assumingMemoryBound(to: VectorHeader.self)
    var traits: LaneTraits = []
    for (index, page) in record.pages.enumerated() {
      let body = record.bodies(ofPage: index)
      let first = index * (Limits.pageRows / Limits.vectorRows)
      let afterLast = min(first + 64, (record.lanes + 1_023) / 1_024)
      for vector in first..<afterLast {
        let header = unsafe headers[vector]
        let count = min(Limits.vectorRows, record.lanes - vector * Limits.vectorRows)
        guard let bytes = header.leastBodyBytes(count), allowed(header),
          Int(header.offset) * 8 >= body.lowerBound,
          Int(header.offset) * 8 + bytes <= body.upperBound,
          !page.isPacked || header.codec == 0 && !header.kind.contains(.patched)
        else {
          throw failure(
            "The header of vector \(vector) on page \(index) is impossible.",
            record.headers.offset + UInt64(vector * 16))
        }
        traits.formUnion(LaneTraits(header.kind))
      }
      if page.scale != 1 { traits.insert(.scaled) }
    }
    guard traits == record.traits else {
      throw failure("The headers are not of the kinds the footer names.", record.headers.offset)
    }
    return traits
  }

  /// Whether a header's flags may occur in this column.
  private func allowed(_ header: VectorHeader) -> Bool {
    let isDouble = record.type == .float64 && record.encoding == .lanes
    let isFloat = isDouble || record.type == .float32 && record.encoding == .lanes
    if header.kind.contains(.decimal), !isFloat || header.exponent > 22 { return false }
    if header.kind.contains(.single), !isDouble || header.kind.contains(.decimal) { return false }
    return true
  }

  /// The validity bits and, behind them, the ranks; nil where they are read in place.
  func openCodedValidity() throws(LarderError) -> Buffer? {
    guard record.isCoded, record.validity == .bitmap || record.validity == .sparse else {
      return nil
    }
    try verify(record.validityBits, .validity, "validity bits")
    let count = (record.rows + 63) / 64
    let step = SegmentLayout.rankRows / 64
    let buffer = Buffer(zeroedBytes: count * 8 + (count + step - 1) / step * 4)
    let bytes = unsafe source.bytes(record.validityBits, 0..<Int(record.validityBits.bytes))
    let target = unsafe buffer.base.assumingMemoryBound(to: UInt8.self)
    guard unsafe CodedSection.decode(bytes, count * 8, into: target) else {
      throw failure("The validity bits are not coded as such.", record.validityBits.offset)
    }
    let words = unsafe buffer.base.assumingMemoryBound(to: UInt64.self)
    let ranks = unsafe (buffer.base + count * 8).assumingMemoryBound(to: UInt32.self)
    var rank: UInt32 = 0
    for index in 0..<count {
      if index % step == 0 { unsafe ranks[index / step] = rank }
      rank &+= UInt32(truncatingIfNeeded: unsafe words[index].nonzeroBitCount)
    }
    return buffer
  }

  /// Checks validity bits and ranks.
  ///
  /// - Parameter coded: what `openCodedValidity` gave.
  func openValidity(_ coded: Buffer?) throws(LarderError) -> ValidityView {
    if let coded {
      let bytes = (record.rows + 63) / 64 * 8
      return try check(
        unsafe ValidityView(
          mode: record.validity,
          words: UnsafePointer(coded.base.assumingMemoryBound(to: UInt64.self)),
          ranks: UnsafePointer((coded.base + bytes).assumingMemoryBound(to: UInt32.self))))
    }
    let words = unsafe source.address(record.validityBits).assumingMemoryBound(to: UInt64.self)
    let ranks = unsafe source.address(record.ranks).assumingMemoryBound(to: UInt32.self)
    let view = unsafe ValidityView(mode: record.validity, words: words, ranks: ranks)
    guard record.validity == .bitmap || record.validity == .sparse else { return view }
    try verify(record.validityBits, .validity, "validity bits")
    if record.validity == .sparse { try verify(record.ranks, .ranks, "ranks") }
    return try check(view)
  }

  private func check(_ view: ValidityView) throws(LarderError) -> ValidityView {
    let words = unsafe view.words
    let ranks = unsafe view.ranks
    var valid = 0
    let count = (record.rows + 63) / 64
    for index in 0..<count {
      if record.validity == .sparse, index % (SegmentLayout.rankRows / 64) == 0 {
        guard unsafe Int(ranks[index / (SegmentLayout.rankRows / 64)]) == valid else {
          throw failure("The ranks contradict the validity bits.", record.ranks.offset)
        }
      }
      unsafe valid += words[index].nonzeroBitCount
    }
    let spare = unsafe record.rows & 63 == 0 ? 0 : words[count - 1] >> UInt64(record.rows & 63)
    guard valid == record.rows - record.nulls, spare == 0 else {
      throw failure("The validity bits contradict the null count.", record.validityBits.offset)
    }
    return view
  }

  /// Checks the dictionary of texts or bytes.
  func openDictionary() throws(LarderError) -> DictionaryView? {
    guard record.encoding == .dictionary else { return nil }
    try verify(record.dictionaryOffsets, .dictionaryOffsets, "dictionary offsets")
    try verify(record.dictionaryValues, .dictionaryValues, "dictionary")
    let offsets = unsafe source.address(record.dictionaryOffsets)
      .assumingMemoryBound(to: UInt32.self)
    var before: UInt32 = 0
    var faults = unsafe offsets[0] == 0 ? 0 : 1
    for index in 0...record.dictionaryCount {
      let offset = unsafe offsets[index]
      faults &+= offset >= before ? 0 : 1
      before = offset
    }
    guard faults == 0, UInt64(before) <= record.dictionaryValues.bytes,
      Int(before) <= Limits.columnBytes
    else { throw failure("The dictionary's offsets fall.", record.dictionaryOffsets.offset) }
    return unsafe DictionaryView(
      offsets: offsets, bytes: source.address(record.dictionaryValues),
      count: record.dictionaryCount)
  }

  /// Checks the table that texts are codes of.
  func openSymbolTable() throws(LarderError) -> SymbolTable? {
    guard record.encoding == .symbols else { return nil }
    try verify(record.dictionaryValues, .dictionaryValues, "symbol table")
    let bytes = unsafe source.bytes(record.dictionaryValues, 0..<SymbolTable.byteCount)
    guard let table = unsafe SymbolTable(bytes) else {
      throw failure("The symbol table is impossible.", record.dictionaryValues.offset)
    }
    return table
  }

  /// Checks the dictionary of fixed-width values.
  func openFixedDictionary() throws(LarderError) -> FixedDictionaryView? {
    guard record.encoding == .fixedDictionary else { return nil }
    try verify(record.dictionaryValues, .dictionaryValues, "dictionary")
    return unsafe FixedDictionaryView(
      words: source.address(record.dictionaryValues).assumingMemoryBound(to: UInt64.self),
      count: record.dictionaryCount)
  }

  private func verify(
    _ section: Section, _ kind: SectionKind, _ what: String
  ) throws(LarderError) {
    try source.verify(section, kind, column: record.key, what: what, name: record.name)
  }

  private func failure(_ message: String, _ offset: UInt64) -> LarderError {
    LarderError(.corrupt, message, file: source.path, offset: offset, column: record.name)
  }
}

extension ColumnRecord {
  /// The column's name in messages: definitions, not segments, hold names.
  var name: String {
    switch role {
    case .feature: "field \(fieldID)"
    case .eventTime: "event time"
    case .createdTime: "created time"
    case .elements: "elements of field \(fieldID)"
    }
  }
}
