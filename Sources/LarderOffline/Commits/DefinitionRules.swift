import LarderColumns
import LarderContract

/// What a definition must satisfy by itself, whatever a store holds.
package enum DefinitionRules {
  /// Checks a name of a view, entity, service, feature or column.
  ///
  /// - Parameter kind: what is named, for the message.
  /// - Throws: `invalidArgument`; a name has 1 to 255 bytes of UTF-8, no `:`, no control characters
  ///   and no leading `__`.
  package static func check(name: String, of kind: String) throws(LarderError) {
    let bytes = name.utf8.count
    guard bytes >= 1, bytes <= Limits.nameBytes else {
      throw LarderError(
        .invalidArgument,
        "The name of a \(kind) has 1 to \(Limits.nameBytes) bytes; \"\(name.prefix(40))\" has "
          + "\(bytes).")
    }
    let bad = name.unicodeScalars.first {
      $0 == ":" || $0.value < 0x20 || (0x7F...0x9F).contains($0.value)
    }
    if let bad {
      throw LarderError(
        .invalidArgument,
        "The name of the \(kind) \"\(name)\" contains U+\(String(bad.value, radix: 16)); colons "
          + "and control characters are not allowed.")
    }
    guard !name.hasPrefix("__") else {
      throw LarderError(
        .invalidArgument,
        "The name of the \(kind) \"\(name)\" starts with \"__\", which is reserved.")
    }
  }

  /// Checks an entity.
  package static func check(_ entity: Entity) throws(LarderError) {
    try check(name: entity.name, of: "entity")
    guard entity.joinKeys.count <= Limits.joinKeys else {
      throw LarderError(
        .limitExceeded,
        "The entity \"\(entity.name)\" has \(entity.joinKeys.count) join keys; at most "
          + "\(Limits.joinKeys) are possible.")
    }
    var seen: Set<String> = []
    for key in entity.joinKeys {
      if key != .dummy { try check(name: key.name, of: "join key") }
      guard seen.insert(key.name).inserted else {
        throw LarderError(
          .invalidArgument,
          "The entity \"\(entity.name)\" names the join key \"\(key.name)\" twice.")
      }
    }
  }

  /// Checks a view by itself: names, types, units, limits, no column twice.
  package static func check(_ view: FeatureView) throws(LarderError) {
    try check(name: view.name, of: "feature view")
    for entity in view.entities { try check(entity) }
    guard view.joinKeys.count <= Limits.joinKeys else {
      throw LarderError(
        .limitExceeded,
        "The view \"\(view.name)\" has \(view.joinKeys.count) join keys; at most "
          + "\(Limits.joinKeys) are possible.")
    }
    guard view.features.count <= Limits.featuresPerView else {
      throw LarderError(
        .limitExceeded,
        "The view \"\(view.name)\" has \(view.features.count) features; at most "
          + "\(Limits.featuresPerView) are possible.")
    }
    guard view.timeUnit == .microseconds || view.timeUnit == .nanoseconds else {
      throw LarderError(
        .invalidArgument,
        "The view \"\(view.name)\" has the time unit \(view.timeUnit); it is us or ns.")
    }
    if let life = view.timeToLive, life < .zero {
      throw LarderError(
        .invalidArgument,
        "The view \"\(view.name)\" has a negative time to live; leave it out for "
          + "no limit.")
    }
    try checkColumns(of: view)
  }

  private static func checkColumns(of view: FeatureView) throws(LarderError) {
    var roles: [String: String] = [:]
    func claim(_ name: String, _ role: String) throws(LarderError) {
      if let other = roles.updateValue(role, forKey: name) {
        throw LarderError(
          .invalidArgument,
          "The view \"\(view.name)\" uses this name as \(other) and as \(role).", column: name)
      }
    }
    for key in view.joinKeys { try claim(key.name, "a join key") }
    try check(name: view.eventTimestamp, of: "event time column")
    try claim(view.eventTimestamp, "the event time")
    if let created = view.createdTimestamp {
      try check(name: created, of: "created time column")
      try claim(created, "the created time")
    }
    for field in view.features {
      try check(name: field.name, of: "feature")
      try claim(field.name, "a feature")
      guard field.type.description.utf8.count <= 1_024 else {
        throw LarderError(
          .limitExceeded, "The type's name has more than 1024 bytes.", column: field.name)
      }
      if case .list(let element) = field.type, element.element != nil {
        throw LarderError(
          .invalidArgument, "It is a list of lists; lists hold scalars.", column: field.name)
      }
    }
  }
}
