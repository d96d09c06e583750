import LarderColumns

/// What a materialization read and wrote.
public struct MaterializationReport: Sendable, Hashable, Codable {
  /// A key whose row the online table cannot hold; it serves nothing of history's for it.
  public struct LeftOut: Sendable, Hashable, Codable, CustomStringConvertible {
    /// The view.
    public var view: String
    /// The join keys and their values.
    public var key: [String: Value]
    /// The feature or time column that is too large; nil if none can be named.
    public var column: String?
    /// Why.
    public var reason: String

    /// Makes an entry.
    public init(view: String, key: [String: Value], column: String?, reason: String) {
      self.view = view
      self.key = key
      self.column = column
      self.reason = reason
    }

    /// What was left out and why, in a line.
    ///
    /// `documents id=7 body: The row has 17000000 bytes; an online row has at most 16 MiB.`
    public var description: String {
      let key = key.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
      return "\(([view] + key + [column].compactMap(\.self)).joined(separator: " ")): \(reason)"
    }
  }

  /// The view.
  public var view: String
  /// Rows of history written: at most one per entity and step.
  public var rows: Int
  /// How many keys of the online table got another row; the others had it, or a greater one.
  public var changedKeys: Int
  /// Of the rows, those that came late: for times that an earlier run had covered.
  public var lateRows: Int
  /// The watermark afterwards; nil for a run of a given range, which leaves it alone.
  public var watermark: OnlineWatermark?
  /// Whether all values were recomputed from history, because they were never brought over, history
  /// was changed since, or it was asked for.
  public var isRebuilt: Bool
  /// What the online table cannot hold.
  public var leftOut: [LeftOut]
  /// Seconds it took.
  public var seconds: Double

  /// Makes a report.
  public init(
    view: String, rows: Int, changedKeys: Int, lateRows: Int, watermark: OnlineWatermark?,
    isRebuilt: Bool = false, leftOut: [LeftOut] = [], seconds: Double = 0
  ) {
    self.seconds = seconds
    self.view = view
    self.rows = rows
    self.changedKeys = changedKeys
    self.lateRows = lateRows
    self.watermark = watermark
    self.isRebuilt = isRebuilt
    self.leftOut = leftOut
  }
}
