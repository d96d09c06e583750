import LarderColumns
import LarderContract

/// A question for the latest features that is asked again and again, as servers do: its names are
/// looked up once for each change of definitions, which otherwise costs more than the reading.
package final class StandingOnlineQuestion: Sendable {
  /// What is asked for, in the order of the answer's columns.
  package let features: [FeatureReference]
  /// How it is asked.
  package let options: OnlineReadOptions

  private struct Prepared {
    let definitions: NamedDefinitions
    let keys: Schema
    let question: PreparedOnlineQuestion
  }
  private let last = ForkSafeMutex<Prepared?>(nil)

  /// A question of one store's; nothing is looked up yet.
  package init(features: [FeatureReference], options: OnlineReadOptions) {
    self.features = features
    self.options = options
  }

  /// The question for keys in some columns, under some definitions.
  ///
  /// - Throws: as `ResolvedOnlineQuestion.init`.
  fileprivate func prepared(
    for keys: Schema, _ definitions: NamedDefinitions
  ) throws(LarderError) -> PreparedOnlineQuestion {
    let known = last.withLock { $0 }
    if let known, known.definitions === definitions, known.keys == keys { return known.question }
    let question = PreparedOnlineQuestion(
      try ResolvedOnlineQuestion(
        keys: keys, views: definitions.definitions.featureViews, features: features,
        options: options), definitions)
    let made = Prepared(definitions: definitions, keys: keys, question: question)
    last.withLock { $0 = made }
    return question
  }
}

extension FeatureStore {
  /// The latest features of several views for each row of keys.
  ///
  /// - Throws: as `onlineFeatures(for:features:options:)`.
  package func onlineFeatures(
    for keys: RecordBatch, asked: StandingOnlineQuestion
  ) throws(LarderError) -> OnlineFeatures {
    guard let offline = offlineStore as? SegmentOfflineStore else {
      return try onlineFeatures(for: keys, features: asked.features, options: asked.options)
    }
    let question = try asked.prepared(for: keys.schema, try offline.definitionsByName())
    return try question.answer(keys, from: try requireOnline(), asked.options)
  }
}
