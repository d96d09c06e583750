import LarderColumns
import LarderContract

/// A feature store put together of stores that keep the contract: yours, others', or Larder's parts.
///
/// The definitions live in this object, where no directory keeps them. What needs Larder's own files
/// (snapshots, compaction, erasure, verification) is only in `FeatureStore`.
///
/// ```swift
/// let store = ComposedFeatureStore(offline: InMemoryOfflineStore(), online: InMemoryOnlineStore())
/// try store.apply(Definitions(entities: [driver], featureViews: [stats]))
/// try store.append(batch, to: "driver_stats")
/// try store.materialize("driver_stats")
/// ```
///
/// May be used from any number of threads, as far as its stores may.
public final class ComposedFeatureStore: Sendable {
  /// The store of history.
  public let offlineStore: any OfflineStore
  /// The store of the latest values; nil if there is none.
  public let onlineStore: (any OnlineStore)?
  private let known: ForkSafeMutex<Definitions>

  /// Joins stores under one set of definitions.
  ///
  /// - Parameters:
  ///   - offline: a store of history.
  ///   - online: a store of the latest values.
  ///   - definitions: what is known at the start.
  public init(
    offline: any OfflineStore, online: (any OnlineStore)? = nil,
    definitions: Definitions = Definitions()
  ) {
    offlineStore = offline
    onlineStore = online
    known = ForkSafeMutex(definitions)
  }

  /// What is known: entities, views and services.
  public func definitions() -> Definitions { known.withLock { $0 } }

  /// Makes definitions known.
  ///
  /// What they do not name is left alone. Idempotent.
  ///
  /// - Parameters:
  ///   - definitions: entities, views and services.
  ///   - dryRun: whether only to say what would change.
  /// - Returns: what changed, or would.
  /// - Throws: `invalidArgument` for definitions that no store could hold.
  @discardableResult
  public func apply(
    _ definitions: Definitions, dryRun: Bool = false
  ) throws(LarderError) -> [DefinitionChange] {
    try definitions.validate()
    return known.withLock { known in
      let before = known
      if !dryRun { known.merge(definitions) }
      return definitions.featureViews.compactMap { view in
        guard let old = before.featureViews.first(where: { $0.name == view.name }) else {
          return DefinitionChange(.addedView, view.name)
        }
        return old == view ? nil : DefinitionChange(.changedView, view.name)
      }
    }
  }

  // MARK: History

  /// Adds rows to a view's history, as `OfflineStore.append` has it.
  ///
  /// - Throws: `notFound` with the nearest name; what the store throws.
  @discardableResult
  public func append(_ batch: RecordBatch, to view: String) throws(LarderError) -> Commit {
    try offlineStore.append(batch, to: try definitions().requireView(view))
  }

  /// Features as they were at each spine row's time, as `OfflineStore.historicalFeatures` has it.
  ///
  /// - Throws: `notFound` with the nearest name; what the store throws.
  public func historicalFeatures(
    for spine: RecordBatch?, features: [FeatureReference],
    options: RetrievalOptions = RetrievalOptions()
  ) throws(LarderError) -> any RetrievalJob {
    try offlineStore.historicalFeatures(
      for: spine, views: definitions().featureViews, features: features, options: options)
  }

  /// The features of a service as they were at each spine row's time.
  ///
  /// - Throws: `notFound` if there is no such service; what the store throws.
  public func historicalFeatures(
    for spine: RecordBatch?, service name: String,
    options: RetrievalOptions = RetrievalOptions()
  ) throws(LarderError) -> any RetrievalJob {
    let service = try definitions().requireService(name)
    var options = options
    options.projections += service.projections
    return try historicalFeatures(for: spine, features: service.features, options: options)
  }

  /// The latest row of each entity in a range, as `OfflineStore.pullLatest` has it.
  ///
  /// - Throws: `notFound` with the nearest name; what the store throws.
  public func pullLatest(
    _ view: String, features: [String]? = nil, from: Timestamp? = nil, through: Timestamp? = nil,
    options: PullOptions = PullOptions()
  ) throws(LarderError) -> any RetrievalJob {
    try offlineStore.pullLatest(
      try definitions().requireView(view), features: features, from: from, through: through,
      options: options)
  }

  /// Every row of a range, as `OfflineStore.pullAll` has it.
  ///
  /// - Throws: `notFound` with the nearest name; what the store throws.
  public func pullAll(
    _ view: String, features: [String]? = nil, from: Timestamp? = nil, through: Timestamp? = nil,
    options: PullOptions = PullOptions()
  ) throws(LarderError) -> any RetrievalJob {
    try offlineStore.pullAll(
      try definitions().requireView(view), features: features, from: from, through: through,
      options: options)
  }
}
