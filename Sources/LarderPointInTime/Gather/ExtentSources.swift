import CLarderKernels
import LarderColumns
import LarderEncodings
import LarderOffline

/// Where a feature's values of varying length begin and end, by the ordinals of the view's segments;
/// read by all workers.
///
/// A column of plain texts, or of lists, has offsets in its lanes. A text that has a code instead is
/// found through its dictionary, and its extent is counted from address zero.
@safe final class ExtentSources: @unchecked Sendable {
  /// For each segment its column; nil if it was written without it or holds only nulls.
  let columns: [SegmentColumn?]
  /// The lanes of offsets or codes.
  let lanes: GatherSources
  /// By segment, 1 where the lanes are offsets.
  let hasOffsets: Lanes<UInt8>
  /// By segment, the address that extents count from.
  let bases: Lanes<UInt>
  private let arena = LaneArena()

  /// - Parameter columns: of texts or of lists.
  init(_ columns: [SegmentColumn?]) {
    lanes = GatherSources(lanesOf: columns)
    self.columns = lanes.columns
    hasOffsets = arena.lanes(max(1, columns.count))
    bases = arena.lanes(max(1, columns.count))
    for (ordinal, column) in columns.enumerated() {
      guard let column else { continue }
      hasOffsets[ordinal] = column.encoding == .dictionary ? 0 : 1
      bases[ordinal] = unsafe column.plainBytes.map { UInt(bitPattern: $0) } ?? 0
    }
  }

  /// The extent of a row's value, whose page is verified then; -1 for a null.
  ///
  /// - Throws: `corrupt` if the offsets fall.
  func extent(_ ordinal: Int, _ row: Int) throws(LarderError) -> larder_extent {
    let nothing = larder_extent(start: -1, end: -1)
    guard let column = columns[ordinal], unsafe column.validity.isValid(row) else {
      return nothing
    }
    try column.ensureVerified(rows: row..<row + 1)
    let slot = unsafe column.validity.slot(of: row)
    let first = unsafe column.lanes.lane(at: slot)
    if let dictionary = column.dictionary {
      let bytes = unsafe dictionary.value(of: Int(first))
      let start = Int64(Int(bitPattern: bytes.baseAddress))
      return larder_extent(start: start, end: start + Int64(bytes.count))
    }
    return larder_extent(start: first, end: unsafe column.lanes.lane(at: slot + 1))
  }
}
