import LarderColumns
import LarderEncodings
import LarderFiles
import Synchronization

/// An open column of a segment: views for kernels, and verification page by page.
///
/// Headers, validity and dictionary are verified and sound. Before a row is touched, the page of
/// its lanes must be verified: `ensureVerified(rows:)`, or per page with `isVerified(page:)` as the
/// quick query and `ensureVerified(page:)` as the slow answer.
@safe package final class SegmentColumn: @unchecked Sendable {
  /// The type it was written with.
  package let type: DataType
  /// The feature's id; 0 for time columns.
  package let fieldID: UInt32
  /// How values are kept.
  package let encoding: ColumnEncoding
  /// Bytes of a stored value as it is decoded: 4 for codes too; 0 for bools, which are bits.
  package let decodedBytes: Int
  /// Rows, nulls included.
  package let rows: Int
  /// How many rows are null.
  package let nullCount: Int
  /// Values, codes or offsets, by encoding.
  package let lanes: PackedView
  /// Which rows are valid, and where their lanes lie.
  package let validity: ValidityView
  /// The distinct texts or bytes, where the encoding is `dictionary`.
  package let dictionary: DictionaryView?
  /// The distinct values, where the encoding is `fixedDictionary`.
  package let fixedDictionary: FixedDictionaryView?
  /// The bytes that the lanes are offsets into, where the encoding is `plain` or `symbols`.
  package let plainBytes: UnsafeRawPointer?
  /// What the bytes are codes of, where the encoding is `symbols`.
  package let symbols: SymbolTable?
  /// The elements, where the encoding is `list`.
  package let elements: SegmentColumn?
  /// How many pages of 65,536 lanes there are.
  package var pageCount: Int { record.pages.count }

  let record: ColumnRecord
  let source: SegmentSource
  /// A bit for each page that is verified.
  @usableFromInline let verified: VerifiedPages
  private let scales: Buffer
  /// What is read of a column that is coded instead of the file.
  private let codedHeaders: Buffer?
  private let codedValidity: Buffer?
  /// Where pages are unpacked to; nil where bodies are read in place.
  let image: PageImage?
  let textImage: PageImage?

  init(_ record: ColumnRecord, source: SegmentSource) throws(LarderError) {
    self.record = record
    self.source = source
    type = record.type
    fieldID = record.fieldID
    encoding = record.encoding
    decodedBytes = Self.decodedBytes(record.type, record.encoding)
    rows = record.rows
    nullCount = record.nulls
    verified = VerifiedPages(record.pages.count)
    scales = Buffer(copying: record.pages.map(\.scale) + [1])
    let opening = ColumnOpening(record, source)
    codedHeaders = try opening.openCodedHeaders()
    codedValidity = try opening.openCodedValidity()
    let traits = try opening.openHeaders(codedHeaders)
    image = record.isCoded ? try PageImage(bytes: Int(record.imageBytes)) : nil
    let headers =
      unsafe codedHeaders.map { unsafe UnsafeRawPointer($0.base) }
      ?? source.address(record.headers)
    unsafe lanes = PackedView(
      headers: headers.assumingMemoryBound(to: VectorHeader.self),
      body: image.map { unsafe UnsafeRawPointer($0.base) } ?? source.address(record.bodies),
      scales: UnsafePointer(scales.base.assumingMemoryBound(to: Int64.self)),
      count: record.lanes, traits: traits)
    validity = try opening.openValidity(codedValidity)
    dictionary = try opening.openDictionary()
    fixedDictionary = try opening.openFixedDictionary()
    symbols = try opening.openSymbolTable()
    textImage = record.hasPackedBytes ? try PageImage(bytes: Int(record.textBytes)) : nil
    let bytes = unsafe textImage.map { unsafe UnsafeRawPointer($0.base) }
    unsafe plainBytes = record.hasBytes ? bytes ?? source.address(record.bytes) : nil
    elements = try record.elements.first.map { child throws(LarderError) in
      try SegmentColumn(child, source: source)
    }
  }

  /// Whether a page of lanes is verified.
  @inlinable package func isVerified(page: Int) -> Bool { verified.contains(page) }

  /// Verifies the pages that rows' values lie in.
  ///
  /// - Throws: `corrupt` with the page, if its bytes do not match their checksum.
  package func ensureVerified(rows range: Range<Int>) throws(LarderError) {
    guard !range.isEmpty, record.lanes > 0 else { return }
    precondition(range.lowerBound >= 0 && range.upperBound <= rows)
    var first = range.lowerBound
    var end = range.upperBound
    if validity.mode == .sparse {
      unsafe first = validity.rank(first)
      unsafe end = end == rows ? rows - nullCount : validity.rank(end)
      if first == end { return }
    }
    if hasEndLane { end += 1 }
    for page in (first >> 16)...((end - 1) >> 16) { try ensureVerified(page: page) }
    if let elements, elements.rows > 0 {
      try checkOffsets(first..<end)
      unsafe try elements.ensureVerified(
        rows: Int(lanes.lane(at: first))..<Int(lanes.lane(at: end - 1)))
    }
  }

  /// Checks that a list's offsets do not fall from one verified page to the next; within a page its
  /// own verification has.
  private func checkOffsets(_ lanes: Range<Int>) throws(LarderError) {
    for page in (lanes.lowerBound >> 16)..<((lanes.upperBound - 1) >> 16) {
      let last = (page + 1) << 16 - 1
      guard unsafe self.lanes.lane(at: last) <= self.lanes.lane(at: last + 1) else {
        throw LarderError(
          .corrupt, "The offsets fall from page \(page) to the next.", file: source.path,
          offset: record.bodies.offset, column: record.name)
      }
    }
  }

  /// Verifies all pages.
  package func ensureVerified() throws(LarderError) {
    for page in 0..<pageCount { try ensureVerified(page: page) }
    try elements?.ensureVerified()
  }

  /// Verifies a page of lanes.
  ///
  /// - Throws: `corrupt` with the page, if its bytes do not match their checksum.
  package func ensureVerified(page: Int) throws(LarderError) {
    if verified.contains(page) { return }
    guard let image else {
      try PageVerification(self, page).run()
      verified.insert(page)
      return
    }
    // One thread unpacks a page, and nobody reads it before.
    try image.unpacking.withLock { _ throws(LarderError) in
      if verified.contains(page) { return }
      try PageVerification(self, page).run()
      verified.insert(page)
    }
  }

  /// Whether one more lane than there are values says where the last one ends.
  var hasEndLane: Bool { record.hasEndLane }
}

