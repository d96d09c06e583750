import LarderColumns
import LarderEncodings
import LarderFiles

/// Writes the lanes of one column, page by page: bodies as they come, headers at the end.
struct LaneStreamWriter {
  private let sink: SegmentSink
  private let column: ColumnRecord
  private let options: LaneOptions
  private let checksPages: Bool
  private var encoder: VectorEncoder
  private let start: UInt64
  private(set) var pages: [PageRecord] = []
  private(set) var lanes = 0

  init(
    _ sink: SegmentSink, column: ColumnRecord, options: LaneOptions, checksPages: Bool
  ) {
    self.sink = sink
    self.column = column
    self.options = options
    self.checksPages = checksPages
    encoder = VectorEncoder(options)
    start = sink.position
  }

  /// Writes the next page: 65,536 lanes, or fewer at the end.
  ///
  /// - Parameters:
  ///   - page: the lanes.
  ///   - record: what else is known of the page; its body's place and hash are filled in.
  ///   - isLast: whether no page follows, so that padding belongs to this one.
  /// - Throws: errors of the file; `corrupt` if what was packed does not unpack to what was given,
  ///   which a fault of memory or of this code would show.
  @unsafe mutating func append(
    _ page: LanePage, record: PageRecord, isLast: Bool
  ) throws(LarderError) {
    var record = record
    record.bodyOffset = UInt64(encoder.position)
    let rows = unsafe page.count
    var row = 0
    while row < rows {
      let count = min(Limits.vectorRows, rows - row)
      unsafe append(page, row, count)
      row += count
    }
    if checksPages { unsafe try check(page) }
    if isLast {
      encoder.sink.align(to: SegmentLayout.alignment, after: encoder.sinkOrigin)
    }
    let seed = sink.seeds.seed(.bodies, column: column.key, page: pages.count)
    record.bodyHash = unsafe XXH3.hash64(encoder.sink.bytes, seed: seed)
    unsafe try sink.append(encoder.sink.bytes)
    encoder.didFlush()
    pages.append(record)
    lanes += rows
  }

  @unsafe private mutating func append(_ page: LanePage, _ row: Int, _ count: Int) {
    let restarts = unsafe page.restarts.map { unsafe $0 + row >> 6 }
    let lanes = unsafe page.lanes + row
    switch unsafe page.content {
    case .integers:
      unsafe encoder.append(VectorInput(lanes: lanes, count: count, restarts: restarts))
    case .floats(let floats, let exponent):
      unsafe floats.append(
        lanes, count, exponent: exponent, restarts: restarts, options: options, to: &encoder)
    }
  }

  /// Unpacks the page just packed and compares it with what was given.
  @unsafe private func check(_ page: LanePage) throws(LarderError) {
    let count = unsafe page.count
    var headers = Array(encoder.headers.suffix((count + 1_023) / 1_024))
    let origin = encoder.sinkOrigin >> 3
    for index in headers.indices { headers[index].offset -= UInt32(origin) }
    var traits: LaneTraits = []
    for header in headers { traits.formUnion(LaneTraits(header.kind)) }
    let ones: [Int64] = [1, 1]
    var firstFault: Int?
    unsafe headers.withUnsafeBufferPointer { headers in
      unsafe ones.withUnsafeBufferPointer { ones in
        guard let first = headers.baseAddress, let one = ones.baseAddress,
          let body = unsafe encoder.sink.bytes.baseAddress
        else { return }
        let view = unsafe PackedView(
          headers: first, body: body, scales: one, count: count, traits: traits)
        firstFault = (0..<count).first { row in
          unsafe Self.bits(view, row, page.content, column.type) != page.lanes[row]
        }
      }
    }
    if let firstFault {
      throw LarderError(
        .corrupt, "A page did not decode to what was encoded; nothing was committed.",
        column: column.name, row: lanes + firstFault)
    }
  }

  @unsafe private static func bits(
    _ view: PackedView, _ row: Int, _ content: LanePage.Content, _ type: DataType
  ) -> Int64 {
    switch content {
    case .integers: return unsafe view.lane(at: row)
    case .floats:
      if type == .float64 { return unsafe Int64(bitPattern: view.double(at: row).bitPattern) }
      return unsafe Int64(view.float(at: row).bitPattern)
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
    column.headers = try sink.writeSection(.headers, column: column.key, content)
  }
}

/// Lanes to be packed: up to one page of a column.
@unsafe struct LanePage {
  /// What lanes are.
  enum Content {
    /// Numbers, codes or offsets.
    case integers
    /// The bits of floats, and the power of ten that fits the page's decimals.
    case floats(FloatEncoder, exponent: Int?)
  }

  var lanes: UnsafePointer<Int64>
  var count: Int
  var content = Content.integers
  /// Bits, 1 = the lane's row starts an entity's run.
  var restarts: UnsafePointer<UInt64>?
}
