import LarderColumns

/// A point-in-time query with every name looked up: which views, keys and columns it means.
///
/// It is a matter of definitions alone, so every store shares it: what a name means does not depend
/// on how rows are kept.
package struct ResolvedQuery: Sendable {
  /// A view under the name it was asked for by: its own, or a projection's alias.
  package struct Source: Sendable {
    /// The name in references, in full feature names and in `<name>__status`.
    package var name: String
    /// The view.
    package var view: FeatureView
    /// The view's place among the definitions in which the query was resolved.
    package var place: Int
    /// For each join key, in the view's order, the spine column that holds it.
    ///
    /// Empty for a view without entities.
    package var keyColumns: [Int]
    /// The positions in `view.features` of what was asked for, in order.
    package var features: [Int]
  }

  /// Where a column of the result comes from.
  package enum Output: Sendable, Hashable {
    /// A column of the spine, untouched.
    case spine(Int)
    /// The n-th feature of a source's `features`.
    case feature(source: Int, ordinal: Int)
    /// The event time of the row that answered.
    case eventTime(source: Int)
    /// Why the source answered as it did.
    case status(source: Int)
  }

  /// The columns of the spine: the caller's, or those of the spine that is to be made.
  package let spine: Schema
  /// The position of the time column in `spine`.
  package let timeColumn: Int
  /// The range of event times whose keys and times make the spine; nil if the caller brought one.
  package let madeFrom: ClosedRange<Timestamp>?
  /// The views, in the order of their first reference.
  package let sources: [Source]
  /// Where each column of the result comes from.
  package let outputs: [Output]
  /// The columns of the result.
  package let schema: Schema

  /// Looks every name up.
  ///
  /// - Parameters:
  ///   - spine: the columns of the caller's spine; nil if one is to be made.
  ///   - views: the definitions that references and projections name.
  ///   - features: what is asked for, in the order of the result's columns.
  ///   - options: names and projections.
  /// - Throws: `notFound` for an unknown view, feature or column; `invalidInput` for a spine column
  ///   of a type that does not fit, or for two columns of one name; `invalidArgument` for a query
  ///   that contradicts itself; `limitExceeded`.
  package init(
    spine: Schema?, views: [FeatureView], features: [FeatureReference], options: RetrievalOptions
  ) throws(LarderError) {
    let names = try ViewNames(views: views, projections: options.projections)
    var (sources, asked) = try resolveReferences(features, names)
    let keys = sources.map { names.keyNames(of: $0) }
    if let spine {
      guard options.from == nil, options.through == nil else {
        throw LarderError(
          .invalidArgument,
          "A time range makes the spine and cannot be given beside one; leave `from` and `through` "
            + "out, or the spine.")
      }
      self.spine = spine
      madeFrom = nil
    } else {
      self.spine = try madeSpine(sources: sources, keys: keys, options: options)
      madeFrom = try range(options)
    }
    try refuseRepeatedColumns(self.spine)
    timeColumn = try findTimeColumn(options.timestamp, in: self.spine)
    for index in sources.indices {
      sources[index].keyColumns = try findKeyColumns(
        of: sources[index], named: keys[index], in: self.spine)
    }
    var layout = ResultLayout(spine: self.spine)
    for feature in asked {
      let (source, ordinal, text) = (feature.source, feature.ordinal, feature.text)
      let view = sources[source].view
      let field = view.features[sources[source].features[ordinal]]
      try layout.add(
        options.fullFeatureNames ? "\(sources[source].name)__\(field.name)" : field.name,
        field.type, .feature(source: source, ordinal: ordinal), origin: "feature \(text)")
    }
    for (index, source) in sources.enumerated() {
      if options.withEventTimes {
        try layout.add(
          "\(source.name)__event_timestamp", .timestamp(source.view.timeUnit),
          .eventTime(source: index), origin: "the matched event time of \(source.name)")
      }
      if options.withStatus {
        try layout.add(
          "\(source.name)__status", .string, .status(source: index),
          origin: "the status of \(source.name)")
      }
    }
    self.sources = sources
    outputs = layout.outputs
    schema = Schema(layout.fields)
  }
}

/// The columns of a result as they are put one after the other.
struct ResultLayout {
  var fields: [ColumnField]
  var outputs: [ResolvedQuery.Output]
  private var origins: [String: String]

  init(spine: Schema) {
    fields = spine.fields
    outputs = spine.fields.indices.map { .spine($0) }
    origins = [:]
    for field in spine.fields { origins[field.name] = "a column of the spine" }
  }

  mutating func add(
    _ name: String, _ type: DataType, _ output: ResolvedQuery.Output, origin: String
  ) throws(LarderError) {
    if let other = origins[name] {
      throw LarderError(
        .invalidInput,
        "Two columns of the result would be called \"\(name)\": \(other) and \(origin). Ask for "
          + "full feature names, rename the spine's column, or use a projection.",
        column: name)
    }
    origins[name] = origin
    fields.append(ColumnField(name, type))
    outputs.append(output)
  }
}

/// A feature as it was asked for.
struct RequestedFeature {
  /// The position of its source.
  var source: Int
  /// Its position among the source's features.
  var ordinal: Int
  /// The reference's text.
  var text: String
}

