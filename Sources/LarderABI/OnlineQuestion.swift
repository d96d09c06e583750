import Larder
import LarderColumns
import LarderContract
import Synchronization

/// What is asked of online tables, as the JSON of `larder_read_online` has it.
struct OnlineQuestion: Sendable {
  /// What is asked, with names that stay looked up.
  let standing: StandingOnlineQuestion
  /// For an answer in messages: the field of Feast's `Value` for each feature.
  let valueFields: [Int]?

  /// Reads the JSON.
  ///
  /// - Throws: `invalidArgument` for what it does not allow.
  init(json: String) throws(LarderError) {
    let given = try Options(
      json: Array(json.utf8), "question",
      allowed: [
        "features", "projections", "fullFeatureNames", "at", "includeExpired", "valueFields",
      ])
    var references: [FeatureReference] = []
    for text in try given.strings("features") ?? [] {
      references.append(try FeatureReference(text))
    }
    standing = StandingOnlineQuestion(
      features: references,
      options: OnlineReadOptions(
        projections: try projections(given), fullFeatureNames: try given.bool("fullFeatureNames"),
        at: try given.time("at"), includeExpired: try given.bool("includeExpired")))
    valueFields = try given.counts("valueFields")
  }
}

extension StoreHandle {
  /// How many questions a store remembers; a server asks the same few again and again.
  private static let remembered = 256

  /// A question by its text, read once.
  ///
  /// - Throws: as `OnlineQuestion.init(json:)`.
  func question(_ json: String) throws(LarderError) -> OnlineQuestion {
    if let known = questions.withLock({ $0[json] }) { return known }
    let made = try OnlineQuestion(json: json)
    questions.withLock { known in
      if known.count >= Self.remembered { known.removeAll() }
      known[json] = made
    }
    return made
  }
}
