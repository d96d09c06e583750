import LarderColumns

/// What a materialization read and wrote.
public struct MaterializationReport: Sendable, Hashable {
  /// The view.
  public var view: String
  /// Rows of history written: at most one per entity and step.
  public var rows: Int
  /// How many keys of the online table got another row; the others had it, or a newer one.
  public var changedKeys: Int
  /// Of the rows, those that came late: for times that an earlier run had covered.
  public var lateRows: Int
  /// The watermark afterwards; nil for a run of a given range, which leaves it alone.
  public var watermark: OnlineWatermark?

  /// Makes a report.
  public init(
    view: String, rows: Int, changedKeys: Int, lateRows: Int, watermark: OnlineWatermark?
  ) {
    self.view = view
    self.rows = rows
    self.changedKeys = changedKeys
    self.lateRows = lateRows
    self.watermark = watermark
  }
}
