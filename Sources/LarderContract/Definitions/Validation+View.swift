import LarderColumns

extension FeatureView {
  /// Checks what can be checked of one view without a store.
  ///
  /// - Throws: as `Definitions.validate`.
  public func validate() throws(LarderError) {
    do throws(DefinitionFlaw) {
      try check()
      var types: [String: JoinKeyType] = [:]
      for key in entities.flatMap(\.joinKeys) {
        if let type = types.updateValue(key.type, forKey: key.name), type != key.type {
          throw DefinitionFlaw(
            "View \"\(name)\" has join key \"\(key.name)\" as \(type.rawValue) and as "
              + "\(key.type.rawValue).")
        }
      }
    } catch { throw error.error }
  }

  func check() throws(DefinitionFlaw) {
    try DefinitionName.check(name, as: "feature view", at: .member("name"))
    try checkEntities()
    try checkTimes()
    try checkFeatures()
  }

  private func checkEntities() throws(DefinitionFlaw) {
    var seen: Set<[UInt8]> = []
    for (index, entity) in entities.enumerated() {
      do throws(DefinitionFlaw) {
        try entity.check()
        guard seen.insert(Array(entity.name.utf8)).inserted else {
          throw DefinitionFlaw("View \"\(name)\" has entity \"\(entity.name)\" twice.")
        }
      } catch { throw error.under(.member("entities"), .index(index)) }
    }
    guard joinKeys.count <= Limits.joinKeys else {
      throw DefinitionFlaw(
        "View \"\(name)\" has \(joinKeys.count) join keys; at most \(Limits.joinKeys) are allowed.",
        at: .member("entities"), exceedsLimit: true)
    }
  }

  private func checkTimes() throws(DefinitionFlaw) {
    guard timeUnit == .microseconds || timeUnit == .nanoseconds else {
      throw DefinitionFlaw(
        "View \"\(name)\" has time unit \(timeUnit); a view keeps its times in us or ns.",
        at: .member("timeUnit"))
    }
    try DefinitionName.check(eventTimestamp, as: "time column", at: .member("timestamp"))
    if let createdTimestamp {
      try DefinitionName.check(createdTimestamp, as: "time column", at: .member("created"))
      guard createdTimestamp != eventTimestamp else {
        throw DefinitionFlaw(
          "View \"\(name)\" has \"\(createdTimestamp)\" as event time and as created time.",
          at: .member("created"))
      }
    }
    for (column, member) in [(eventTimestamp, "timestamp"), (createdTimestamp, "created")] {
      guard let column, joinKeys.contains(where: { $0.name == column }) else { continue }
      throw DefinitionFlaw(
        "View \"\(name)\" has \"\(column)\" as a join key and as a time column.",
        at: .member(member))
    }
    if let timeToLive {
      let (seconds, attoseconds) = timeToLive.components
      guard seconds >= 0, attoseconds >= 0 else {
        throw DefinitionFlaw(
          "View \"\(name)\" has a negative time to live.", at: .member("timeToLive"))
      }
      guard attoseconds % 1_000_000_000 == 0 else {
        throw DefinitionFlaw(
          "View \"\(name)\" has a time to live finer than a nanosecond.",
          at: .member("timeToLive"))
      }
    }
  }

  private func checkFeatures() throws(DefinitionFlaw) {
    guard features.count <= Limits.featuresPerView else {
      throw DefinitionFlaw(
        "View \"\(name)\" has \(features.count) features; at most \(Limits.featuresPerView) are "
          + "allowed.", at: .member("features"), exceedsLimit: true)
    }
    var taken: [[UInt8]: String] = [Array(eventTimestamp.utf8): "the event time"]
    if let createdTimestamp { taken[Array(createdTimestamp.utf8)] = "the created time" }
    for key in joinKeys { taken[Array(key.name.utf8)] = "a join key" }
    let names = Set(features.map(\.name))
    var former: Set<String> = []
    for (index, feature) in features.enumerated() {
      do throws(DefinitionFlaw) {
        try DefinitionName.check(feature.name, as: "feature", at: .member("name"))
        if let owner = taken.updateValue("another feature", forKey: Array(feature.name.utf8)) {
          throw DefinitionFlaw(
            "View \"\(name)\" has feature \"\(feature.name)\", which is the name of \(owner) too.",
            at: .member("name"))
        }
        try feature.type.check(feature: feature.name)
        if let formerly = feature.formerly {
          try DefinitionName.check(formerly, as: "feature", at: .member("formerly"))
          guard formerly == feature.name || !names.contains(formerly) else {
            throw DefinitionFlaw(
              "Feature \"\(feature.name)\" was formerly \"\(formerly)\", which is listed too.",
              at: .member("formerly"))
          }
          guard former.insert(formerly).inserted else {
            throw DefinitionFlaw(
              "Two features were formerly \"\(formerly)\".", at: .member("formerly"))
          }
        }
      } catch { throw error.under(.member("features"), .index(index)) }
    }
  }
}

extension DataType {
  func check(feature: String) throws(DefinitionFlaw) {
    switch self {
    case .timestamp(let unit):
      guard unit == .microseconds || unit == .nanoseconds else {
        throw DefinitionFlaw(
          "Feature \"\(feature)\" is \(self); times are kept in us or ns: timestamp or "
            + "timestamp(ns).", at: .member("type"))
      }
    case .list(let element):
      guard element.element == nil else {
        throw DefinitionFlaw(
          "Feature \"\(feature)\" is a list of lists; lists hold scalars.", at: .member("type"))
      }
      try element.check(feature: feature)
    case .opaque(let tag):
      if let flaw = DefinitionName.flaw(tag, as: "kind of opaque bytes") {
        throw DefinitionFlaw("Feature \"\(feature)\": \(flaw)", at: .member("type"))
      }
    default: break
    }
  }
}
