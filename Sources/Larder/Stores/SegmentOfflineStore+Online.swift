import LarderColumns
import LarderContract
import LarderFiles
import LarderOffline
import LarderOnline
import LarderPointInTime

extension OnlineOptions {
  /// What the options of a store say of its online tables.
  init(_ options: StoreOptions) {
    self.init(durability: options.onlineDurability, lockTimeout: options.lockTimeout)
  }
}

extension SegmentOfflineStore {
  /// The online half of the same directory.
  package func makeOnlineStore(_ options: OnlineOptions) throws(LarderError) -> MappedOnlineStore {
    let store = self.store
    return MappedOnlineStore(
      host: store.host, directory: store.layout.online, store: try store.snapshot().identifier,
      locks: store.asked, isReadOnly: store.access == .readOnly, options: options,
      erasures: ErasureWatch(store)
    ) { [self] view throws(LarderError) in
      // Every read by name asks this, so it pins nothing.
      try definitionsByName().resolved(view)
    }
  }

  /// A state of history, to read from.
  func at(_ snapshot: Snapshot) -> SegmentOfflineStore {
    SegmentOfflineStore(store, pinned: snapshot, engine: engine)
  }

  /// The latest row of each entity among rows that are new to a watermark.
  ///
  /// - Parameters:
  ///   - commit: only segments with rows of later commits are looked into, so that the rows are
  ///     those that came since and, after merges, some from before; nil for all segments.
  func latest(
    of view: FeatureView, in snapshot: Snapshot, after commit: UInt64?, from: Timestamp?,
    through: Timestamp
  ) throws(LarderError) -> any RetrievalJob {
    let query = try ResolvedPull(view, features: nil, from: from, through: through)
    var history = try snapshot.history(of: view)
    if let commit { history.segments.removeAll { $0.description.lastCommit <= commit } }
    return PullJob(query, history: history, latest: true)
  }
}
