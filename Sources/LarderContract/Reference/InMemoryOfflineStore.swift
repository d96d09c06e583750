import LarderColumns

/// A plain offline store in memory: rows in arrays, every rule written out, nothing clever.
///
/// It is the yardstick that other stores are measured against. It is exact and slow: a query
/// costs spine rows times rows per key.
///
/// ```swift
/// let store = InMemoryOfflineStore()
/// try store.append(batch, to: view)
/// let rows = try store.historicalFeatures(
///   for: spine, views: [view], features: ["driver_stats:conv_rate"], options: .init()
/// ).collect()
/// ```
public final class InMemoryOfflineStore: OfflineStore {
  private struct State: Sendable {
    var histories: [String: ReferenceHistory] = [:]
    var lastCommit: UInt64 = 0
  }
  private let state: ForkSafeMutex<State>

  /// Makes an empty store.
  public init() { state = ForkSafeMutex(State()) }

  private init(_ state: sending State) { self.state = ForkSafeMutex(state) }

  /// The store as it was at an earlier commit; appending to it does not change this one.
  ///
  /// - Parameter commit: the id of a commit that `append` returned.
  public func snapshot(at commit: UInt64) -> InMemoryOfflineStore {
    let histories = state.withLock { $0.histories }
    return InMemoryOfflineStore(
      State(histories: histories.mapValues { $0.through(commit) }, lastCommit: commit))
  }

  /// Adds rows to a view's history, all of them or none.
  ///
  /// - Throws: `invalidInput` with the column, the row and the reason.
  @discardableResult
  public func append(
    _ batch: RecordBatch, to view: FeatureView
  ) throws(LarderError) -> Commit {
    try state.withLock { (state) throws(LarderError) -> Commit in
      let commit = state.lastCommit + 1
      try state.histories[view.name, default: ReferenceHistory()].append(
        batch, to: view, commit: commit)
      state.lastCommit = commit
      return Commit(id: commit, time: Timestamp(seconds: Int64(commit)), chainHash: 0)
    }
  }

  /// Features as they were at each spine row's time; see `OfflineStore`.
  public func historicalFeatures(
    for spine: RecordBatch?, views: [FeatureView], features: [FeatureReference],
    options: RetrievalOptions
  ) throws(LarderError) -> any RetrievalJob {
    let query = try ResolvedQuery(
      spine: spine?.schema, views: views, features: features, options: options)
    let histories = state.withLock { $0.histories }
    return InMemoryRetrievalJob(
      schema: query.schema, plan: "Every row of every view is looked at for every spine row.",
      views: query.sources.map(\.name)
    ) { () throws(LarderError) in
      try referenceJoin(query, spine: spine, histories: histories, asKnown: options.asKnown)
    }
  }

  /// The latest row of each entity in a range of event times; see `OfflineStore`.
  public func pullLatest(
    _ view: FeatureView, features: [String]?, from: Timestamp?, through: Timestamp?
  ) throws(LarderError) -> any RetrievalJob {
    try pull(view, features, from, through, latest: true)
  }

  /// Every row in a range of event times; see `OfflineStore`.
  public func pullAll(
    _ view: FeatureView, features: [String]?, from: Timestamp?, through: Timestamp?
  ) throws(LarderError) -> any RetrievalJob {
    try pull(view, features, from, through, latest: false)
  }

  private func pull(
    _ view: FeatureView, _ features: [String]?, _ from: Timestamp?, _ through: Timestamp?,
    latest: Bool
  ) throws(LarderError) -> any RetrievalJob {
    let query = try ResolvedPull(view, features: features, from: from, through: through)
    let history = state.withLock { $0.histories[view.name] } ?? ReferenceHistory()
    return InMemoryRetrievalJob(
      schema: query.schema, plan: "Every row of the view is looked at.", views: [view.name]
    ) { () throws(LarderError) in
      try referencePull(query, history, latest: latest)
    }
  }
}
