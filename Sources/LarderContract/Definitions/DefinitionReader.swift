import LarderColumns

/// Turns a JSON value into definitions, and a place in definitions into a place in the text.
struct DefinitionReader {
  let text: [UInt8]
  let file: String?

  func error(_ message: String, at offset: Int) -> LarderError {
    LarderError(
      .invalidInput, message, file: file, position: TextPosition(of: offset, in: text.span))
  }

  /// The offset of what a path leads to, or of the last part of the way that the text has.
  func place(_ path: [DefinitionStep], in root: JSONValue) -> Int {
    var value = root
    for step in path {
      switch (step, value.content) {
      case (.member(let name), .object):
        guard let member = value.member(name) else { return value.offset }
        value = member
      case (.index(let index), .array(let values)):
        guard values.indices.contains(index) else { return value.offset }
        value = values[index]
      default: return value.offset
      }
    }
    return value.offset
  }

  func definitions(_ root: JSONValue, known: [Entity]) throws(LarderError) -> Definitions {
    let object = try Members(
      root, of: "the definitions", allowed: ["entities", "featureViews", "featureServices"], self)
    var definitions = Definitions()
    for value in try object.array("entities") ?? [] {
      definitions.entities.append(try entity(value))
    }
    for value in try object.array("featureViews") ?? [] {
      definitions.featureViews.append(
        try featureView(value, entities: definitions.entities + known))
    }
    for value in try object.array("featureServices") ?? [] {
      definitions.featureServices.append(try featureService(value))
    }
    return definitions
  }

  private func entity(_ value: JSONValue) throws(LarderError) -> Entity {
    let object = try Members(
      value, of: "an entity", allowed: ["name", "joinKeys", "description", "tags"], self)
    let name = try object.required("name")
    var keys: [JoinKey] = []
    guard let list = try object.array("joinKeys") else {
      throw error("Entity \"\(name)\" has no \"joinKeys\".", at: value.offset)
    }
    for key in list {
      let member = try Members(key, of: "a join key", allowed: ["name", "type"], self)
      let type = try member.required("type")
      guard let keyType = JoinKeyType(rawValue: type) else {
        let names = JoinKeyType.allCases.map(\.rawValue)
        throw error(
          "A join key cannot be \"\(type)\". \(suggestion(for: type, among: names)) Join keys are "
            + "\(names.joined(separator: ", ")).", at: member.offset("type"))
      }
      keys.append(JoinKey(try member.required("name"), keyType))
    }
    return Entity(
      name, joinKeys: keys, description: try object.string("description") ?? "",
      tags: try object.strings("tags"))
  }

  private func featureView(
    _ value: JSONValue, entities: [Entity]
  ) throws(LarderError) -> FeatureView {
    let object = try Members(
      value, of: "a feature view",
      allowed: [
        "name", "entities", "timeToLive", "timestamp", "created", "timeUnit", "partition",
        "features", "description", "tags",
      ], self)
    let name = try object.required("name")
    var view = FeatureView(name, entities: [], features: [])
    for item in try object.array("entities") ?? [] {
      guard case .string(let entityName) = item.content else {
        throw error("The name of an entity was expected, not \(item.kind).", at: item.offset)
      }
      guard let entity = entities.first(where: { $0.name == entityName }) else {
        throw error(
          "View \"\(name)\" names entity \"\(entityName)\", which is not defined. "
            + suggestion(for: entityName, among: entities.map(\.name)), at: item.offset)
      }
      view.entities.append(entity)
    }
    if let text = try object.string("timeToLive") {
      do throws(LarderError) { view.timeToLive = try TimeToLive.parse(text) } catch {
        throw self.error(error.message, at: object.offset("timeToLive"))
      }
    }
    if let column = try object.string("timestamp") { view.eventTimestamp = column }
    view.createdTimestamp = try object.string("created")
    if let unit = try object.string("timeUnit") {
      do throws(LarderError) { view.timeUnit = try TimeUnit(named: unit) } catch {
        throw self.error(error.message, at: object.offset("timeUnit"))
      }
    }
    if let text = try object.string("partition") {
      guard let width = PartitionWidth(rawValue: text) else {
        let names = PartitionWidth.allCases.map(\.rawValue)
        throw error(
          "Unknown partition width \"\(text)\"; there are \(names.joined(separator: ", ")).",
          at: object.offset("partition"))
      }
      view.partition = width
    }
    for item in try object.array("features") ?? [] { view.features.append(try feature(item)) }
    view.description = try object.string("description") ?? ""
    view.tags = try object.strings("tags")
    return view
  }

