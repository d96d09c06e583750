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
    if views == nil {
      return try historicalFeatures(query, in: snapshot, for: spine, options: options)
    }
    var histories: [ViewHistory] = []
    for source in query.sources { histories.append(try snapshot.history(of: source.view)) }
    return try job(query, spine, histories, options)
  }

  /// Plans a point-in-time query whose names were resolved in the definitions of the snapshot.
  ///
  /// - Parameters:
  ///   - query: the query; each source's place is that of its view in the snapshot's catalog.
  ///   - snapshot: what is asked; the job keeps it pinned.
  ///   - spine: the spine, with the query's columns; nil if it is to be made.
  ///   - options: modes and budget.
  /// - Throws: as `OfflineStore.historicalFeatures`; `corrupt`, `io`.
  package func historicalFeatures(
    _ query: ResolvedQuery, in snapshot: Snapshot, for spine: RecordBatch?,
    options: RetrievalOptions
  ) throws(LarderError) -> PointInTimeJob {
    var histories: [ViewHistory] = []
    for source in query.sources {
      histories.append(try snapshot.history(of: snapshot.catalog.views[source.place]))
    }
    return try job(query, spine, histories, options)
  }

  private func job(
    _ query: ResolvedQuery, _ spine: RecordBatch?, _ histories: [ViewHistory],
    _ options: RetrievalOptions
  ) throws(LarderError) -> PointInTimeJob {
    try PointInTimeJob(
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

  /// Plans a pull of a view of the snapshot's own catalog.
  ///
  /// - Throws: as `OfflineStore.pullLatest`; `corrupt`, `io`.
  package func pull(
    _ query: ResolvedPull, of view: Catalog.View, in snapshot: Snapshot, latest: Bool,
    options: PullOptions
  ) throws(LarderError) -> PullJob {
    PullJob(
      query, history: try snapshot.history(of: view), latest: latest, options: options,
      timelines: timelines)
  }
}
