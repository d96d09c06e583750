import Larder
import LarderInterchange

/// A view's definition made of a file's columns.
struct ViewProposal {
  /// The columns that serve as join keys.
  var keys: [String]
  /// The column of event times.
  var timestamp: String
  /// The column of created times, if there is one.
  var created: String?
  /// What times count that are integers; nil to refuse them.
  var integers: TimeUnit?
  /// Whether text may write times in a pattern of its own.
  var hasTimePattern = false

  /// Guesses which columns are what: times by type and name, keys by name.
  ///
  /// - Returns: nil where no column holds times.
  init?(guessing columns: [TableDescription.Column]) {
    let times = columns.filter { column in
      switch column.type {
      case .success(.timestamp), .success(.date): true
      default: false
      }
    }.map(\.name)
    let created = times.first { $0.lowercased().hasPrefix("created") }
    let events = times.filter { $0 != created }
    let usual = ["event_timestamp", "event_time", "timestamp", "time", "date"]
    guard
      let event = usual.lazy.compactMap({ name in events.first { $0.lowercased() == name } }).first
        ?? events.first
    else { return nil }
    let possible = columns.filter { column in
      guard case .success(let type) = column.type, !times.contains(column.name) else {
        return false
      }
      return JoinKeyType(holding: type) != nil
    }.map(\.name)
    let named = possible.filter { name in
      let lower = name.lowercased()
      return lower == "id" || lower == "key" || lower.hasSuffix("_id") || lower.hasSuffix("_key")
    }
    self.init(
      keys: named.isEmpty ? Array(possible.prefix(1)) : named, timestamp: event, created: created)
  }

  /// Names the columns.
  init(keys: [String], timestamp: String, created: String?) {
    self.keys = keys
    self.timestamp = timestamp
    self.created = created
  }

  /// The view that columns give, all that are neither keys nor times as features.
  ///
  /// - Parameters:
  ///   - name: the view's.
  ///   - columns: the columns of the files.
  ///   - known: the store's entities; one that stands for a key alone is taken, and a key that is
  ///     known keeps its type.
  ///   - timeToLive: how old a value may be; nil for no limit.
  ///   - timeUnit: nil for nanoseconds where the files have them, and else microseconds.
  /// - Throws: `notFound` for a column that is not there, with the nearest name; `invalidInput` for one
  ///   of a type that cannot serve.
  func view(
    _ name: String, columns: [TableDescription.Column], known: [Entity] = [],
    timeToLive: Duration? = nil, timeUnit: TimeUnit? = nil
  ) throws(LarderError) -> FeatureView {
    var entities: [Entity] = []
    for key in keys {
      let type = try Self.keyType(try Self.find(key, columns), known)
      let joinKey = JoinKey(key, type)
      entities.append(
        known.first { $0.joinKeys == [joinKey] } ?? Entity(key, joinKeys: [joinKey]))
    }
    var unit = TimeUnit.microseconds
    for column in [timestamp, created] {
      guard let column else { continue }
      if try holdsNanoseconds(try Self.find(column, columns)) { unit = .nanoseconds }
    }
    unit = timeUnit ?? unit
    var features: [Field] = []
    for column in columns {
      if keys.contains(column.name) || column.name == timestamp || column.name == created {
        continue
      }
      guard case .success(let type) = column.type else { continue }
      // INT96 says no unit: it is in that of the view.
      let isFine = column.isINT96 && unit == .nanoseconds
      features.append(
        Field(column.name, isFine ? .timestamp(unit) : Self.featureType(type)))
    }
    return FeatureView(
      name, entities: entities, features: features, timeToLive: timeToLive,
      eventTimestamp: timestamp, createdTimestamp: created, timeUnit: unit)
  }

  /// Whether a time column is finer than microseconds.
  ///
  /// - Throws: `invalidInput` for a column that holds no times, or integers that nobody said the unit of.
  private func holdsNanoseconds(_ column: TableDescription.Column) throws(LarderError) -> Bool {
    let type = try column.type.get()
    switch type {
    case .timestamp(let unit): return unit == .nanoseconds
    case .date, .string: return false
    case .int64, .int32:
      if hasTimePattern, column.guess?.allows(.timestamp(.nanoseconds)) == true { return false }
      guard let integers else {
        throw LarderError(
          .invalidInput,
          "It holds \(type), which does not say its unit; say it with --time-unit s, ms, us or ns.",
          column: column.name)
      }
      return integers == .nanoseconds
    default:
      throw LarderError(
        .invalidInput, "It holds \(type), which are no times.", column: column.name)
    }
  }

  /// A view keeps instants in microseconds or nanoseconds.
  private static func featureType(_ type: DataType) -> DataType {
    switch type {
    case .timestamp(let unit): .timestamp(unit == .nanoseconds ? unit : .microseconds)
    case .list(let element): .list(featureType(element))
    default: type
    }
  }

  private static func find(
    _ name: String, _ columns: [TableDescription.Column]
  ) throws(LarderError) -> TableDescription.Column {
    guard let column = columns.first(where: { $0.name == name }) else {
      throw LarderError(
        .notFound,
        "There is no column \"\(name)\". \(suggestion(for: name, among: columns.map(\.name)))",
        column: name)
    }
    return column
  }

  private static func keyType(
    _ column: TableDescription.Column, _ known: [Entity]
  ) throws(LarderError) -> JoinKeyType {
    let key = column.name
    let type = try column.type.get()
    let there = known.flatMap(\.joinKeys).first { $0.name == key }?.type
    guard let own = JoinKeyType(holding: type) else {
      let names = JoinKeyType.allCases.map(\.rawValue).joined(separator: ", ")
      throw LarderError(
        .invalidInput, "It holds \(type); join keys are \(names).", column: key)
    }
    guard let there, there != own else { return own }
    // Text says of digits what it is told they are.
    let isText = column.guess?.allows(there.dataType) == true
    guard isText || there.canHold(type) || LosslessConversion.allows(type, there.dataType) else {
      throw LarderError(
        .invalidInput,
        "It holds \(type), and the key of this name is \(there.rawValue) in the store.",
        column: key)
    }
    return there
  }
}

extension JoinKeyType {
  /// The type of keys that are the values of a column; nil for types that keys do not have.
  fileprivate init?(holding type: DataType) {
    switch type {
    case .string, .uuid: self = .string
    case .int32: self = .int32
    // Of decimals only whole ones are keys, which shows when they are read.
    case .int64, .decimal: self = .int64
    case .bytes: self = .bytes
    case .timestamp, .date: self = .timestamp
    default: return nil
    }
  }
}
