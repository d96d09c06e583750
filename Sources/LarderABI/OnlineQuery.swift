import Larder
import LarderColumns
import LarderContract
import Synchronization

/// What is asked of online tables, as the JSON of `larder_read_online` has it.
struct OnlineQuery: Sendable {
  /// What is asked, with names that stay looked up.
  let standing: CachedOnlineQuery
  /// For an answer in messages: the field of Feast's `Value` for each feature.
  let valueFields: [Int]?

  /// Reads the JSON.
  ///
  /// - Throws: `invalidArgument` for what it does not allow.
  init(json: String) throws(LarderError) {
    let given = try Options(
      json: Array(json.utf8), "query",
      allowed: [
        "features", "projections", "fullFeatureNames", "at", "includeExpired", "valueFields",
      ])
    var references: [FeatureReference] = []
    for text in try given.strings("features") ?? [] {
      references.append(try FeatureReference(text))
    }
    standing = CachedOnlineQuery(
      features: references,
      options: OnlineReadOptions(
        projections: try projections(given), fullFeatureNames: try given.bool("fullFeatureNames"),
        at: try given.time("at"), includeExpired: try given.bool("includeExpired")))
    valueFields = try given.counts("valueFields")
  }
}

extension StoreHandle {
  /// How many queries a store remembers; a server asks the same few again and again.
  private static let remembered = 256

  /// A query by its text, read once.
  ///
  /// - Throws: as `OnlineQuery.init(json:)`.
  func query(_ json: String) throws(LarderError) -> OnlineQuery {
    if let known = queries.withLock({ $0[json] }) { return known }
    let made = try OnlineQuery(json: json)
    queries.withLock { known in
      if known.count >= Self.remembered { known.removeAll() }
      known[json] = made
    }
    return made
  }
}
