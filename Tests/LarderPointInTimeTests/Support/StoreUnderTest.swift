import LarderColumns
import LarderContract
import LarderFiles
import LarderOffline
import LarderPointInTime

/// The store of segments behind the contract's interface, as a user's store is.
struct StoreUnderTest: OfflineStore {
  var store: Store
  var engine: PointInTimeEngine
  /// The state that is asked; nil for the newest.
  var pinned: Snapshot?

  init(_ store: Store, views: [FeatureView], rules: SearchRules = SearchRules()) throws {
    self.store = store
    engine = PointInTimeEngine(rules: rules)
    try store.apply(Definitions(featureViews: views))
  }

  /// An empty store on a simulated disk.
  static func simulated(
    seed: UInt64, views: [FeatureView], rules: SearchRules = SearchRules()
  ) throws -> StoreUnderTest {
    let host = Host(
      files: SimulatedFileSystem(seed: seed), now: { 1_700_000_000_000_000 },
      random: { UInt64.random(in: 0 ... .max) })
    var options = StoreOptions()
    options.fold = .off
    options.pieceRows = 16
    return try StoreUnderTest(
      try Store.open("/store", access: .create, host: host, options: options), views: views,
      rules: rules)
  }

  private var snapshot: Snapshot {
    get throws(LarderError) {
      if let pinned { pinned } else { try store.snapshot() }
    }
  }

  func historicalFeatures(
    for spine: RecordBatch?, views: [FeatureView], features: [FeatureReference],
    options: RetrievalOptions
  ) throws(LarderError) -> any RetrievalJob {
    try engine.historicalFeatures(
      in: snapshot, for: spine, views: views, features: features, options: options)
  }

  func pullLatest(
    _ view: FeatureView, features: [String]?, from: Timestamp?, through: Timestamp?
  ) throws(LarderError) -> any RetrievalJob {
    try engine.pull(
      in: snapshot, view, features: features, from: from, through: through, latest: true)
  }

  func pullAll(
    _ view: FeatureView, features: [String]?, from: Timestamp?, through: Timestamp?
  ) throws(LarderError) -> any RetrievalJob {
    try engine.pull(
      in: snapshot, view, features: features, from: from, through: through, latest: false)
  }

  func append(_ batch: RecordBatch, to view: FeatureView) throws(LarderError) -> Commit {
    try store.append([batch], to: view.name)
  }
}
