import LarderColumns

/// A named set of features, as a model uses them.
public struct FeatureService: Sendable, Hashable {
  /// The service's name.
  public var name: String
  /// The features, in the order they come out.
  public var features: [FeatureReference]
  /// Views used under names of their own, which `features` may refer to.
  public var projections: [Projection]
  /// A sentence for people.
  public var description: String
  /// Free words for people and tools.
  public var tags: [String: String]

  /// Makes a service.
  public init(
    _ name: String, features: [FeatureReference], projections: [Projection] = [],
    description: String = "", tags: [String: String] = [:]
  ) {
    self.name = name
    self.features = features
    self.projections = projections
    self.description = description
    self.tags = tags
  }
}

/// What a store knows: entities, feature views and feature services.
public struct Definitions: Sendable, Hashable {
  /// The entities.
  public var entities: [Entity]
  /// The feature views.
  public var featureViews: [FeatureView]
  /// The feature services.
  public var featureServices: [FeatureService]

  /// Makes definitions; entities that only views name need not be listed.
  public init(
    entities: [Entity] = [], featureViews: [FeatureView] = [],
    featureServices: [FeatureService] = []
  ) {
    self.entities = entities
    self.featureViews = featureViews
    self.featureServices = featureServices
  }
}
