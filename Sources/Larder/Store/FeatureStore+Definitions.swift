import LarderColumns
import LarderContract

extension FeatureStore {
  /// What the store knows: entities, views and services, as of its newest commit.
  ///
  /// - Throws: `corrupt`, `io`.
  public func definitions() throws(LarderError) -> Definitions {
    try offlineStore.definitionsByName().definitions
  }

  /// The view of a name.
  ///
  /// - Throws: `notFound` with the nearest name.
  public func view(named name: String) throws(LarderError) -> FeatureView {
    try offlineStore.definitionsByName().requireView(name).definition
  }

  /// The service of a name.
  ///
  /// - Throws: `notFound` with the nearest name.
  public func service(named name: String) throws(LarderError) -> FeatureService {
    try definitions().requireService(name)
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
    let changes = try offlineStore.apply(definitions, dropping: dropping, dryRun: dryRun)
    if !dryRun { continueErasures() }
    return changes
  }

  /// Drops a view, and its history as of later commits.
  ///
  /// Earlier snapshots still show it.
  ///
  /// - Parameters:
  ///   - view: the view's name.
  ///   - dryRun: whether only to say what would change.
  /// - Throws: `notFound` with the nearest name.
  @discardableResult
  public func drop(view: String, dryRun: Bool = false) throws(LarderError) -> [DefinitionChange] {
    let changes = try offlineStore.drop(view: view, dryRun: dryRun)
    if !dryRun { continueErasures() }
    return changes
  }
}
