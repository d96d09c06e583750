import CLarderKernels
import LarderColumns
import LarderEncodings
import LarderOffline

/// The sources of one feature, by the ordinals of the view's segments; read by all workers.
@safe final class GatherSources: @unchecked Sendable {
  /// For each segment its column; nil if it was written without it or holds only nulls.
  let columns: [SegmentColumn?]
  /// The one way in which all segments' values are read; nil if they differ.
  let uniform: LaneReading?
  /// How the kernels write the values; nil if they cannot read them.
  let form: larder_form?
  /// What the hot loops read, by ordinal.
  let table: UnsafePointer<GatherSource>
  /// What the kernels read, by ordinal.
  let kernelColumns: UnsafePointer<larder_column>
  private let base: UnsafeMutablePointer<GatherSource>
  private let kernelBase: UnsafeMutablePointer<larder_column>
  private let buffers: [Buffer?]
  private let nothing = Buffer(zeroedBytes: 64)

  /// - Parameters:
  ///   - columns: one for each segment; nil where it was written without the feature.
  ///   - type: the feature's type now.
  ///   - codes: for each segment the result's code of each of its own, if texts come as codes.
  /// - Throws: `incompatibleDefinition` if a column's type cannot be widened to the feature's.
  convenience init(
    _ columns: [SegmentColumn?], as type: DataType, codes: [Buffer?]? = nil
  ) throws(LarderError) {
    let readings = try GatherSources.present(columns).map { column throws(LarderError) in
      try column.map { column throws(LarderError) in try LaneReading(column, as: type) } ?? .absent
    }
    self.init(
      columns, readings, codes: codes,
      form: GatherSources.form(
        Set(readings).subtracting([.absent]), of: type, isCoded: codes != nil))
  }

  /// The lanes themselves, whatever they stand for: offsets, or codes of a segment's own.
  convenience init(lanesOf columns: [SegmentColumn?]) {
    let readings = GatherSources.present(columns).map {
      column -> LaneReading in column == nil ? .absent : .lane
    }
    self.init(columns, readings, codes: nil, form: nil)
  }

  /// Columns that hold more than nulls.
  private static func present(_ columns: [SegmentColumn?]) -> [SegmentColumn?] {
    columns.map { column in column.flatMap { $0.nullCount < $0.rows ? $0 : nil } }
  }

  private init(
    _ columns: [SegmentColumn?], _ readings: [LaneReading], codes: [Buffer?]?, form: larder_form?
  ) {
    let present = GatherSources.present(columns)
    self.columns = present
    self.form = form
    buffers = codes ?? []
    unsafe base = UnsafeMutablePointer<GatherSource>.allocate(capacity: max(1, columns.count))
    unsafe table = UnsafePointer(base)
    unsafe kernelBase = UnsafeMutablePointer<larder_column>.allocate(
      capacity: max(1, columns.count))
    unsafe kernelColumns = UnsafePointer(kernelBase)
    for (ordinal, column) in present.enumerated() {
      let source = GatherSources.source(
        column, readings[ordinal], codes?[ordinal] ?? nothing, nothing)
      unsafe (base + ordinal).initialize(to: source)
      unsafe (kernelBase + ordinal).initialize(to: larder_column(source))
    }
    let ways = Set(readings).subtracting([.absent])
    uniform = ways.count == 1 ? ways.first : nil
  }

  deinit {
    unsafe base.deallocate()
    unsafe kernelBase.deallocate()
  }

  /// How the kernels write values that are read in some ways; nil for ways that are not theirs.
  private static func form(
    _ readings: Set<LaneReading>, of type: DataType, isCoded: Bool
  ) -> larder_form? {
    if isCoded { return readings.isSubset(of: [.code]) ? LARDER_CODES : nil }
    switch type.layout {
    case .bits: return readings.isSubset(of: [.plain, .lane]) ? LARDER_BITS : nil
    case .fixed(bytes: 8):
      if readings == [.distinct] { return LARDER_DISTINCT }
      if type == .float64 {
        return readings.isSubset(of: [.plain, .double]) ? LARDER_DOUBLES : nil
      }
      return readings.isSubset(of: [.plain, .lane]) ? LARDER_LANES : nil
    case .fixed(bytes: 4): return readings.isSubset(of: [.plain, .lane]) ? LARDER_HALVES : nil
    default: return nil
    }
  }

  private static func source(
    _ column: SegmentColumn?, _ reading: LaneReading, _ codes: Buffer, _ nothing: Buffer
  ) -> GatherSource {
    let empty = unsafe nothing.base
    let none = unsafe ValidityView(
      mode: .allNull, words: UnsafePointer(empty.assumingMemoryBound(to: UInt64.self)),
      ranks: UnsafePointer(empty.assumingMemoryBound(to: UInt32.self)))
    let lanes = unsafe PackedView(
      headers: UnsafePointer(empty.assumingMemoryBound(to: VectorHeader.self)),
      body: UnsafeRawPointer(empty),
      scales: UnsafePointer(empty.assumingMemoryBound(to: Int64.self)), count: 0, traits: [])
    let distinct = unsafe FixedDictionaryView(
      words: UnsafePointer(empty.assumingMemoryBound(to: UInt64.self)), count: 0)
    let validity = column?.validity ?? none
    return GatherSource(
      reading: reading, lanes: column?.lanes ?? lanes, validity: validity,
      mode: validity.mode.rawValue, distinct: column?.fixedDictionary ?? distinct,
      codes: Lanes(codes))
  }

  /// Notes for which segments all pages are verified, so that rows need not be asked one by one.
  func noteVerified(_ flags: Lanes<UInt8>) {
    for (ordinal, column) in columns.enumerated() where flags[ordinal] == 0 {
      guard let column else {
        flags[ordinal] = 1
        continue
      }
      if (0..<column.pageCount).allSatisfy({ column.isVerified(page: $0) }) { flags[ordinal] = 1 }
    }
  }

  /// Verifies the page that a slot of a segment lies on.
  ///
  /// - Throws: `corrupt` if it is damaged.
  @inline(never) func verify(_ ordinal: Int, slot: Int) throws(LarderError) {
    try columns[ordinal]?.ensureVerified(page: slot >> 16)
  }
}

extension larder_column {
  /// What the kernels read of a source; valid while its segment lives.
  init(_ source: GatherSource) {
    unsafe self.init(
      headers: UnsafeRawPointer(source.lanes.headers)
        .assumingMemoryBound(to: larder_vector.self),
      body: source.lanes.body.assumingMemoryBound(to: UInt8.self), scales: source.lanes.scales,
      valid: source.validity.words, ranks: source.validity.ranks, distinct: source.distinct.words,
      codes: UnsafePointer(source.codes.base), mode: UInt32(source.mode))
  }
}
