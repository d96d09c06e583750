import LarderColumns
import LarderContract

/// A query for the latest features that is asked again and again, as servers do: its names are
/// looked up once for each change of definitions, which otherwise costs more than the reading.
package final class CachedOnlineQuery: Sendable {
  /// What is asked for, in the order of the answer's columns.
  package let features: [FeatureReference]
  /// How it is asked.
  package let options: OnlineReadOptions

  private struct Prepared {
    let definitions: NamedDefinitions
    let keys: Schema
    let query: PreparedOnlineQuery
  }
  private let last = ForkSafeMutex<Prepared?>(nil)

  /// A query of one store's; nothing is looked up yet.
  package init(features: [FeatureReference], options: OnlineReadOptions) {
    self.features = features
    self.options = options
  }

  /// The query for keys in some columns, under some definitions.
  ///
  /// - Throws: as `ResolvedOnlineQuery.init`.
  fileprivate func prepared(
    for keys: Schema, _ definitions: NamedDefinitions
  ) throws(LarderError) -> PreparedOnlineQuery {
    let known = last.withLock { $0 }
    if let known, known.definitions === definitions, known.keys == keys { return known.query }
    let query = PreparedOnlineQuery(
      try ResolvedOnlineQuery(
        keys: keys, views: definitions.definitions.featureViews, features: features,
        options: options), definitions)
    let made = Prepared(definitions: definitions, keys: keys, query: query)
    last.withLock { $0 = made }
    return query
  }
}

extension FeatureStore {
  /// The latest features of several views for each row of keys.
  ///
  /// - Throws: as `onlineFeatures(for:features:options:)`.
  package func onlineFeatures(
    for keys: RecordBatch, asked: CachedOnlineQuery
  ) throws(LarderError) -> OnlineFeatures {
    let query = try asked.prepared(for: keys.schema, try offlineStore.definitionsByName())
    return try query.answer(keys, from: try requireOnline(), asked.options)
  }
}
