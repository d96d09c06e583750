import CLarderKernels
import Glibc
import LarderColumns
import LarderEncodings
import LarderFiles

/// Verifies one page of a column: its checksums, then that nothing in it points outside.
struct PageVerification {
  private let column: SegmentColumn
  private let page: Int
  private let record: ColumnRecord

  init(_ column: SegmentColumn, _ page: Int) {
    self.column = column
    self.page = page
    record = column.record
  }

  func run() throws(LarderError) {
    try verifyBodies()
    try verifyVectors()
    switch record.encoding {
    case .lanes: break
    case .dictionary, .fixedDictionary: try verifyCodes()
    case .plain, .symbols:
      try verifyBytes()
      let texts = record.texts(ofPage: page)
      try verifyOffsets(UInt64(texts.lowerBound)...UInt64(texts.upperBound))
    case .list: try verifyOffsets(0...UInt64(column.elements?.rows ?? 0))
    }
  }

  private func failure(_ message: String, _ offset: UInt64) -> LarderError {
    LarderError(
      .corrupt, "Page \(page): \(message)", file: column.source.path, offset: offset,
      column: record.name)
  }

  private func verifyBodies() throws(LarderError) {
    let start = Int(record.pages[page].bodyOffset)
    let isLast = page + 1 == record.pages.count
    let end = Int(isLast ? record.bodies.bytes : record.pages[page + 1].bodyOffset)
    let bytes = unsafe column.source.bytes(record.bodies, start..<end)
    let seed = column.source.seeds.seed(.bodies, column: record.key, page: page)
    guard unsafe XXH3.hash64(bytes, seed: seed) == record.pages[page].bodyHash else {
      throw failure(
        "its \(bytes.count) bytes do not match their checksum.",
        record.bodies.offset + UInt64(start))
    }
    if let image = column.image, unsafe !unpack(bytes, into: image) {
      throw failure(
        "its \(bytes.count) bytes do not unpack to what its headers say.",
        record.bodies.offset + UInt64(start))
    }
  }

  /// Puts the page's bodies where they are read; false if they are not what the headers say.
  private func unpack(_ bytes: UnsafeRawBufferPointer, into image: PageImage) -> Bool {
    let place = record.bodies(ofPage: page)
    image.noteUnpacked(place.count)
    guard record.pages[page].isPacked else {
      guard place.count <= bytes.count, let start = bytes.baseAddress else {
        return place.isEmpty
      }
      unsafe memcpy(image.base + place.lowerBound, start, place.count)
      return true
    }
    return unsafe EntropyPage.decode(
      bytes, laneRange.count, headers: column.lanes.headers + page * 64, into: image.base)
  }

  /// Checks patches, runs and anchors of the page's vectors.
  private func verifyVectors() throws(LarderError) {
    if column.lanes.traits.isDisjoint(with: [.patches, .runs, .delta]) { return }
    for vector in (page * 64)..<min(page * 64 + 64, (record.lanes + 1_023) / 1_024) {
      let header = unsafe column.lanes.headers[vector]
      let count = min(Limits.vectorRows, record.lanes - vector * Limits.vectorRows)
      let start = Int(header.offset) * 8
      let body = unsafe column.lanes.body + start
      let end = record.bodies(ofPage: page).upperBound
      guard unsafe header.isSound(body, count, available: end - start) else {
        throw failure("vector \(vector) is impossible.", record.bodies.offset + UInt64(start))
      }
    }
  }

  private var laneRange: Range<Int> {
    page * Limits.pageRows..<min((page + 1) * Limits.pageRows, record.lanes)
  }

  private func verifyCodes() throws(LarderError) {
    let limit = record.dictionaryCount
    let vectors = (laneRange.lowerBound >> 10)...((laneRange.upperBound - 1) >> 10)
    var outside: UInt64 = 0
    unsafe withUnsafeTemporaryAllocation(of: Int64.self, capacity: 1_024) { scratch in
      guard let codes = scratch.baseAddress else { return }
      for vector in vectors {
        unsafe column.lanes.decode(vector: vector, into: codes)
        unsafe outside += larder_count_outside(
          codes, column.lanes.laneCount(inVector: vector), UInt64(limit))
      }
    }
    guard outside == 0 else {
      throw failure("\(outside) codes have no value among \(limit).", record.bodies.offset)
    }
  }

  /// Where the page's bytes lie within the column's.
  private var pageBytes: Range<Int> {
    let pages = (record.lanes - 1 + Limits.pageRows - 1) / Limits.pageRows
    let end = page + 1 < pages ? record.pages[page + 1].bytesOffset : record.bytes.bytes
    return Int(
      record.pages[page].bytesOffset)..<max(
        Int(record.pages[page].bytesOffset), Int(end))
  }

  private func verifyBytes() throws(LarderError) {
    let pages = (record.lanes - 1 + Limits.pageRows - 1) / Limits.pageRows
    guard page < pages else { return }
    let bytes = unsafe column.source.bytes(record.bytes, pageBytes)
    let seed = column.source.seeds.seed(.bytes, column: record.key, page: page)
    guard unsafe XXH3.hash64(bytes, seed: seed) == record.pages[page].bytesHash else {
      throw failure(
        "its \(bytes.count) bytes of values do not match their checksum.",
        record.bytes.offset + UInt64(pageBytes.lowerBound))
    }
    guard let image = column.textImage else { return }
    let place = record.texts(ofPage: page)
    image.noteUnpacked(place.count)
    let target = unsafe UnsafeMutableRawBufferPointer(
      start: image.base + place.lowerBound, count: place.count)
    guard place.count <= Limits.packedTextBytes || !record.pages[page].hasPackedBytes,
      unsafe record.pages[page].hasPackedBytes
        ? TextPage.decode(bytes, into: target) : TextPage.copy(bytes, into: target)
    else {
      throw failure(
        "its \(bytes.count) bytes do not unpack to \(place.count).",
        record.bytes.offset + UInt64(pageBytes.lowerBound))
    }
  }

  /// Checks that offsets do not fall and stay in bounds; the first of a page of bytes is its start.
  private func verifyOffsets(_ bounds: ClosedRange<UInt64>) throws(LarderError) {
    let vectors = (laneRange.lowerBound >> 10)...((laneRange.upperBound - 1) >> 10)
    var faults = 0
    var before = bounds.lowerBound
    unsafe withUnsafeTemporaryAllocation(of: Int64.self, capacity: 1_024) { scratch in
      guard let offsets = scratch.baseAddress else { return }
      for vector in vectors {
        unsafe column.lanes.decode(vector: vector, into: offsets)
        for index in 0..<column.lanes.laneCount(inVector: vector) {
          let offset = unsafe UInt64(bitPattern: offsets[index])
          faults &+= offset >= before ? 0 : 1
          before = offset
        }
      }
    }
    guard faults == 0, before <= bounds.upperBound else {
      throw failure("the offsets fall or leave the page.", record.bodies.offset)
    }
    if record.hasBytes,
      unsafe column.lanes.lane(at: laneRange.lowerBound)
        != Int64(bounds.lowerBound)
    {
      throw failure("the first offset is not the page's.", record.bodies.offset)
    }
  }
}
