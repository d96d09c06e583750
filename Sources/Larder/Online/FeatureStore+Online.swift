import Glibc
import LarderColumns
import LarderContract
import LarderOnline

extension FeatureStore {
  /// The latest features of a view's entities.
  ///
  /// - Throws: `notFound` with the nearest name; `unsupported` for an earlier state, which has no online
  ///   tables.
  public func online(_ view: String) throws(LarderError) -> OnlineView {
    let online = try requireOnline()
    return OnlineView(online, try offlineStore.definitionsByName().requireView(view), of: self)
  }

  /// The latest features of several views for each row of keys, in one call.
  ///
  /// ```swift
  /// let answer = try store.onlineFeatures(
  ///   for: keys, features: ["driver_stats:conv_rate", "customer:orders"])
  /// ```
  ///
  /// - Parameters:
  ///   - keys: a column for each join key of the views. Other columns are handed through.
  ///   - features: `view:feature` or `view:*`, of views and of the projections in `options`.
  ///   - options: names, projections, the time at which the time to live is judged.
  /// - Returns: the columns of `keys` untouched, then the features in the order asked for; for each
  ///   view how each row was answered.
  /// - Throws: `notFound` with the nearest name, and for a view without an online table;
  ///   `invalidInput` for key columns that do not fit, or for two columns of one name.
  /// - Complexity: O(rows x views); keys that several views share are converted once.
  public func onlineFeatures(
    for keys: RecordBatch, features: [FeatureReference],
    options: OnlineReadOptions = OnlineReadOptions()
  ) throws(LarderError) -> OnlineFeatures {
    let online = try requireOnline()
    let named = try offlineStore.definitionsByName()
    let query = try ResolvedOnlineQuery(
      keys: keys.schema, views: named.definitions.featureViews, features: features,
      options: options)
    return try PreparedOnlineQuery(query, named).answer(keys, from: online, options)
  }

  /// The latest features of a service for each row of keys.
  ///
  /// The service's projections are added to those of `options`.
  ///
  /// - Throws: `notFound` if there is no such service; else as
  ///   `onlineFeatures(for:features:options:)`.
  public func onlineFeatures(
    for keys: RecordBatch, service name: String, options: OnlineReadOptions = OnlineReadOptions()
  ) throws(LarderError) -> OnlineFeatures {
    let service = try service(named: name)
    var options = options
    options.projections += service.projections
    return try onlineFeatures(for: keys, features: service.features, options: options)
  }

  /// Ends writing to online tables: what was written is durable, and others may write.
  ///
  /// A table that was closed opens without reading its log, after a start of the machine too. The
  /// store may be used on; the next write takes the table's lock again.
  ///
  /// - Throws: `outcomeUnknown` if the disk failed to say whether all of it is there; `io`.
  public func close() throws(LarderError) {
    try onlineStore?.close()
  }

  /// The online store.
  ///
  /// - Throws: `unsupported` if there is none.
  func requireOnline() throws(LarderError) -> MappedOnlineStore {
    guard let onlineStore else {
      throw LarderError(.unsupported, "This store has no online half; open the store itself.")
    }
    return onlineStore
  }
}

extension Timestamp {
  /// The present, in microseconds.
  public static var now: Timestamp {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
  }

  /// The first tick of a unit after this instant; the last tick there is, at the end.
  func next(in unit: TimeUnit) -> Timestamp {
    let tick = floor(in: unit)
    return Timestamp(ticks: tick == .max ? .max : tick + 1, unit: unit)
  }
}
