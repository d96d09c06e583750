import LarderColumns
import LarderContract
import LarderOffline
import LarderPointInTime

extension FeatureStore {
  /// Features as they were at each spine row's time.
  ///
  /// A view answers a spine row (key, t) with its row of that key with the greatest event time in
  /// [t - timeToLive, t], both ends inclusive; ties go to the greater created time (null least),
  /// then to the row committed last. The result has the spine's rows in the spine's order, the
  /// spine's columns untouched, then the features in the order asked for.
  ///
  /// ```swift
  /// let job = try store.historicalFeatures(
  ///   for: spine, features: ["driver_stats:conv_rate", "driver_stats:trips_today"])
  /// print(try job.explain())
  /// let training = try job.collect()
  /// ```
  ///
  /// - Parameters:
  ///   - spine: a column for each join key, and the time column; nil makes a spine of the distinct
  ///     keys and event times of the views in [`options.from`, `options.through`].
  ///   - features: `view:feature` or `view:*`, of views and of the projections in `options`.
  ///   - options: time column, projections, names, modes, budget.
  /// - Returns: a job that has read nothing yet, pinned to the newest commit.
  /// - Throws: `notFound` with the nearest name; `invalidInput` for a spine that does not fit.
  public func historicalFeatures(
    for spine: RecordBatch?, features: [FeatureReference],
    options: RetrievalOptions = RetrievalOptions()
  ) throws(LarderError) -> any RetrievalJob {
    let snapshot = try offlineStore.snapshot()
    let named = try offlineStore.definitionsByName(in: snapshot)
    return try historicalFeatures(for: spine, features, options, in: snapshot, named)
  }

  /// The features of a service as they were at each spine row's time.
  ///
  /// The service's projections are added to those of `options`.
  ///
  /// - Throws: `notFound` if there is no such service; else as
  ///   `historicalFeatures(for:features:options:)`.
  public func historicalFeatures(
    for spine: RecordBatch?, service name: String,
    options: RetrievalOptions = RetrievalOptions()
  ) throws(LarderError) -> any RetrievalJob {
    let snapshot = try offlineStore.snapshot()
    let named = try offlineStore.definitionsByName(in: snapshot)
    let service = try named.definitions.requireService(name)
    var options = options
    options.projections += service.projections
    return try historicalFeatures(for: spine, service.features, options, in: snapshot, named)
  }

  /// Resolves the names of a query in the snapshot that answers it, and plans it.
  private func historicalFeatures(
    for spine: RecordBatch?, _ features: [FeatureReference], _ options: RetrievalOptions,
    in snapshot: Snapshot, _ named: NamedDefinitions
  ) throws(LarderError) -> any RetrievalJob {
    let query = try ResolvedQuery(
      spine: spine?.schema, views: named.definitions.featureViews, features: features,
      options: options)
    return try offlineStore.engine.historicalFeatures(
      query, in: snapshot, for: spine, options: options)
  }

  /// The latest row of each entity with `from <= event time <= through`, both inclusive.
  ///
  /// - Parameters:
  ///   - view: the view's name.
  ///   - features: the features wanted; nil for all.
  ///   - from: the first event time; nil for no bound.
  ///   - through: the last event time; nil for no bound.
  ///   - options: the budget.
  /// - Returns: a job whose columns are the join keys, the features, the event time and the created
  ///   time if the view has one.
  /// - Throws: `notFound` with the nearest name.
  public func pullLatest(
    _ view: String, features: [String]? = nil, from: Timestamp? = nil, through: Timestamp? = nil,
    options: PullOptions = PullOptions()
  ) throws(LarderError) -> any RetrievalJob {
    try pull(view, features, from, through, options, latest: true)
  }

  /// Every row with `from <= event time <= through`, both inclusive.
  ///
  /// Parameters, columns and errors are those of `pullLatest(_:features:from:through:options:)`.
  ///
  /// Taken batch by batch, only the columns asked for are read and verified, whole vectors of them
  /// straight into memory that is used again for the next batch: the way to scan a view.
  ///
  /// ```swift
  /// var sum = 0.0
  /// try store.pullAll("driver_stats", features: ["conv_rate"]).forEachBatch { batch in
  ///   sum += try batch["conv_rate"]?.withValues(as: Double.self) { $0.reduce(0, +) } ?? 0
  /// }
  /// ```
  public func pullAll(
    _ view: String, features: [String]? = nil, from: Timestamp? = nil, through: Timestamp? = nil,
    options: PullOptions = PullOptions()
  ) throws(LarderError) -> any RetrievalJob {
    try pull(view, features, from, through, options, latest: false)
  }

  private func pull(
    _ name: String, _ features: [String]?, _ from: Timestamp?, _ through: Timestamp?,
    _ options: PullOptions, latest: Bool
  ) throws(LarderError) -> any RetrievalJob {
    let snapshot = try offlineStore.snapshot()
    let view = try snapshot.catalog.requireView(name)
    let query = try ResolvedPull(view.definition, features: features, from: from, through: through)
    return try offlineStore.engine.pull(
      query, of: view, in: snapshot, latest: latest, options: options)
  }
}
