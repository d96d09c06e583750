import LarderColumns
import LarderContract
import Synchronization

extension FeatureStore {
  /// What the store knows: entities, views and services, as of its newest commit.
  ///
  /// - Throws: `corrupt`, `io`.
  public func definitions() throws(LarderError) -> Definitions {
    if let store = offlineStore as? SegmentOfflineStore { return try store.definitions() }
    return registry.withLock { $0 }
  }

  /// The view of a name.
  ///
  /// - Throws: `notFound` with the nearest name.
  public func view(named name: String) throws(LarderError) -> FeatureView {
    if let store = offlineStore as? SegmentOfflineStore,
      let view = try store.definitionsByName().view(named: name)
    {
      return view
    }
    let views = try definitions().featureViews
    guard let view = views.first(where: { $0.name == name }) else {
      throw LarderError(
        .notFound,
        "There is no feature view \"\(name)\". \(suggestion(for: name, among: views.map(\.name)))")
    }
    return view
  }

  /// The service of a name.
  ///
  /// - Throws: `notFound` with the nearest name.
  public func service(named name: String) throws(LarderError) -> FeatureService {
    let services = try definitions().featureServices
    guard let service = services.first(where: { $0.name == name }) else {
      throw LarderError(
        .notFound,
        "There is no feature service \"\(name)\". "
          + suggestion(for: name, among: services.map(\.name)))
    }
    return service
  }

  /// Makes a view known, or changes it.
  ///
  /// Idempotent.
  ///
  /// - Parameters:
  ///   - view: its definition.
  ///   - dropping: whether features that the store has and the definition lacks are dropped.
  /// - Returns: what changed; nothing if it was known like this.
  /// - Throws: `invalidArgument` for a definition that no store could hold;
  ///   `incompatibleDefinition` if history stands against it, with the name and the reason.
  @discardableResult
  public func apply(
    _ view: FeatureView, dropping: Bool = false
  ) throws(LarderError) -> [DefinitionChange] {
    try apply(
      Definitions(entities: view.entities, featureViews: [view]), dropping: dropping)
  }

  /// Makes definitions known, in one commit.
  ///
  /// What they do not name is left alone. Idempotent.
  ///
  /// - Parameters:
  ///   - definitions: entities, views and services.
  ///   - dropping: whether features that the store has and an applied view lacks are dropped.
  ///   - dryRun: whether only to say what would change.
  /// - Returns: what changed, or would.
  /// - Throws: as `apply(_:dropping:)`.
  @discardableResult
  public func apply(
    _ definitions: Definitions, dropping: Bool = false, dryRun: Bool = false
  ) throws(LarderError) -> [DefinitionChange] {
    if let store = offlineStore as? SegmentOfflineStore {
      let changes = try store.apply(definitions, dropping: dropping, dryRun: dryRun)
      if !dryRun { continueErasures() }
      return changes
    }
    try definitions.validate()
    return registry.withLock { known in
      let before = known
      if !dryRun { known.merge(definitions) }
      return definitions.featureViews.compactMap { view in
        guard let old = before.featureViews.first(where: { $0.name == view.name }) else {
          return DefinitionChange(.addedView, view.name)
        }
        return old == view ? nil : DefinitionChange(.changedView, view.name)
      }
    }
  }

  /// Drops a view, and its history as of later commits.
  ///
  /// Earlier snapshots still show it.
  ///
  /// - Parameters:
  ///   - view: the view's name.
  ///   - dryRun: whether only to say what would change.
  /// - Throws: `notFound` with the nearest name; `unsupported` if the store is not Larder's own.
  @discardableResult
  public func drop(view: String, dryRun: Bool = false) throws(LarderError) -> [DefinitionChange] {
    let changes = try segments(for: "Dropping a view").drop(view: view, dryRun: dryRun)
    if !dryRun { continueErasures() }
    return changes
  }
}

extension Definitions {
  /// Takes over what another set defines, by name.
  mutating func merge(_ other: Definitions) {
    entities.removeAll { old in other.entities.contains { $0.name == old.name } }
    entities += other.entities
    featureViews.removeAll { old in other.featureViews.contains { $0.name == old.name } }
    featureViews += other.featureViews
    featureServices.removeAll { old in other.featureServices.contains { $0.name == old.name } }
    featureServices += other.featureServices
  }
}
