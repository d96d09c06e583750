import LarderColumns
import LarderContract
import LarderFiles
import LarderOffline
import LarderPointInTime

/// Feature history in Larder's own columnar files, in one directory.
///
/// What `FeatureStore(at:)` opens; use it by itself to put another online store beside it.
public final class SegmentOfflineStore: OfflineStore {
  let store: Store
  /// The one state that is shown; nil to show the newest.
  let pinned: Snapshot?
  let engine: PointInTimeEngine
  private let named = ForkSafeMutex(CurrentDefinitions())

  /// Opens the history of a directory.
  ///
  /// Parameters and errors are those of `FeatureStore.init(at:access:options:)`.
  public convenience init(
    at path: String, access: StoreAccess = .readWrite,
    options: StoreOptions = StoreOptions()
  ) throws(LarderError) {
    try self.init(
      at: path, access: access, host: .system(), options: options)
  }

  /// Opens the history of a directory on any host.
  package convenience init(
    at path: String, access: StoreAccess, host: Host, options: StoreOptions
  ) throws(LarderError) {
    let store = try Store.open(path, access: access, host: host, options: options)
    if access != .readOnly { store.add(TimelineBuilder()) }
    self.init(store)
  }

  init(
    _ store: Store, pinned: Snapshot? = nil, engine: PointInTimeEngine = PointInTimeEngine()
  ) {
    self.store = store
    self.pinned = pinned
    self.engine = engine
  }

  /// What queries are asked of.
  func snapshot() throws(LarderError) -> Snapshot {
    if let pinned { return pinned }
    return try store.snapshot()
  }

  /// The definitions that queries by name are asked of.
  ///
  /// - Throws: `corrupt`, `io`.
  func definitionsByName() throws(LarderError) -> NamedDefinitions {
    if let pinned { return try definitionsByName(in: pinned) }
    return try named.withLock { (named) throws(LarderError) in try named.refresh(from: store) }
  }

  /// The definitions of a snapshot, by name.
  ///
  /// - Throws: `limitExceeded`.
  func definitionsByName(in snapshot: Snapshot) throws(LarderError) -> NamedDefinitions {
    try named.withLock { (named) throws(LarderError) in try named.of(snapshot) }
  }

  /// The store as of an earlier commit, to read from.
  ///
  /// - Throws: `notFound` if there is no such commit or it is no longer kept.
  func at(_ commit: UInt64) throws(LarderError) -> SegmentOfflineStore {
    SegmentOfflineStore(store, pinned: try store.snapshot(at: commit), engine: engine)
  }

  /// Refuses to change an earlier state.
  func requireNewest() throws(LarderError) {
    if let pinned {
      throw LarderError(
        .readOnly,
        "This is the store as of commit \(pinned.commit.id), which cannot change; write to the "
          + "store itself.")
    }
  }
}

// MARK: Queries

extension SegmentOfflineStore {
  /// Features as they were at each spine row's time, as `OfflineStore` has it.
  public func historicalFeatures(
    for spine: RecordBatch?, views: [FeatureView], features: [FeatureReference],
    options: RetrievalOptions
  ) throws(LarderError) -> any RetrievalJob {
    try engine.historicalFeatures(
      in: try snapshot(), for: spine, views: views, features: features, options: options)
  }

  /// The latest row of each entity in a range, as `OfflineStore` has it.
  public func pullLatest(
    _ view: FeatureView, features: [String]?, from: Timestamp?, through: Timestamp?
  ) throws(LarderError) -> any RetrievalJob {
    try pull(view, features, from, through, PullOptions(), latest: true)
  }

  /// Every row of a range, as `OfflineStore` has it.
  public func pullAll(
    _ view: FeatureView, features: [String]?, from: Timestamp?, through: Timestamp?
  ) throws(LarderError) -> any RetrievalJob {
    try pull(view, features, from, through, PullOptions(), latest: false)
  }

  /// The latest row of each entity in a range within a budget, as `OfflineStore` has it.
  public func pullLatest(
    _ view: FeatureView, features: [String]?, from: Timestamp?, through: Timestamp?,
    options: PullOptions
  ) throws(LarderError) -> any RetrievalJob {
    try pull(view, features, from, through, options, latest: true)
  }

  /// Every row of a range within a budget, as `OfflineStore` has it.
  public func pullAll(
    _ view: FeatureView, features: [String]?, from: Timestamp?, through: Timestamp?,
    options: PullOptions
  ) throws(LarderError) -> any RetrievalJob {
    try pull(view, features, from, through, options, latest: false)
  }

  private func pull(
    _ view: FeatureView, _ features: [String]?, _ from: Timestamp?, _ through: Timestamp?,
    _ options: PullOptions, latest: Bool
  ) throws(LarderError) -> any RetrievalJob {
    try engine.pull(
      in: try snapshot(), view, features: features, from: from, through: through, latest: latest,
      options: options)
  }
}