/// A set of page numbers that only grows, shared between threads.
@safe package final class VerifiedPages: @unchecked Sendable {
  @usableFromInline let words: UnsafeMutablePointer<Atomic<UInt64>>
  private let count: Int

  /// An empty set of numbers below a bound.
  package init(_ pages: Int) {
    count = pages / 64 + 1
    unsafe words = UnsafeMutablePointer<Atomic<UInt64>>.allocate(capacity: count)
    for index in 0..<count { unsafe (words + index).initialize(to: Atomic(0)) }
  }

  deinit {
    unsafe words.deinitialize(count: count)
    unsafe words.deallocate()
  }

  /// Whether a page is in the set; what its verifier saw is then seen too.
  @inlinable package func contains(_ page: Int) -> Bool {
    unsafe words[page &>> 6].load(ordering: .acquiring) &>> UInt64(page & 63) & 1 == 1
  }

  /// Adds a page, once its verifier is done.
  package func insert(_ page: Int) { _ = insertNew(page) }

  /// Adds a page, once its verifier is done.
  ///
  /// - Returns: whether it was not there yet.
  package func insertNew(_ page: Int) -> Bool {
    let bit = (1 as UInt64) << UInt64(page & 63)
    return unsafe words[page >> 6].bitwiseOr(bit, ordering: .acquiringAndReleasing).oldValue & bit
      == 0
  }
}
