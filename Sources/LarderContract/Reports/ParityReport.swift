import LarderColumns

/// Whether online tables say what history says at their watermarks.
public struct ParityReport: Sendable, Hashable {
  /// What was found of one view.
  public struct View: Sendable, Hashable, Codable {
    /// The view's name.
    public var name: String
    /// How far history was materialized; nil if it never was.
    public var watermark: OnlineWatermark?
    /// Keys that were compared, each once: those of history, and others of the online table.
    public var keys = 0
    /// Keys of which a direct write or deletion is served: only what they have of history's is
    /// compared.
    public var directKeys = 0
    /// Keys that runs since the watermark brought further than it says.
    public var aheadKeys = 0
    /// Keys whose answers differ.
    public var differences = 0
    /// The first differences, at most 20.
    public var samples: [Difference] = []
    /// Why the view was not compared; nil if it was.
    public var reason: String?
    /// Whether history was changed since in a way that the next materialization takes every answer
    /// again for.
    public var isBehind = false

    /// Makes a report of nothing.
    public init(name: String) { self.name = name }
  }

  /// A key whose answers differ.
  public struct Difference: Sendable, Hashable, Codable, CustomStringConvertible {
    /// The join keys and their values.
    public var key: [String: Value]
    /// What differs: a feature, or the event time.
    public var column: String
    /// What the online table says.
    public var online: Value
    /// What history says.
    public var offline: Value

    /// Makes a difference.
    public init(key: [String: Value], column: String, online: Value, offline: Value) {
      self.key = key
      self.column = column
      self.online = online
      self.offline = offline
    }

    /// `driver=1 trips: online 3, history 4`.
    public var description: String {
      let key = key.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
      return "\(key.joined(separator: " ")) \(column): online \(online), history \(offline)"
    }
  }

  /// The views, by name.
  public var views: [View]
  /// What the sample was drawn with; the same number draws the same keys.
  public var seed: UInt64

  /// Makes a report.
  public init(views: [View], seed: UInt64) {
    self.views = views
    self.seed = seed
  }

  /// Whether every view that was materialized was compared and nothing differs.
  public var isEqual: Bool {
    views.allSatisfy { $0.differences == 0 && ($0.reason == nil || $0.watermark == nil) }
  }
}

extension ParityReport: Codable {
  private enum CodingKeys: String, CodingKey { case views, seed }
  private enum DerivedKeys: String, CodingKey { case isEqual }

  /// Writes whether all is equal, the seed, and what was found of each view.
  public func encode(to encoder: any Encoder) throws {
    var derived = encoder.container(keyedBy: DerivedKeys.self)
    try derived.encode(isEqual, forKey: .isEqual)
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(seed, forKey: .seed)
    try members.encode(views, forKey: .views)
  }
}
