import LarderColumns

/// Rows that are to become segments: their ids and times in memory, their columns on request.
protocol RowSource: Sendable {
  /// How many rows.
  var count: Int { get }
  /// UInt32 per row.
  var ids: Buffer { get }
  /// Int64 ticks per row.
  var events: Buffer { get }
  /// The columns in the order in which a segment has them.
  var parts: [RowPart] { get }
  /// How columns find some rows.
  ///
  /// - Parameter rows: UInt32 per row, as the sort gave them.
  func picks(_ rows: Buffer, in scratch: ScratchMemory) -> RowPicks
  /// A column's values of some rows, in their order.
  ///
  /// - Parameter scratch: where large results take their memory from.
  func gathered(
    _ part: RowPart, _ picks: RowPicks, in scratch: ScratchMemory
  ) throws(LarderError) -> Column
}

extension RowSource {
  func picks(_ rows: Buffer, in scratch: ScratchMemory) -> RowPicks {
    RowPicks(rows: rows, places: nil)
  }
}

/// A column of rows that become a segment, without its values; the event times go without saying.
enum RowPart: Sendable, Hashable {
  case created
  /// By the field's id.
  case feature(UInt32)
}
