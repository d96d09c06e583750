import LarderColumns
import LarderContract
import LarderFiles
import LarderOffline

/// An open feature store: history in, point-in-time queries out.
///
/// ```swift
/// let store = try FeatureStore(at: "features.larder", access: .create)
/// let driver = Entity("driver", joinKeys: [.int64("driver_id")])
/// try store.apply(FeatureView("driver_stats", entities: [driver]) {
///   Field("conv_rate", .float32)
/// })
/// try store.append(batch, to: "driver_stats")
/// let job = try store.historicalFeatures(for: spine, features: ["driver_stats:conv_rate"])
/// let training = try job.collect()
/// ```
///
/// May be used from any number of threads, beside any number of other processes. A process that was
/// forked from the one that opened the store must open its own.
public final class FeatureStore: Sendable {
  /// The store of history.
  public let offlineStore: any OfflineStore
  /// The store of the latest values; nil for an earlier state, which has none.
  public let onlineStore: (any OnlineStore)?
  /// Definitions, where no directory keeps them.
  let registry: ForkSafeMutex<Definitions>
  let resumption = ErasureResumption()

  /// Opens a store in a directory.
  ///
  /// - Parameters:
  ///   - path: the directory, on a local file system.
  ///   - access: `.create` makes a store if there is none; `.readOnly` makes nothing and needs read
  ///     permission only.
  ///   - settings: time-outs, retention, threads.
  /// - Throws: `notFound` if there is no store and none is to be made; `notAStore` for a file or a
  ///   directory of something else; `permissionDenied`; `corrupt`; `unsupportedVersion`;
  ///   `unsupported` for writing on a network file system; `locked`; `noSpace`; `io`.
  /// - Complexity: O(1) in the rows of the store.
  public convenience init(
    at path: String, access: Access = .readWrite, settings: Settings = Settings()
  ) throws(LarderError) {
    let history = try SegmentOfflineStore(at: path, access: access, settings: settings)
    self.init(offline: history, online: try history.makeOnlineStore(settings.online))
  }

  /// Joins stores of your own, or of Larder's, under one set of definitions.
  ///
  /// - Parameters:
  ///   - offline: a store of history.
  ///   - online: a store of the latest values.
  ///   - definitions: what is known at the start. A `SegmentOfflineStore` keeps its own.
  public init(
    offline: any OfflineStore, online: (any OnlineStore)? = nil,
    definitions: Definitions = Definitions()
  ) {
    offlineStore = offline
    onlineStore = online
    registry = ForkSafeMutex(definitions)
  }

  /// The store of Larder's own files.
  ///
  /// - Throws: `unsupported` if the offline store is another one.
  func segments(for what: String) throws(LarderError) -> SegmentOfflineStore {
    guard let store = offlineStore as? SegmentOfflineStore else {
      throw LarderError(
        .unsupported, "\(what) needs a store in a directory; this one brings its own history.")
    }
    return store
  }
}
