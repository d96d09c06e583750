import LarderColumns

/// What a materialization read and wrote.
public struct MaterializationReport: Sendable, Hashable {
  /// The view.
  public var view: String
  /// Rows of history written: at most one per entity and step.
  public var rows: Int
  /// Of these, rows that came late: for times that an earlier run had covered.
  public var lateRows: Int
  /// The watermark afterwards; nil for a run of a given range, which leaves it alone.
  public var watermark: OnlineWatermark?

  /// Makes a report.
  public init(view: String, rows: Int, lateRows: Int, watermark: OnlineWatermark?) {
    self.view = view
    self.rows = rows
    self.lateRows = lateRows
    self.watermark = watermark
  }
}
