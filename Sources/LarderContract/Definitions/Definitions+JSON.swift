import LarderColumns

extension Definitions {
  /// Reads definitions from JSON.
  ///
  /// ```json
  /// {"entities": [{"name": "airport", "joinKeys": [{"name": "origin", "type": "string"}]}],
  ///  "featureViews": [{"name": "weather", "entities": ["airport"], "timeToLive": "3h",
  ///                    "timestamp": "time_hour", "created": null, "timeUnit": "us",
  ///                    "partition": "month", "features": [{"name": "temp", "type": "float64"}]}],
  ///  "featureServices": [{"name": "delays", "features": ["weather:temp"]}]}
  /// ```
  ///
  /// Everything may carry a `description` and `tags`. A feature may say what it was called before
  /// with `formerly`. A service may list `projections`: `{"view": "weather", "as": "dest_weather",
  /// "joinKeys": {"origin": "dest"}}`.
  ///
  /// - Parameters:
  ///   - json: UTF-8 text.
  ///   - file: the file's name for messages.
  ///   - known: entities that views may name besides those of this text, such as a store's.
  /// - Throws: `invalidInput` with line and character for what is not JSON, an unknown member, a
  ///   value of the wrong kind, or definitions that `validate` refuses; `limitExceeded` likewise.
  public init(
    json: [UInt8], file: String? = nil, knowing known: [Entity] = []
  ) throws(LarderError) {
    let root = try JSONParser.parse(json, file: file)
    let reader = DefinitionReader(text: json, file: file)
    self = try reader.definitions(root, known: known)
    do throws(DefinitionFlaw) { try check() } catch {
      var placed = reader.error(error.message, at: reader.place(error.path, in: root))
      if error.exceedsLimit { placed.code = .limitExceeded }
      throw placed
    }
  }

  /// The definitions as JSON, always the same bytes for equal definitions.
  public var json: [UInt8] {
    var members: [JSONValue.Member] = []
    members.add("entities", allEntities.map(\.json), isEmpty: allEntities.isEmpty)
    members.add("featureViews", featureViews.map(\.json), isEmpty: featureViews.isEmpty)
    members.add("featureServices", featureServices.map(\.json), isEmpty: featureServices.isEmpty)
    return JSONValue(.object(members)).write() + [UInt8(ascii: "\n")]
  }
}

extension Definitions {
  /// The entities listed, then those that only views name, in the views' order.
  package var allEntities: [Entity] {
    var all = entities
    var names = Set(entities.map(\.name))
    for entity in featureViews.flatMap(\.entities) where names.insert(entity.name).inserted {
      all.append(entity)
    }
    return all
  }
}

extension [JSONValue.Member] {
  fileprivate mutating func add(_ name: String, _ value: JSONValue) {
    append(JSONValue.Member(name, value))
  }
  fileprivate mutating func add(_ name: String, _ values: [JSONValue], isEmpty: Bool) {
    if !isEmpty { add(name, .array(values)) }
  }
  fileprivate mutating func add(description: String, tags: [String: String]) {
    if !description.isEmpty { add("description", .text(description)) }
    if !tags.isEmpty { add("tags", JSONValue(sorted: tags)) }
  }
}

extension JSONValue {
  /// An object of strings, ordered by the UTF-8 bytes of the names.
  fileprivate init(sorted strings: [String: String]) {
    let sorted = strings.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    self.init(.object(sorted.map { Member($0.key, .text($0.value)) }))
  }
}

extension Entity {
  fileprivate var json: JSONValue {
    var members: [JSONValue.Member] = []
    members.add("name", .text(name))
    let keys = joinKeys.map {
      JSONValue.object(["name": .text($0.name), "type": .text($0.type.rawValue)])
    }
    members.add("joinKeys", .array(keys))
    members.add(description: description, tags: tags)
    return JSONValue(.object(members))
  }
}

extension Field {
  fileprivate var json: JSONValue {
    var members: [JSONValue.Member] = []
    members.add("name", .text(name))
    members.add("type", .text(type.description))
    if let formerly { members.add("formerly", .text(formerly)) }
    members.add(description: description, tags: tags)
    return JSONValue(.object(members))
  }
}

extension FeatureView {
  fileprivate var json: JSONValue {
    var members: [JSONValue.Member] = []
    members.add("name", .text(name))
    members.add("entities", .array(entities.map { .text($0.name) }))
    if let timeToLive { members.add("timeToLive", .text(TimeToLive.text(timeToLive))) }
    members.add("timestamp", .text(eventTimestamp))
    if let createdTimestamp { members.add("created", .text(createdTimestamp)) }
    members.add("timeUnit", .text(timeUnit.description))
    members.add("partition", .text(partition.rawValue))
    members.add("features", .array(features.map(\.json)))
    members.add(description: description, tags: tags)
    return JSONValue(.object(members))
  }
}

extension FeatureService {
  fileprivate var json: JSONValue {
    var members: [JSONValue.Member] = []
    members.add("name", .text(name))
    members.add("features", .array(features.map { .text($0.description) }))
    members.add("projections", projections.map(\.json), isEmpty: projections.isEmpty)
    members.add(description: description, tags: tags)
    return JSONValue(.object(members))
  }
}

extension Projection {
  fileprivate var json: JSONValue {
    var members: [JSONValue.Member] = []
    members.add("view", .text(view))
    members.add("as", .text(alias))
    if !joinKeys.isEmpty { members.add("joinKeys", JSONValue(sorted: joinKeys)) }
    return JSONValue(.object(members))
  }
}
