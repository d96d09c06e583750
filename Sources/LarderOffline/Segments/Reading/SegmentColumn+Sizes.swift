import LarderColumns
import LarderEncodings

extension SegmentColumn {
  /// Bytes that a query touched by reading rows of some pages, at the grain of what is verified.
  ///
  /// Opening the column touches headers, validity and dictionary whole; a row touches its page of
  /// packed values and, for texts, its page of bytes.
  ///
  /// - Parameter rowPages: pages of 65,536 rows, each at most once; all of them verified.
  package func touchedBytes(rowPages: [Int]) -> UInt64 {
    var total = openedBytes
    guard record.lanes > 0 else { return total }
    for page in lanePages(rowPages) { total += bytes(ofPage: page) }
    if let elements, elements.rows > 0 {
      total += elements.touchedBytes(rowPages: elementPages(rowPages, of: elements))
    }
    return total
  }

  /// Bytes that are verified when the column is opened.
  private var openedBytes: UInt64 {
    [
      record.headers, record.validityBits, record.ranks, record.dictionaryOffsets,
      record.encoding == .plain ? Section() : record.dictionaryValues,
    ].reduce(0) { $0 + $1.bytes }
  }

  private func bytes(ofPage page: Int) -> UInt64 {
    let own = record.pages[page]
    let isLast = page + 1 == record.pages.count
    let bodyEnd = isLast ? record.bodies.bytes : record.pages[page + 1].bodyOffset
    let bytesEnd = isLast ? record.bytes.bytes : record.pages[page + 1].bytesOffset
    return bodyEnd - own.bodyOffset + (bytesEnd - min(own.bytesOffset, bytesEnd))
  }

  /// The pages of lanes that hold pages of rows: the same, unless nulls have no lanes.
  private func lanePages(_ rowPages: [Int]) -> [Int] {
    guard validity.mode == .sparse else { return rowPages.filter { $0 < pageCount } }
    var pages: Set<Int> = []
    for page in rowPages {
      let slots = self.slots(of: rows(ofPage: page))
      if !slots.isEmpty {
        pages.formUnion((slots.lowerBound >> 16)...((slots.upperBound - 1) >> 16))
      }
    }
    return pages.sorted()
  }

  /// The pages of elements that lists on pages of rows may lie on.
  private func elementPages(_ rowPages: [Int], of elements: SegmentColumn) -> [Int] {
    var pages: Set<Int> = []
    for page in rowPages {
      let slots = self.slots(of: rows(ofPage: page))
      guard !slots.isEmpty else { continue }
      let touched = (slots.lowerBound >> 16)...(slots.upperBound >> 16)
      guard touched.allSatisfy({ isVerified(page: $0) }) else { continue }
      let start = unsafe Int(lanes.lane(at: slots.lowerBound))
      let end = unsafe Int(lanes.lane(at: slots.upperBound))
      if start < end { pages.formUnion((start >> 16)...((end - 1) >> 16)) }
    }
    return pages.sorted()
  }

  private func rows(ofPage page: Int) -> Range<Int> {
    page << 16..<min(rows, (page + 1) << 16)
  }
}

extension Segment {
  /// Bytes of the fences, which are verified whole.
  package var fenceBytes: UInt64 { footer.fences.bytes }
  /// Bytes of the entity ids and run starts, which are verified whole.
  package var indexBytes: UInt64 { footer.entityIDs.bytes + footer.runStarts.bytes }
}