/// The views that references name, in the order of their first, and the features in theirs.
///
/// - Throws: `notFound`; `invalidArgument` if there are none; `limitExceeded`.
func resolveReferences(
  _ features: [FeatureReference], _ names: ViewNames
) throws(LarderError) -> (sources: [ResolvedQuery.Source], asked: [RequestedFeature]) {
  guard !features.isEmpty else {
    throw LarderError(.invalidArgument, "Ask for at least one feature.")
  }
  var sources: [ResolvedQuery.Source] = []
  var asked: [RequestedFeature] = []
  for reference in features {
    let source: Int
    if let known = sources.firstIndex(where: { $0.name == reference.view }) {
      source = known
    } else {
      source = sources.count
      let (view, place) = try names.view(reference)
      sources.append(
        ResolvedQuery.Source(
          name: reference.view, view: view, place: place, keyColumns: [], features: []))
    }
    for feature in try positions(of: reference, in: sources[source].view) {
      asked.append(
        RequestedFeature(
          source: source, ordinal: sources[source].features.count, text: reference.description))
      sources[source].features.append(feature)
    }
    guard asked.count <= Limits.featuresPerQuery else {
      throw LarderError(
        .limitExceeded, "A query asks for at most \(Limits.featuresPerQuery) features.")
    }
  }
  return (sources, asked)
}

/// The features that a reference means, as positions in the view.
private func positions(
  of reference: FeatureReference, in view: FeatureView
) throws(LarderError) -> [Int] {
  guard let name = reference.feature else { return Array(view.features.indices) }
  guard let position = view.features.firstIndex(where: { $0.name == name }) else {
    throw LarderError(
      .notFound,
      "The view \"\(view.name)\" has no feature \"\(name)\". "
        + suggestion(for: name, among: view.features.map(\.name)))
  }
  return [position]
}

/// Refuses columns of one name.
func refuseRepeatedColumns(
  _ spine: Schema, called what: String = "spine"
) throws(LarderError) {
  var seen: Set<String> = []
  for field in spine.fields where !seen.insert(field.name).inserted {
    throw LarderError(
      .invalidInput, "The \(what) has two columns of this name; rename one.", column: field.name)
  }
}

private func findTimeColumn(_ name: String, in spine: Schema) throws(LarderError) -> Int {
  guard let index = spine.index(of: name) else {
    throw LarderError(
      .notFound,
      "The spine has no time column \"\(name)\". "
        + suggestion(for: name, among: spine.fields.map(\.name)),
      column: name)
  }
  switch spine.fields[index].type {
  case .timestamp, .date: return index
  case .int64, .int32:
    throw LarderError(
      .invalidInput,
      "The time column holds \(spine.fields[index].type), which does not say its unit; give it as "
        + "a timestamp of s, ms, us or ns.", column: name)
  default:
    throw LarderError(
      .invalidInput,
      "The time column holds \(spine.fields[index].type); a timestamp or a date is expected.",
      column: name)
  }
}

/// The columns that hold a source's join keys, in the view's order.
func findKeyColumns(
  of source: ResolvedQuery.Source, named names: [String], in spine: Schema,
  called what: String = "spine"
) throws(LarderError) -> [Int] {
  guard !source.view.isEntityless else { return [] }
  var columns: [Int] = []
  for (key, name) in zip(source.view.joinKeys, names) {
    guard let index = spine.index(of: name) else {
      throw LarderError(
        .notFound,
        "\"\(source.name)\" is found by \"\(name)\", and the \(what) has no such column. "
          + suggestion(for: name, among: spine.fields.map(\.name)),
        column: name)
    }
    let type = spine.fields[index].type
    guard key.type.canHold(type) else {
      throw LarderError(
        .invalidInput,
        "The column holds \(type), and the join key \"\(key.name)\" of \"\(source.name)\" is "
          + "\(key.type.rawValue).", column: name, row: 0)
    }
    columns.append(index)
  }
  return columns
}

/// The columns of a spine made from the views: their keys by name, then the time.
private func madeSpine(
  sources: [ResolvedQuery.Source], keys: [[String]], options: RetrievalOptions
) throws(LarderError) -> Schema {
  var types: [String: JoinKeyType] = [:]
  var unit = TimeUnit.microseconds
  for (source, names) in zip(sources, keys) {
    if source.view.timeUnit.rawValue > unit.rawValue { unit = source.view.timeUnit }
    guard !source.view.isEntityless else { continue }
    for (key, name) in zip(source.view.joinKeys, names) {
      if let other = types[name], other != key.type {
        throw LarderError(
          .invalidArgument,
          "The key column \"\(name)\" would have to be \(other.rawValue) and "
            + "\(key.type.rawValue).",
          column: name)
      }
      types[name] = key.type
    }
  }
  let ordered = types.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
  var fields = ordered.map { ColumnField($0.key, $0.value.dataType) }
  fields.append(ColumnField(options.timestamp, .timestamp(unit)))
  return Schema(fields)
}

private func range(_ options: RetrievalOptions) throws(LarderError) -> ClosedRange<Timestamp> {
  guard let from = options.from, let through = options.through else {
    throw LarderError(
      .invalidArgument,
      "Without a spine, `from` and `through` say which event times make one; give both.")
  }
  guard from <= through else {
    throw LarderError(.invalidArgument, "`from` is later than `through`.")
  }
  return from...through
}

extension JoinKeyType {
  /// Whether a column of a type can be converted to such keys without loss, value by value.
  package func canHold(_ type: DataType) -> Bool {
    switch self {
    case .int32, .int64:
      switch type {
      case .int32, .int64, .float32, .float64: true
      default: false
      }
    case .string: type == .string
    case .bytes: type == .bytes
    case .timestamp: if case .timestamp = type { true } else { false }
    }
  }
}