  private func feature(_ value: JSONValue) throws(LarderError) -> Field {
    let object = try Members(
      value, of: "a feature", allowed: ["name", "type", "formerly", "description", "tags"], self)
    let type: DataType
    do throws(LarderError) { type = try DataType(named: try object.required("type")) } catch {
      if error.position != nil { throw error }
      var placed = self.error(error.message, at: object.offset("type"))
      if error.code == .limitExceeded { placed.code = error.code }
      throw placed
    }
    return Field(
      try object.required("name"), type, formerly: try object.string("formerly"),
      description: try object.string("description") ?? "", tags: try object.strings("tags"))
  }

  private func featureService(_ value: JSONValue) throws(LarderError) -> FeatureService {
    let object = try Members(
      value, of: "a feature service",
      allowed: ["name", "features", "projections", "description", "tags"], self)
    var service = FeatureService(try object.required("name"), features: [])
    for item in try object.array("features") ?? [] {
      guard case .string(let text) = item.content else {
        throw error("A feature as view:feature was expected, not \(item.kind).", at: item.offset)
      }
      do throws(LarderError) { service.features.append(try FeatureReference(text)) } catch {
        throw self.error(error.message, at: item.offset)
      }
    }
    for item in try object.array("projections") ?? [] {
      let projection = try Members(
        item, of: "a projection", allowed: ["view", "as", "joinKeys"], self)
      service.projections.append(
        .projection(
          of: try projection.required("view"), as: try projection.required("as"),
          joinKeys: try projection.strings("joinKeys")))
    }
    service.description = try object.string("description") ?? ""
    service.tags = try object.strings("tags")
    return service
  }
}

/// The members of one object, each of a kind that is asked for; `null` counts as absent.
private struct Members {
  private let value: JSONValue
  private let owner: String
  private let reader: DefinitionReader

  init(
    _ value: JSONValue, of owner: String, allowed: [String], _ reader: DefinitionReader
  ) throws(LarderError) {
    self.value = value
    self.owner = owner
    self.reader = reader
    guard case .object(let members) = value.content else {
      throw reader.error(
        "An object was expected for \(owner), not \(value.kind).", at: value.offset)
    }
    for member in members where !allowed.contains(member.name) {
      throw reader.error(
        "\"\(member.name)\" is not a member of \(owner). "
          + suggestion(for: member.name, among: allowed), at: member.offset)
    }
  }

  func offset(_ name: String) -> Int { value.member(name)?.offset ?? value.offset }

  private func wrong(_ name: String, _ found: JSONValue, _ expected: String) -> LarderError {
    reader.error("\"\(name)\" must be \(expected), not \(found.kind).", at: found.offset)
  }

  func string(_ name: String) throws(LarderError) -> String? {
    guard let member = value.member(name) else { return nil }
    switch member.content {
    case .null: return nil
    case .string(let text): return text
    default: throw wrong(name, member, "a string")
    }
  }

  func required(_ name: String) throws(LarderError) -> String {
    guard let text = try string(name) else {
      throw reader.error("\"\(name)\" is missing in \(owner).", at: value.offset)
    }
    return text
  }

  func array(_ name: String) throws(LarderError) -> [JSONValue]? {
    guard let member = value.member(name) else { return nil }
    switch member.content {
    case .null: return nil
    case .array(let values): return values
    default: throw wrong(name, member, "an array")
    }
  }

  func strings(_ name: String) throws(LarderError) -> [String: String] {
    guard let member = value.member(name) else { return [:] }
    if case .null = member.content { return [:] }
    guard case .object(let members) = member.content else {
      throw wrong(name, member, "an object of strings")
    }
    var result: [String: String] = [:]
    for entry in members {
      guard case .string(let text) = entry.value.content else {
        throw wrong(entry.name, entry.value, "a string")
      }
      result[entry.name] = text
    }
    return result
  }
}
