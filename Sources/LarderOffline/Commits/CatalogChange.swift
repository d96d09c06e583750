import LarderColumns
import LarderContract

extension Catalog {
  /// The catalog after definitions are applied, and what that changed.
  ///
  /// Idempotent: what is as it was reports nothing. Views that are not named are left alone. No
  /// change allowed here rewrites history.
  ///
  /// - Parameters:
  ///   - definitions: entities, views and services as they are to be.
  ///   - dropping: whether features that an applied view no longer has are dropped.
  /// - Throws: as `Definitions.validate` for a definition that no store accepts; `incompatibleDefinition`
  ///   with the name and the reason for one that contradicts this store; `notFound` for a service
  ///   that names what does not exist.
  package func applying(
    _ definitions: Definitions, dropping: Bool
  ) throws(LarderError) -> (catalog: Catalog, changes: [DefinitionChange]) {
    var change = CatalogChange(self, dropping: dropping)
    try change.apply(definitions)
    return (change.catalog, change.changes)
  }

  /// The catalog without a view and the services that use it, and what that changed.
  ///
  /// - Throws: `notFound` with the nearest name.
  package func dropping(
    view name: String
  ) throws(LarderError) -> (catalog: Catalog, changes: [DefinitionChange]) {
    let view = try requireView(name)
    var catalog = self
    catalog.views.removeAll { $0.id == view.id }
    catalog.droppedViews[view.id] = view.nextField
    var changes = [DefinitionChange(.droppedView, name)]
    for service in services where CatalogChange.uses(service, view: name) {
      catalog.services.removeAll { $0.name == service.name }
      changes.append(DefinitionChange(.droppedService, service.name, detail: "it uses \(name)"))
    }
    return (catalog, changes)
  }

  /// Whether values of a type become another without loss when read.
  package static func isWidening(from old: DataType, to new: DataType) -> Bool {
    (old == .int32 && new == .int64) || (old == .float32 && new == .float64)
  }
}

/// A catalog on its way from one state to the next.
struct CatalogChange {
  var catalog: Catalog
  var changes: [DefinitionChange] = []
  let dropping: Bool

  init(_ catalog: Catalog, dropping: Bool) {
    self.catalog = catalog
    self.dropping = dropping
  }

  mutating func apply(_ definitions: Definitions) throws(LarderError) {
    try definitions.validate()
    try applyEntities(definitions)
    for view in definitions.featureViews { try applyView(view) }
    try checkJoinKeyTypes()
    try applyServices(definitions.featureServices)
    for service in catalog.services { try checkReferences(of: service) }
  }

  // MARK: Entities

  private mutating func applyEntities(_ definitions: Definitions) throws(LarderError) {
    for entity in definitions.allEntities.sorted(by: { utf8Order($0.name, $1.name) }) {
      try applyEntity(entity)
    }
    catalog.entities.sort { utf8Order($0.name, $1.name) }
  }

  private mutating func applyEntity(_ entity: Entity) throws(LarderError) {
    guard let index = catalog.entities.firstIndex(where: { $0.name == entity.name }) else {
      catalog.entities.append(entity)
      changes.append(DefinitionChange(.addedEntity, entity.name))
      return
    }
    let old = catalog.entities[index]
    guard old != entity else { return }
    if Set(old.joinKeys) != Set(entity.joinKeys) {
      let users = catalog.views.filter { view in
        view.definition.entities.contains { $0.name == entity.name }
      }
      if let user = users.first {
        throw LarderError(
          .incompatibleDefinition,
          "The join keys of the entity \"\(entity.name)\" cannot change from "
            + "\(describe(old.joinKeys)) to \(describe(entity.joinKeys)): the view "
            + "\"\(user.name)\" is stored by them. Define a new entity.")
      }
    }
    catalog.entities[index] = entity
    for v in catalog.views.indices {
      for e in catalog.views[v].definition.entities.indices
      where catalog.views[v].definition.entities[e].name == entity.name {
        catalog.views[v].definition.entities[e] = entity
      }
    }
    changes.append(DefinitionChange(.changedEntity, entity.name))
  }

  private func checkJoinKeyTypes() throws(LarderError) {
    var types: [String: JoinKeyType] = [:]
    func claim(_ key: JoinKey, _ place: String) throws(LarderError) {
      if let other = types.updateValue(key.type, forKey: key.name), other != key.type {
        throw LarderError(
          .incompatibleDefinition,
          "The join key is \(key.type.rawValue) in \(place) and \(other.rawValue) elsewhere; a "
            + "join key has one type in the whole store.", column: key.name)
      }
    }
    for set in catalog.keySets { for key in set.keys { try claim(key, "the store") } }
    for entity in catalog.entities {
      for key in entity.joinKeys { try claim(key, "the entity \"\(entity.name)\"") }
    }
  }

  // MARK: Services

  private mutating func applyServices(_ services: [FeatureService]) throws(LarderError) {
    for service in services {
      if let index = catalog.services.firstIndex(where: { $0.name == service.name }) {
        guard catalog.services[index] != service else { continue }
        catalog.services[index] = service
        changes.append(DefinitionChange(.changedService, service.name))
      } else {
        catalog.services.append(service)
        changes.append(DefinitionChange(.addedService, service.name))
      }
    }
    catalog.services.sort { utf8Order($0.name, $1.name) }
  }

  private func checkReferences(of service: FeatureService) throws(LarderError) {
    var names: [String: Catalog.View] = [:]
    for view in catalog.views { names[view.name] = view }
    for projection in service.projections {
      guard let view = catalog.view(named: projection.view) else {
        throw missing(
          "view \"\(projection.view)\"", projection.view, in: service, catalog.views.map(\.name))
      }
      let keys = view.definition.joinKeys.map(\.name)
      for key in projection.joinKeys.keys.sorted() where !keys.contains(key) {
        throw missing("join key \"\(key)\" of \"\(projection.view)\"", key, in: service, keys)
      }
      names[projection.alias] = view
    }
    for reference in service.features {
      guard let view = names[reference.view] else {
        throw missing("view \"\(reference.view)\"", reference.view, in: service, Array(names.keys))
      }
      if let feature = reference.feature, view.field(named: feature) == nil {
        throw missing("feature \"\(reference)\"", feature, in: service, view.fields.map(\.name))
      }
    }
  }

  private func missing(
    _ what: String, _ name: String, in service: FeatureService, _ candidates: [String]
  ) -> LarderError {
    LarderError(
      .notFound,
      "The service \"\(service.name)\" uses the \(what), which does not exist. "
        + suggestion(for: name, among: candidates))
  }

  /// Whether a service refers to a view, by its name or through a projection.
  static func uses(_ service: FeatureService, view: String) -> Bool {
    service.features.contains { $0.view == view }
      || service.projections.contains { $0.view == view }
  }
}

/// Whether one name comes before another by UTF-8 bytes.
func utf8Order(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }

/// Join keys as a message shows them.
func describe(_ keys: [JoinKey]) -> String {
  "(" + keys.map { "\($0.name) \($0.type.rawValue)" }.joined(separator: ", ") + ")"
}
