import LarderColumns

/// One step of a path into definitions: a member's name or a list's position.
enum DefinitionStep: Hashable {
  case member(String)
  case index(Int)
}

/// What is wrong with definitions, and where in them.
struct DefinitionFlaw: Error {
  var path: [DefinitionStep]
  var message: String
  /// Whether there is too much of something that is good by itself.
  var exceedsLimit = false

  init(_ message: String, at path: DefinitionStep..., exceedsLimit: Bool = false) {
    self.path = path
    self.message = message
    self.exceedsLimit = exceedsLimit
  }

  /// As an error of who made the definitions in code.
  var error: LarderError { LarderError(exceedsLimit ? .limitExceeded : .invalidArgument, message) }

  /// The same flaw, seen from further out.
  func under(_ steps: DefinitionStep...) -> DefinitionFlaw {
    var outer = self
    outer.path = steps + path
    return outer
  }
}

extension Definitions {
  /// Checks what can be checked without a store: names, types, limits, references.
  ///
  /// What passes can be written as JSON and read back as the same. A store then only looks for what
  /// contradicts what it holds.
  ///
  /// - Throws: `invalidArgument`, or `limitExceeded` for too many join keys or features, that names the
  ///   entity, view or service, what is wrong with it and what is allowed.
  public func validate() throws(LarderError) {
    do throws(DefinitionFlaw) { try check() } catch { throw error.error }
  }

  func check() throws(DefinitionFlaw) {
    var keyTypes: [String: (type: JoinKeyType, owner: String)] = [:]
    try distinct(entities.map(\.name), "entity", in: "entities")
    for (index, entity) in entities.enumerated() {
      do throws(DefinitionFlaw) {
        try entity.check()
        try agree(entity, with: &keyTypes)
      } catch { throw error.under(.member("entities"), .index(index)) }
    }
    // One entity of a name, whether it is listed or only views have it.
    var known: [String: Entity] = [:]
    for entity in entities { known[entity.name] = entity }
    try distinct(featureViews.map(\.name), "feature view", in: "featureViews")
    for (index, view) in featureViews.enumerated() {
      do throws(DefinitionFlaw) {
        try view.check()
        for (position, entity) in view.entities.enumerated() {
          do throws(DefinitionFlaw) {
            guard Set(known[entity.name, default: entity].joinKeys) == Set(entity.joinKeys) else {
              throw DefinitionFlaw(
                "View \"\(view.name)\" has entity \"\(entity.name)\" with other join keys than the "
                  + "entity of that name is defined with.")
            }
            known[entity.name] = entity
            try agree(entity, with: &keyTypes)
          } catch { throw error.under(.member("entities"), .index(position)) }
        }
      } catch { throw error.under(.member("featureViews"), .index(index)) }
    }
    try distinct(featureServices.map(\.name), "feature service", in: "featureServices")
    for (index, service) in featureServices.enumerated() {
      do throws(DefinitionFlaw) { try service.check(views: featureViews) } catch {
        throw error.under(.member("featureServices"), .index(index))
      }
    }
  }

  private func distinct(
    _ names: [String], _ kind: String, in list: String
  ) throws(DefinitionFlaw) {
    var seen: Set<[UInt8]> = []
    for (index, name) in names.enumerated() where !seen.insert(Array(name.utf8)).inserted {
      throw DefinitionFlaw(
        "There are two of \(kind) \"\(name)\".", at: .member(list), .index(index), .member("name"))
    }
  }

  /// Holds every join key of one name to one type.
  private func agree(
    _ entity: Entity, with types: inout [String: (type: JoinKeyType, owner: String)]
  ) throws(DefinitionFlaw) {
    for (index, key) in entity.joinKeys.enumerated() {
      if let known = types[key.name], known.type != key.type {
        throw DefinitionFlaw(
          "Join key \"\(key.name)\" is \(key.type.rawValue) in entity \"\(entity.name)\" and "
            + "\(known.type.rawValue) in entity \"\(known.owner)\"; one name has one type in a store.",
          at: .member("joinKeys"), .index(index))
      }
      types[key.name] = (key.type, entity.name)
    }
  }
}

extension Entity {
  func check() throws(DefinitionFlaw) {
    try DefinitionName.check(name, as: "entity", at: .member("name"))
    guard !joinKeys.isEmpty else {
      throw DefinitionFlaw(
        "Entity \"\(name)\" has no join keys; a view whose rows apply to everything has no "
          + "entities instead.", at: .member("joinKeys"))
    }
    guard joinKeys.count <= Limits.joinKeys else {
      throw DefinitionFlaw(
        "Entity \"\(name)\" has \(joinKeys.count) join keys; at most \(Limits.joinKeys) are allowed.",
        at: .member("joinKeys"), exceedsLimit: true)
    }
    var seen: Set<[UInt8]> = []
    for (index, key) in joinKeys.enumerated() {
      do throws(DefinitionFlaw) {
        try DefinitionName.check(key.name, as: "join key", at: .member("name"))
        guard seen.insert(Array(key.name.utf8)).inserted else {
          throw DefinitionFlaw(
            "Entity \"\(name)\" has two join keys \"\(key.name)\".", at: .member("name"))
        }
      } catch { throw error.under(.member("joinKeys"), .index(index)) }
    }
  }
}

extension FeatureService {
  func check(views: [FeatureView]) throws(DefinitionFlaw) {
    try DefinitionName.check(name, as: "feature service", at: .member("name"))
    var aliases: [String: String] = [:]
    for (index, projection) in projections.enumerated() {
      do throws(DefinitionFlaw) {
        try DefinitionName.check(projection.view, as: "feature view", at: .member("view"))
        try DefinitionName.check(projection.alias, as: "projection", at: .member("as"))
        guard aliases.updateValue(projection.view, forKey: projection.alias) == nil else {
          throw DefinitionFlaw(
            "There are two projections called \"\(projection.alias)\".", at: .member("as"))
        }
        guard let view = views.first(where: { $0.name == projection.view }) else { return }
        let names = view.joinKeys.map(\.name)
        for key in projection.joinKeys.keys.sorted() where !names.contains(key) {
          throw DefinitionFlaw(
            "View \"\(view.name)\" has no join key \"\(key)\". "
              + suggestion(for: key, among: names), at: .member("joinKeys"), .member(key))
        }
      } catch { throw error.under(.member("projections"), .index(index)) }
    }
    for (index, reference) in features.enumerated() {
      let viewName = aliases[reference.view] ?? reference.view
      // A view of another file is looked up when the definitions are applied to a store.
      guard let view = views.first(where: { $0.name == viewName }), let feature = reference.feature
      else { continue }
      let names = view.features.map(\.name)
      guard names.contains(feature) else {
        throw DefinitionFlaw(
          "View \"\(view.name)\" has no feature \"\(feature)\", which service \"\(name)\" asks for. "
            + suggestion(for: feature, among: names), at: .member("features"), .index(index))
      }
    }
  }
}
