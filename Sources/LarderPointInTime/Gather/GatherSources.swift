import LarderColumns
import LarderEncodings
import LarderOffline

/// The sources of one feature, by the ordinals of the view's segments; read by all workers.
@safe final class GatherSources: @unchecked Sendable {
  /// For each segment its column; nil if it was written without it or holds only nulls.
  let columns: [SegmentColumn?]
  /// The one way in which all segments' values are read; nil if they differ.
  let uniform: LaneReading?
  /// What the hot loops read, by ordinal.
  let table: UnsafePointer<GatherSource>
  private let base: UnsafeMutablePointer<GatherSource>
  private let buffers: [Buffer?]
  private let nothing = Buffer(zeroedBytes: 64)

  /// - Parameters:
  ///   - columns: one for each segment; nil where it was written without the feature.
  ///   - type: the feature's type now.
  ///   - codes: for each segment the result's code of each of its own, if texts come as codes.
  /// - Throws: `incompatibleDefinition` if a column's type cannot be widened to the feature's.
  init(
    _ columns: [SegmentColumn?], as type: DataType, codes: [Buffer?]? = nil
  ) throws(LarderError) {
    let present = columns.map { column in column.flatMap { $0.nullCount < $0.rows ? $0 : nil } }
    self.columns = present
    buffers = codes ?? []
    var readings: Set<LaneReading> = []
    unsafe base = UnsafeMutablePointer<GatherSource>.allocate(capacity: max(1, columns.count))
    unsafe table = UnsafePointer(base)
    var sources: [GatherSource] = []
    do throws(LarderError) {
      for (ordinal, column) in present.enumerated() {
        var reading = LaneReading.absent
        if let column {
          reading = try LaneReading(column, as: type)
          readings.insert(reading)
        }
        sources.append(
          GatherSources.source(column, reading, codes?[ordinal] ?? nothing, nothing))
      }
    } catch {
      unsafe base.deallocate()
      throw error
    }
    for (ordinal, source) in sources.enumerated() {
      unsafe (base + ordinal).initialize(to: source)
    }
    uniform = readings.count == 1 ? readings.first : nil
  }

  deinit { unsafe base.deallocate() }

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
