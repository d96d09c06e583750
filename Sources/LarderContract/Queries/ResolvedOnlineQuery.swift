import LarderColumns

/// A query for the latest features of several views, with every name looked up.
package struct ResolvedOnlineQuery: Sendable {
  /// A view under the name it was asked for by.
  package typealias Source = ResolvedQuery.Source

  /// A feature of the answer.
  package struct Output: Sendable, Hashable {
    /// The position of its source.
    package var source: Int
    /// Its position in the source's `features`.
    package var ordinal: Int
  }

  /// The views, in the order of their first reference.
  package let sources: [Source]
  /// Where the columns behind the keys' come from.
  package let outputs: [Output]
  /// The columns of the answer: the caller's, then the features.
  package let schema: Schema

  /// Looks every name up.
  ///
  /// - Parameters:
  ///   - keys: the columns that the caller brought.
  ///   - views: the definitions that references and projections name.
  ///   - features: what is asked for, in the order of the answer's columns.
  ///   - options: names and projections.
  /// - Throws: `notFound` for an unknown view, feature or column; `invalidInput` for a key column of
  ///   a type that does not fit, or for two columns of one name; `invalidArgument`; `limitExceeded`.
  package init(
    keys: Schema, views: [FeatureView], features: [FeatureReference], options: OnlineReadOptions
  ) throws(LarderError) {
    let names = try ViewNames(views: views, projections: options.projections)
    var (sources, asked) = try resolveReferences(features, names)
    try refuseRepeatedColumns(keys, called: "batch of keys")
    for index in sources.indices {
      sources[index].keyColumns = try findKeyColumns(
        of: sources[index], named: names.keyNames(of: sources[index]), in: keys,
        called: "batch of keys")
    }
    var layout = ResultLayout(spine: keys)
    for feature in asked {
      let view = sources[feature.source].view
      let field = view.features[sources[feature.source].features[feature.ordinal]]
      try layout.add(
        options.fullFeatureNames ? "\(sources[feature.source].name)__\(field.name)" : field.name,
        field.type, .feature(source: feature.source, ordinal: feature.ordinal),
        origin: "feature \(feature.text)")
    }
    self.sources = sources
    outputs = asked.map { Output(source: $0.source, ordinal: $0.ordinal) }
    schema = Schema(layout.fields)
  }
}

/// How a query for the latest features is asked.
public struct OnlineReadOptions: Sendable, Hashable {
  /// Views under names of their own.
  public var projections: [Projection]
  /// Whether columns are called `view__feature` instead of `feature`.
  public var fullFeatureNames: Bool
  /// The time at which the time to live is judged; nil for now.
  public var at: Timestamp?
  /// Whether rows past the time to live give their values.
  public var includeExpired: Bool

  /// Options with every choice at its default.
  public init(
    projections: [Projection] = [], fullFeatureNames: Bool = false, at: Timestamp? = nil,
    includeExpired: Bool = false
  ) {
    self.projections = projections
    self.fullFeatureNames = fullFeatureNames
    self.at = at
    self.includeExpired = includeExpired
  }
}
