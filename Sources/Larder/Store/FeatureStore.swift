import LarderColumns
import LarderContract
import LarderFiles
import LarderOffline
import LarderOnline

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
/// Stores of your own, or others', have `ComposedFeatureStore`.
///
/// May be used from any number of threads, beside any number of other processes. A process that was
/// forked from the one that opened the store must open its own.
public final class FeatureStore: Sendable {
  /// History, in segments.
  public let offlineStore: SegmentOfflineStore
  /// The latest values, in online tables; nil for an earlier state, which has none.
  public let onlineStore: MappedOnlineStore?
  let resumption = ErasureResumption()

  /// Opens a store in a directory.
  ///
  /// - Parameters:
  ///   - path: the directory, on a local file system.
  ///   - access: `.create` makes a store if there is none; `.readOnly` makes nothing and needs read
  ///     permission only.
  ///   - options: time-outs, retention, threads.
  /// - Throws: `notFound` if there is no store and none is to be made; `notAStore` for a file or a
  ///   directory of something else; `permissionDenied`; `corrupt`; `unsupportedVersion`;
  ///   `unsupported` for writing on a network file system; `locked`; `noSpace`; `io`.
  /// - Complexity: O(1) in the rows of the store.
  public convenience init(
    at path: String, access: StoreAccess = .readWrite, options: StoreOptions = StoreOptions()
  ) throws(LarderError) {
    let history = try SegmentOfflineStore(at: path, access: access, options: options)
    self.init(offline: history, online: try history.makeOnlineStore(OnlineOptions(options)))
  }

  /// Joins history and online tables that were opened apart.
  package init(offline: SegmentOfflineStore, online: MappedOnlineStore? = nil) {
    offlineStore = offline
    onlineStore = online
  }
}
