import LarderColumns
import LarderContract

extension ComposedFeatureStore {
  /// The latest features of a view's entities.
  ///
  /// - Throws: `notFound` with the nearest name; `unsupported` if there is no online store.
  public func online(_ view: String) throws(LarderError) -> ComposedOnlineView {
    ComposedOnlineView(try requireOnline(), try definitions().requireView(view))
  }

  /// The latest features of several views for each row of keys, in one call.
  ///
  /// Parameters, columns and errors are those of `FeatureStore.onlineFeatures`.
  ///
  /// - Complexity: one read of the online store for each view.
  public func onlineFeatures(
    for keys: RecordBatch, features: [FeatureReference],
    options: OnlineReadOptions = OnlineReadOptions()
  ) throws(LarderError) -> OnlineFeatures {
    let online = try requireOnline()
    let query = try ResolvedOnlineQuery(
      keys: keys.schema, views: definitions().featureViews, features: features, options: options)
    let readAt = options.at ?? .now
    var answers: [OnlineRows] = []
    for source in query.sources {
      answers.append(
        try online.read(
          source.keys(in: keys), from: source.view, features: source.featureNames, at: readAt,
          includeExpired: options.includeExpired))
    }
    return OnlineFeatures(query, keys, answers, readAt: readAt)
  }

  /// The latest features of a service for each row of keys.
  ///
  /// - Throws: `notFound` if there is no such service; else as `FeatureStore.onlineFeatures`.
  public func onlineFeatures(
    for keys: RecordBatch, service name: String, options: OnlineReadOptions = OnlineReadOptions()
  ) throws(LarderError) -> OnlineFeatures {
    let service = try definitions().requireService(name)
    var options = options
    options.projections += service.projections
    return try onlineFeatures(for: keys, features: service.features, options: options)
  }

  /// Writes the latest row of each entity with `from <= event time <= through` to the online store.
  ///
  /// All of the range is read and written at each run, as Feast's own materialization does; a row that
  /// is there already changes nothing.
  ///
  /// - Parameters:
  ///   - view: the view's name.
  ///   - from: the first event time; nil for no bound.
  ///   - through: the last event time to bring over.
  ///   - progress: told how many rows were written so far.
  /// - Returns: how many rows were written.
  /// - Throws: `notFound` with the nearest name; `unsupported` if there is no online store; what the
  ///   stores throw.
  @discardableResult
  public func materialize(
    _ view: String, from: Timestamp? = nil, through: Timestamp = .now,
    progress: (@Sendable (Int) -> Void)? = nil
  ) throws(LarderError) -> Int {
    let online = try requireOnline()
    let view = try definitions().requireView(view)
    let rows = try offlineStore.pullLatest(view, features: nil, from: from, through: through)
    try online.keep(view)
    var written = 0
    do {
      try rows.forEachBatch { batch in
        try online.writeBatch(batch, to: view, progress: nil)
        written += batch.count
        progress?(written)
      }
    } catch let error as LarderError {
      throw error
    } catch {
      throw LarderError(.io, "The store of history failed: \(error)")
    }
    return written
  }

  private func requireOnline() throws(LarderError) -> any OnlineStore {
    guard let onlineStore else {
      throw LarderError(.unsupported, "This store was put together without an online store.")
    }
    return onlineStore
  }
}

/// The latest features of one view's entities in a store of any kind.
public struct ComposedOnlineView: Sendable {
  /// The view's definition as it was when this was asked for.
  public let view: FeatureView
  private let store: any OnlineStore

  init(_ store: any OnlineStore, _ view: FeatureView) {
    self.store = store
    self.view = view
  }

  /// Reads one answer per key, in order, duplicates repeated; see `OnlineStore.read`.
  public func read(
    _ keys: RecordBatch, features: [String]? = nil, at: Timestamp? = nil,
    includeExpired: Bool = false
  ) throws(LarderError) -> OnlineRows {
    try store.read(
      keys, from: view, features: features, at: at, includeExpired: includeExpired)
  }

  /// Reads the row of one key in a form for people; see `OnlineView.row`.
  public func row(
    _ key: [String: Value], features: [String]? = nil, at: Timestamp? = nil,
    includeExpired: Bool = false
  ) throws(LarderError) -> OnlineValues {
    let rows = try read(
      try view.keyRow(key), features: features, at: at, includeExpired: includeExpired)
    return OnlineValues(rows, row: 0)
  }

  /// Writes rows straight to the online table, which is made if need be; see
  /// `OnlineStore.writeBatch`.
  public func write(
    _ batch: RecordBatch, progress: (@Sendable (Int) -> Void)? = nil
  ) throws(LarderError) {
    try store.keep(view)
    try store.writeBatch(batch, to: view, progress: progress)
  }

  /// Deletes the rows of keys as of an event time; see `OnlineStore.delete`.
  public func delete(_ keys: RecordBatch, at: Timestamp? = nil) throws(LarderError) {
    try store.delete(keys, from: view, at: at)
  }

  /// Removes the table with all its rows; twice is a no-op.
  public func drop() throws(LarderError) { try store.tearDown([view], entities: []) }
}

extension OnlineStore {
  /// Makes the table of a view if there is none.
  fileprivate func keep(_ view: FeatureView) throws(LarderError) {
    try update(
      keeping: [view], deleting: [], entitiesToKeep: view.entities, entitiesToDelete: [],
      partial: true)
  }
}
