import LarderColumns
import LarderContract
import LarderOffline

/// Asks snapshots of one store, and keeps between queries what can be used again.
///
/// ```swift
/// let engine = PointInTimeEngine()
/// let job = try engine.historicalFeatures(
///   in: try store.snapshot(), for: spine, features: ["driver_stats:conv_rate"],
///   options: RetrievalOptions())
/// ```
package final class PointInTimeEngine: Sendable {
  /// The entity timelines of the segments that were asked.
  package let timelines = TimelineCache()
  private let rules: SearchRules

  /// Makes an engine for one store.
  ///
  /// - Parameter rules: changed only by tests.
  package init(rules: SearchRules = SearchRules()) { self.rules = rules }

  /// Plans a point-in-time query; see `OfflineStore`.
  ///
  /// - Parameters:
  ///   - snapshot: what is asked; the job keeps it pinned.
  ///   - views: definitions to use; nil for those of the snapshot.
  /// - Throws: as `OfflineStore.historicalFeatures`; `corrupt`, `io`.
  package func historicalFeatures(
    in snapshot: Snapshot, for spine: RecordBatch?, views: [FeatureView]? = nil,
    features: [FeatureReference], options: RetrievalOptions
  ) throws(LarderError) -> PointInTimeJob {
    let query = try ResolvedQuery(
      spine: spine?.schema, views: views ?? snapshot.catalog.definitions.featureViews,
      features: features, options: options)
    var histories: [ViewHistory] = []
    for source in query.sources { histories.append(try snapshot.history(of: source.view)) }
    return try PointInTimeJob(
      query, spine: spine, histories: histories, options: options, timelines: timelines,
      rules: rules)
  }

  /// Plans a pull of the latest row of each entity, or of every row; see `OfflineStore`.
  ///
  /// - Parameters:
  ///   - snapshot: what is asked; the job keeps it pinned.
  ///   - view: the view.
  ///   - latest: whether only the latest row of each entity is wanted.
  ///   - options: the budget.
  /// - Throws: as `OfflineStore.pullLatest`; `corrupt`, `io`.
  package func pull(
    in snapshot: Snapshot, _ view: FeatureView, features: [String]?, from: Timestamp?,
    through: Timestamp?, latest: Bool, options: PullOptions = PullOptions()
  ) throws(LarderError) -> PullJob {
    let query = try ResolvedPull(view, features: features, from: from, through: through)
    return PullJob(
      query, history: try snapshot.history(of: view), latest: latest, options: options,
      timelines: timelines)
  }
}
