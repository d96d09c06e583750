import LarderColumns
import LarderEncodings
import LarderFiles

/// Writes the lanes of one column, page by page: bodies as they come, headers at the end.
struct LaneStreamWriter {
  private let sink: SegmentSink
  private let key: UInt64
  private var encoder: VectorEncoder
  private let start: UInt64
  private(set) var pages: [PageRecord] = []
  private(set) var lanes = 0

  init(_ sink: SegmentSink, key: UInt64, profile: SegmentProfile) {
    self.sink = sink
    self.key = key
    encoder = VectorEncoder()
    start = sink.position
  }

  /// Writes the next page: 65,536 lanes, or fewer at the end.
  ///
  /// - Parameters:
  ///   - page: what else is known of the page; its body's place and hash are filled in.
  ///   - isLast: whether no page follows, so that padding belongs to this one.
  @unsafe mutating func append(
    _ page: LanePage, record: PageRecord, isLast: Bool
  ) throws(LarderError) {
    var record = record
    record.bodyOffset = UInt64(encoder.position)
    unsafe encodeVectors(of: page, scale: record.scale)
    if isLast { encoder.sink.align(to: SegmentLayout.alignment) }
    let seed = sink.seeds.seed(.bodies, column: key, page: pages.count)
    record.bodyHash = unsafe XXH3.hash64(encoder.sink.bytes, seed: seed)
    unsafe try sink.append(encoder.sink.bytes)
    encoder.didFlush()
    pages.append(record)
    unsafe lanes += page.count
  }

  @unsafe private mutating func encodeVectors(of page: LanePage, scale: Int64) {
    var row = 0
    let rows = unsafe page.count
    while row < rows {
      let count = min(Limits.vectorRows, rows - row)
      unsafe encoder.append(
        page.lanes + row, count, flags: page.flags, exponent: page.exponent)
      row += count
    }
  }

  /// Writes the headers and fills in a column's record.
  mutating func finish(_ column: inout ColumnRecord) throws(LarderError) {
    column.bodies = Section(offset: start, bytes: UInt64(encoder.position), hash: 0)
    column.pages = pages
    column.lanes = lanes
    column.traits = encoder.traits
    if pages.contains(where: { $0.scale != 1 }) { column.traits.insert(.scaled) }
    let content = ByteSink()
    content.append(encoder.headers)
    column.headers = try sink.writeSection(.headers, column: key, content)
  }
}

/// Lanes to be packed: up to one page of a column.
@unsafe struct LanePage {
  var lanes: UnsafePointer<Int64>
  var count: Int
  var flags: VectorKind = []
  var exponent = 0
}
