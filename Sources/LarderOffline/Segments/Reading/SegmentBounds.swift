import LarderColumns
import LarderEncodings

/// Checks that the sections a footer names lie in the file, hold what is said, and leave no byte
/// without a hash.
enum SegmentBounds {
  /// - Throws: `corrupt` where they do not.
  static func check(
    _ footer: SegmentFooter, footerOffset: UInt64, path: String
  ) throws(LarderError) {
    var check = Check(footerOffset: footerOffset, path: path)
    try check.add(footer.entityIDs, atLeast: footer.entities * 4, "entity ids")
    try check.add(footer.runStarts, atLeast: (footer.entities + 1) * 4, "run starts")
    try check.add(footer.fences, atLeast: (footer.rows + 63) / 64 * 8, "fences")
    guard case .known(let events)? = footer.columns.first, events.role == .eventTime,
      events.validity == .none, events.reference == .fence, events.encoding == .lanes
    else { throw check.failure("The first column is not the event time.", nil) }
    var created = 0
    var isComplete = true
    for (position, entry) in footer.columns.enumerated() {
      guard case .known(let column) = entry else {
        isComplete = false
        continue
      }
      switch column.role {
      case .eventTime: guard position == 0 else { throw check.failure("A second event time.", nil) }
      case .createdTime:
        created += 1
        guard column.reference == .eventTime, column.encoding == .lanes, created == 1 else {
          throw check.failure("The created time is not a difference.", column)
        }
      case .feature:
        guard column.reference == .none else {
          throw check.failure("A feature has a reference.", column)
        }
      case .elements: throw check.failure("Elements lie outside a list.", column)
      }
      guard column.rows == footer.rows else {
        throw check.failure("A column has \(column.rows) of \(footer.rows) rows.", column)
      }
      try check.add(column)
    }
    if isComplete { try check.finish() }
  }

  private struct Check {
    let footerOffset: UInt64
    let path: String
    var spans: [(start: UInt64, end: UInt64)] = []

    func failure(_ message: String, _ column: ColumnRecord?) -> LarderError {
      LarderError(
        .corrupt, message, file: path, offset: footerOffset,
        column: column.map { "field \($0.fieldID)" })
    }

    mutating func add(_ section: Section, atLeast needed: Int, _ what: String) throws(LarderError) {
      let (end, overflow) = section.offset.addingReportingOverflow(section.bytes)
      guard !overflow, section.offset >= UInt64(SegmentLayout.headerBytes), end <= footerOffset,
        section.offset % UInt64(SegmentLayout.alignment) == 0, section.bytes >= UInt64(needed)
      else {
        throw LarderError(
          .corrupt, "The section of \(what) has impossible bounds.", file: path,
          offset: footerOffset)
      }
      spans.append((section.offset, end))
    }

    mutating func add(_ column: ColumnRecord) throws(LarderError) {
      let stored: Int
      switch column.validity {
      case .none: stored = column.rows
      case .allNull: stored = 0
      case .bitmap: stored = column.rows
      case .sparse: stored = column.rows - column.nulls
      }
      guard (column.nulls == 0) == (column.validity == .none) || column.rows == 0,
        (column.nulls == column.rows) == (column.validity == .allNull) || column.rows == 0
      else { throw failure("The nulls contradict the validity.", column) }
      guard column.lanes == (column.hasEndLane && stored > 0 ? stored + 1 : stored) else {
        throw failure("\(column.lanes) lanes for \(stored) values.", column)
      }
      let headers = (column.lanes + 1_023) / 1_024 * 16
      try add(column.headers, atLeast: column.isCoded ? 0 : headers, "headers")
      try add(column.bodies, atLeast: 0, "bodies")
      let words = (column.rows + 63) / 64
      if column.validity == .bitmap || column.validity == .sparse {
        try add(column.validityBits, atLeast: column.isCoded ? 0 : words * 8, "validity")
      }
      if column.validity == .sparse, !column.isCoded {
        try add(column.ranks, atLeast: (words + 7) / 8 * 4, "ranks")
      }
      try addValues(column)
      try checkPages(column)
    }

    private mutating func addValues(_ column: ColumnRecord) throws(LarderError) {
      guard allowed(column) else {
        throw failure("The type \(column.type) cannot be kept so.", column)
      }
      switch column.encoding {
      case .lanes: break
      case .fixedDictionary:
        try add(column.dictionaryValues, atLeast: column.dictionaryCount * 8, "dictionary")
      case .dictionary:
        let offsets = (column.dictionaryCount + 1) * 4
        try add(column.dictionaryOffsets, atLeast: offsets, "dictionary offsets")
        try add(column.dictionaryValues, atLeast: 0, "dictionary")
      case .plain: try add(column.bytes, atLeast: 0, "bytes")
      case .symbols:
        try add(column.dictionaryValues, atLeast: SymbolTable.byteCount, "symbol table")
        try add(column.bytes, atLeast: 0, "bytes")
      case .list:
        guard let child = column.elements.first, child.role == .elements,
          child.type == column.type.element
        else { throw failure("The list's elements are missing.", column) }
        try add(child)
      }
    }

    private func allowed(_ column: ColumnRecord) -> Bool {
      switch (column.type.layout, column.encoding) {
      case (.bits, .lanes), (.fixed, .lanes), (.fixed, .fixedDictionary): true
      case (.variable, .dictionary), (.variable, .plain),
        (.variable, .symbols):
        true
      case (.list, .list): true
      default: false
      }
    }

    private func checkPages(_ column: ColumnRecord) throws(LarderError) {
      var body: UInt64 = 0
      var bytes: UInt64 = 0
      for (index, page) in column.pages.enumerated() {
        guard page.bodyOffset >= body, page.bodyOffset <= column.bodies.bytes,
          page.bodyOffset % 8 == 0, index > 0 || page.bodyOffset == 0,
          page.bytesOffset >= bytes, page.bytesOffset <= column.bytes.bytes,
          index > 0 || page.bytesOffset == 0
        else { throw failure("Page \(index) has impossible bounds.", column) }
        body = page.bodyOffset
        bytes = page.bytesOffset
      }
      guard !column.pages.isEmpty || column.bodies.bytes == 0 && column.bytes.bytes == 0 else {
        throw failure("Bytes lie outside all pages.", column)
      }
    }

    /// The sections follow one another from the header to the footer.
    func finish() throws(LarderError) {
      var end = UInt64(SegmentLayout.headerBytes)
      for span in spans.sorted(by: { ($0.start, $0.end) < ($1.start, $1.end) }) {
        guard span.start == end else { throw failure("Bytes lie outside all sections.", nil) }
        end = span.end
      }
      guard end == footerOffset else { throw failure("Bytes lie outside all sections.", nil) }
    }
  }
}
