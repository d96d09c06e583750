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
  private let engine: PointInTimeEngine

  /// Opens the history of a directory.
  ///
  /// Parameters and errors are those of `FeatureStore.init(at:access:settings:)`.
  public convenience init(
    at path: String, access: FeatureStore.Access = .readWrite,
    settings: FeatureStore.Settings = FeatureStore.Settings()
  ) throws(LarderError) {
    try self.init(
      at: path, access: access.stored, host: .system(), options: settings.stored)
  }

  /// Opens the history of a directory on any host.
  package convenience init(
    at path: String, access: StoreAccess, host: Host, options: StoreOptions
  ) throws(LarderError) {
    self.init(try Store.open(path, access: access, host: host, options: options))
  }

  private init(
    _ store: Store, pinned: Snapshot? = nil, engine: PointInTimeEngine = PointInTimeEngine()
  ) {
    self.store = store
    self.pinned = pinned
    self.engine = engine
  }

  /// What questions are asked of.
  func snapshot() throws(LarderError) -> Snapshot {
    if let pinned { return pinned }
    return try store.snapshot()
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

// MARK: Questions

extension SegmentOfflineStore {
  /// Features as they were at each spine row's time, as `OfflineStore` has it.
  public func historicalFeatures(
    for spine: RecordBatch?, views: [FeatureView], features: [FeatureReference],
    options: RetrievalOptions
  ) throws(LarderError) -> any RetrievalJob {
    let snapshot = try snapshot()
    let job = try engine.historicalFeatures(
      in: snapshot, for: spine, views: views, features: features, options: options)
    return PinnedJob(job, on: snapshot)
  }

  /// The latest row of each entity in a range, as `OfflineStore` has it.
  public func pullLatest(
    _ view: FeatureView, features: [String]?, from: Timestamp?, through: Timestamp?
  ) throws(LarderError) -> any RetrievalJob {
    try pull(view, features, from, through, latest: true)
  }

  /// Every row of a range, as `OfflineStore` has it.
  public func pullAll(
    _ view: FeatureView, features: [String]?, from: Timestamp?, through: Timestamp?
  ) throws(LarderError) -> any RetrievalJob {
    try pull(view, features, from, through, latest: false)
  }

  private func pull(
    _ view: FeatureView, _ features: [String]?, _ from: Timestamp?, _ through: Timestamp?,
    latest: Bool
  ) throws(LarderError) -> any RetrievalJob {
    let snapshot = try snapshot()
    let job = try engine.pull(
      in: snapshot, view, features: features, from: from, through: through, latest: latest)
    return PinnedJob(job, on: snapshot)
  }
}

/// A job with the snapshot it was made on, whose files stay as long as the job lives.
private final class PinnedJob: RetrievalJob {
  private let job: any RetrievalJob
  private let snapshot: Snapshot

  init(_ job: any RetrievalJob, on snapshot: Snapshot) {
    self.job = job
    self.snapshot = snapshot
  }

  var schema: Schema { job.schema }
  var report: RetrievalReport? { job.report }
  func explain() throws(LarderError) -> String {
    "as of commit \(snapshot.commit.id)\n" + (try job.explain())
  }
  func collect() throws(LarderError) -> RecordBatch { try job.collect() }
  func forEachBatch(_ body: (RecordBatch) throws -> Void) throws { try job.forEachBatch(body) }
}
