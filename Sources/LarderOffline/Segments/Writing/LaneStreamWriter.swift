import LarderColumns
import LarderEncodings
import LarderFiles

/// Writes the lanes of one column, page by page: bodies as they come, headers at the end.
struct LaneStreamWriter {
  private let sink: SegmentSink
  private let column: ColumnRecord
  private let options: LaneOptions
  private let settings: SegmentOptions
  private var encoder: VectorEncoder
  private let start: UInt64
  private(set) var pages: [PageRecord] = []
  private(set) var lanes = 0

  init(
    _ sink: SegmentSink, column: ColumnRecord, options: LaneOptions, settings: SegmentOptions
  ) {
    self.sink = sink
    self.column = column
    self.options = options
    self.settings = settings
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
    record.bodyOffset = sink.position - start
    record.imageOffset = UInt64(encoder.position)
    let rows = unsafe page.count
    var row = 0
    while row < rows {
      let count = min(Limits.vectorRows, rows - row)
      unsafe append(page, row, count)
      row += count
    }
    if settings.checksPages { unsafe try check(page) }
    let packed = unsafe packedByEntropy(page)
    record.isPacked = packed != nil
    let bodies = packed?.sink ?? encoder.sink
    if isLast {
      bodies.align(to: SegmentLayout.alignment, after: Int(record.bodyOffset))
    }
    let seed = sink.seeds.seed(.bodies, column: column.key, page: pages.count)
    record.bodyHash = unsafe XXH3.hash64(bodies.bytes, seed: seed)
    unsafe try sink.append(bodies.bytes)
    if let packed {
      if settings.checksPages { unsafe try check(page, packed) }
      encoder.exchange(for: packed.headers, bytes: packed.imageBytes)
    } else {
      encoder.didFlush()
    }
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

  /// Packs a page of a cold segment by its entropy; nil where that does not pay.
  @unsafe private func packedByEntropy(_ page: LanePage) -> EntropyPage.Encoded? {
    let count = unsafe page.count
    guard settings.profile == .cold, column.role != .elements,
      count >= EntropyPage.fewestLanes, encoder.sink.count > 1_024
    else { return nil }
    let isFenced = column.reference == .fence
    let packed: EntropyPage.Encoded
    switch unsafe page.content {
    case .integers:
      unsafe packed = EntropyPage.encode(
        page.lanes, count, EntropyPage.Form(), values: nil, isFenced: isFenced)
    case .floats(let floats, let exponent):
      let scratch = Buffer(uninitializedBytes: count * 8)
      let lanes = unsafe scratch.base.assumingMemoryBound(to: Int64.self)
      let form = unsafe floats.form(page.lanes, count, exponent: exponent, into: lanes)
      unsafe packed = EntropyPage.encode(
        lanes, count, form, values: page.lanes, isFenced: isFenced)
    }
    return packed.sink.count * 100 < encoder.sink.count * 97 ? packed : nil
  }

  /// Unpacks the page just packed and compares it with what was given.
  @unsafe private func check(_ page: LanePage) throws(LarderError) {
    let count = unsafe page.count
    var headers = Array(encoder.headers.suffix((count + 1_023) / 1_024))
    let origin = encoder.sinkOrigin >> 3
    for index in headers.indices { headers[index].offset -= UInt32(origin) }
    guard let body = unsafe encoder.sink.bytes.baseAddress else { return }
    unsafe try check(page, headers, body)
  }

  /// Unpacks the page just packed by its entropy and compares it with what was given.
  @unsafe private func check(
    _ page: LanePage, _ packed: EntropyPage.Encoded
  ) throws(LarderError) {
    let image = Buffer(zeroedBytes: packed.imageBytes)
    let isDecoded = unsafe packed.headers.withUnsafeBufferPointer { headers in
      guard let first = headers.baseAddress else { return false }
      return unsafe EntropyPage.decode(
        packed.sink.bytes, page.count, headers: first, into: image.base)
    }
    guard isDecoded else { throw differs(lanes) }
    unsafe try check(page, packed.headers, UnsafeRawPointer(image.base))
  }

  @unsafe private func check(
    _ page: LanePage, _ headers: [VectorHeader], _ body: UnsafeRawPointer
  ) throws(LarderError) {
    let count = unsafe page.count
    var traits: LaneTraits = []
    for header in headers { traits.formUnion(LaneTraits(header.kind)) }
    let ones: [Int64] = [1, 1]
    var firstFault: Int?
    unsafe headers.withUnsafeBufferPointer { headers in
      unsafe ones.withUnsafeBufferPointer { ones in
        guard let first = headers.baseAddress, let one = ones.baseAddress else { return }
        let view = unsafe PackedView(
          headers: first, body: body, scales: one, count: count, traits: traits)
        firstFault = (0..<count).first { row in
          unsafe Self.bits(view, row, page.content, column.type) != page.lanes[row]
        }
      }
    }
    if let firstFault { throw differs(lanes + firstFault) }
  }

  private func differs(_ row: Int) -> LarderError {
    LarderError(
      .corrupt, "A page did not decode to what was encoded; nothing was committed.",
      column: column.name, row: row)
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
    column.bodies = Section(offset: start, bytes: sink.position - start, hash: 0)
    column.pages = pages
    column.lanes = lanes
    column.isCoded = pages.contains { $0.isPacked || $0.hasPackedBytes }
    column.imageBytes = column.isCoded ? UInt64(encoder.position) : 0
    if !column.isCoded { column.textBytes = 0 }
    column.traits = encoder.traits
    if pages.contains(where: { $0.scale != 1 }) { column.traits.insert(.scaled) }
    let content = column.isCoded ? CodedSection.encodeHeaders(encoder.headers) : ByteSink()
    if !column.isCoded { content.append(encoder.headers) }
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
