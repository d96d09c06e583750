import LarderColumns

/// A feature: a named, typed column of a view.
public struct Field: Sendable, Hashable {
  /// The feature's name.
  public var name: String
  /// The type of its values.
  public var type: DataType
  /// The name it had before, if it is being renamed.
  public var formerly: String?
  /// A sentence for people.
  public var description: String
  /// Free words for people and tools.
  public var tags: [String: String]

  /// Makes a feature.
  public init(
    _ name: String, _ type: DataType, formerly: String? = nil, description: String = "",
    tags: [String: String] = [:]
  ) {
    self.name = name
    self.type = type
    self.formerly = formerly
    self.description = description
    self.tags = tags
  }
}

/// How wide the time partitions of a view's compacted segments are.
public enum PartitionWidth: String, Sendable, Hashable, CaseIterable {
  /// Chosen at compaction, for 1 to 4 Mi rows.
  case auto
  /// An hour of UTC.
  case hour
  /// A day of UTC.
  case day
  /// A calendar month of UTC.
  case month
  /// A calendar year of UTC.
  case year
}

/// Lists fields one below the other.
@resultBuilder public enum FieldBuilder {
  /// One field.
  public static func buildExpression(_ field: Field) -> [Field] { [field] }
  /// Several fields.
  public static func buildExpression(_ fields: [Field]) -> [Field] { fields }
  /// All fields of a block.
  public static func buildBlock(_ parts: [Field]...) -> [Field] { parts.flatMap(\.self) }
  /// Fields of a loop.
  public static func buildArray(_ parts: [[Field]]) -> [Field] { parts.flatMap(\.self) }
  /// Fields of an `if`.
  public static func buildOptional(_ part: [Field]?) -> [Field] { part ?? [] }
  /// Fields of an `if` with an `else`.
  public static func buildEither(first part: [Field]) -> [Field] { part }
  /// Fields of an `else`.
  public static func buildEither(second part: [Field]) -> [Field] { part }
}

/// A table of feature history: who (join keys), when (event time), what (features).
public struct FeatureView: Sendable, Hashable {
  /// The view's name.
  public var name: String
  /// Whom the features describe; none for a view without entities.
  public var entities: [Entity]
  /// How old a value may be at the time asked for, both ends inclusive; nil for no limit.
  public var timeToLive: Duration?
  /// The column of the time at which a row became true.
  public var eventTimestamp: String
  /// The column of the time at which a row became known, if there is one.
  public var createdTimestamp: String?
  /// The unit of both time columns as stored: microseconds or nanoseconds.
  ///
  /// It never changes.
  public var timeUnit: TimeUnit
  /// How wide the partitions of compacted segments are.
  public var partition: PartitionWidth
  /// The features, in order.
  public var features: [Field]
  /// A sentence for people.
  public var description: String
  /// Free words for people and tools.
  public var tags: [String: String]

  /// Makes a view with its features listed in a block.
  public init(
    _ name: String, entities: [Entity], timeToLive: Duration? = nil,
    eventTimestamp: String = "event_timestamp", createdTimestamp: String? = nil,
    timeUnit: TimeUnit = .microseconds, partition: PartitionWidth = .auto,
    description: String = "", tags: [String: String] = [:],
    @FieldBuilder features: () -> [Field]
  ) {
    self.init(
      name, entities: entities, features: features(), timeToLive: timeToLive,
      eventTimestamp: eventTimestamp, createdTimestamp: createdTimestamp, timeUnit: timeUnit,
      partition: partition, description: description, tags: tags)
  }

  /// Makes a view of a list of features.
  public init(
    _ name: String, entities: [Entity], features: [Field], timeToLive: Duration? = nil,
    eventTimestamp: String = "event_timestamp", createdTimestamp: String? = nil,
    timeUnit: TimeUnit = .microseconds, partition: PartitionWidth = .auto,
    description: String = "", tags: [String: String] = [:]
  ) {
    self.name = name
    self.entities = entities
    self.timeToLive = timeToLive
    self.eventTimestamp = eventTimestamp
    self.createdTimestamp = createdTimestamp
    self.timeUnit = timeUnit
    self.partition = partition
    self.features = features
    self.description = description
    self.tags = tags
  }

  /// The join keys of all entities without repeats, ordered by the UTF-8 bytes of their names.
  ///
  /// A view without entities has the one key `JoinKey.dummy`.
  public var joinKeys: [JoinKey] {
    var seen: Set<String> = []
    let keys = entities.flatMap(\.joinKeys).filter { seen.insert($0.name).inserted }
    if keys.isEmpty { return [.dummy] }
    return keys.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  /// Whether the view has no entities, so that its rows apply to every spine row.
  public var isEntityless: Bool { entities.allSatisfy { $0.joinKeys.isEmpty } }

  /// The time to live in nanoseconds; nil for no limit, which 0 means too.
  public var timeToLiveNanoseconds: Int128? {
    guard let timeToLive else { return nil }
    let (seconds, attoseconds) = timeToLive.components
    let nanoseconds =
      Int128(seconds) * 1_000_000_000 + Int128(attoseconds) / 1_000_000_000
    return nanoseconds == 0 ? nil : nanoseconds
  }
}
