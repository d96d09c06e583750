/// One thing that applying definitions changed, or would change.
public struct DefinitionChange: Sendable, Hashable {
  /// The kinds of change.
  public enum Kind: String, Sendable, Hashable, CaseIterable, Codable {
    /// An entity is new.
    case addedEntity
    /// An entity's join keys, description or tags differ.
    case changedEntity
    /// A view is new.
    case addedView
    /// A view's time to live, partition width, description, tags or order of features differ.
    case changedView
    /// A view is gone, and with it its history as of later snapshots.
    case droppedView
    /// A view has a new feature; it is null in all rows there are.
    case addedFeature
    /// A feature's description or tags differ.
    case changedFeature
    /// A feature is gone.
    case droppedFeature
    /// A feature has a new name and keeps its values.
    case renamedFeature
    /// A feature has a wider type and keeps its values.
    case widenedFeature
    /// A service is new.
    case addedService
    /// A service differs.
    case changedService
    /// A service is gone.
    case droppedService
  }

  /// What kind of change it is.
  public var kind: Kind
  /// The name of the entity, view or service.
  public var name: String
  /// The feature it concerns, if it concerns one.
  public var feature: String?
  /// From what to what, in words; empty where the kind says it all.
  public var detail: String

  /// Makes a change.
  public init(_ kind: Kind, _ name: String, feature: String? = nil, detail: String = "") {
    self.kind = kind
    self.name = name
    self.feature = feature
    self.detail = detail
  }
}

extension DefinitionChange: CustomStringConvertible {
  /// The change as a line for people: `added feature driver_stats:trips (int64)`.
  public var description: String {
    let words =
      switch kind {
      case .addedEntity: "added entity"
      case .changedEntity: "changed entity"
      case .addedView: "added view"
      case .changedView: "changed view"
      case .droppedView: "dropped view"
      case .addedFeature: "added feature"
      case .changedFeature: "changed feature"
      case .droppedFeature: "dropped feature"
      case .renamedFeature: "renamed feature"
      case .widenedFeature: "widened feature"
      case .addedService: "added service"
      case .changedService: "changed service"
      case .droppedService: "dropped service"
      }
    let subject = feature.map { "\(name):\($0)" } ?? name
    return detail.isEmpty ? "\(words) \(subject)" : "\(words) \(subject) (\(detail))"
  }
}

extension DefinitionChange: Codable {
  private enum CodingKeys: String, CodingKey { case kind, name, feature, detail }
  private enum DerivedKeys: String, CodingKey { case text }

  /// Writes the change, and the line that people read.
  public func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(kind, forKey: .kind)
    try members.encode(name, forKey: .name)
    try members.encodeIfPresent(feature, forKey: .feature)
    try members.encode(detail, forKey: .detail)
    var derived = encoder.container(keyedBy: DerivedKeys.self)
    try derived.encode(description, forKey: .text)
  }
}
