import LarderColumns
import LarderContract

/// How large a random case is.
package struct CaseShape: Sendable {
  /// Rows of history of one view.
  package var rows: ClosedRange<Int>
  /// Rows of a spine.
  package var spineRows: ClosedRange<Int>
  /// Commits over which the rows are spread.
  package var commits: ClosedRange<Int>
  /// Distinct keys of a view.
  package var keys: ClosedRange<Int>
  /// Ticks between the earliest and the latest event time, if they are not to be chosen.
  package var span: ClosedRange<Int>?
  /// The width of partitions, if it is not to be chosen.
  package var partition: PartitionWidth?
  /// Whether features may be lists.
  package var hasLists = true

  /// A handful of rows, in which every rule is met often.
  package static let small = CaseShape(
    rows: 0...90, spineRows: 0...40, commits: 1...12, keys: 1...9)

  /// More than a page of rows, over three calendar months, in at least ten commits.
  package static let large = CaseShape(
    rows: 70_001...90_000, spineRows: 200...600, commits: 10...12, keys: 1...3_000,
    span: 60 * 86_400_000_000...95 * 86_400_000_000, partition: .month)
}

/// A store's whole life in small: views, what is appended to them, and what is asked.
package struct RandomCase: Sendable {
  /// Rows that are appended together.
  package struct Append: Sendable {
    /// The position of the view in `views`.
    package var view: Int
    /// The rows.
    package var batch: RecordBatch
  }

  /// Something that is asked.
  package enum Query: Sendable {
    /// A point-in-time query; without a spine if it is nil.
    case historical(
      spine: RecordBatch?, features: [FeatureReference], options: RetrievalOptions)
    /// The latest rows, or all.
    case pull(view: Int, features: [String]?, from: Timestamp?, through: Timestamp?, latest: Bool)
  }

  /// What replays the case.
  package let seed: UInt64
  /// The views.
  package let views: [FeatureView]
  /// What is appended, in order.
  package let appends: [Append]
  /// What is asked.
  package let queries: [Query]

  /// Makes the case of a seed.
  ///
  /// - Throws: only if the generator itself is wrong.
  package init(seed: UInt64, shape: CaseShape = .small) throws(LarderError) {
    var random = CaseRandom(seed: seed)
    self.seed = seed
    var worlds: [RandomWorld] = []
    var appends: [Append] = []
    for index in 0..<(random.oneIn(3) ? 2 : 1) {
      let world = RandomWorld(named: "v\(index)", shape: shape, sharing: worlds, &random)
      for batch in try world.batches(&random) { appends.append(Append(view: index, batch: batch)) }
      worlds.append(world)
    }
    appends.shuffle(using: &random)
    views = worlds.map(\.view)
    self.appends = appends
    var queries = [try randomHistorical(worlds, shape: shape, &random)]
    if random.oneIn(3) { queries.append(try randomHistorical(worlds, shape: shape, &random)) }
    if random.oneIn(4) { queries.append(randomUnspined(worlds, shape: shape, &random)) }
    if random.oneIn(3) { queries.append(randomPull(worlds, &random)) }
    self.queries = queries
  }

  /// Asks a store one of the queries.
  package func ask(
    _ query: Query, of store: any OfflineStore
  ) throws(LarderError) -> any RetrievalJob {
    switch query {
    case .historical(let spine, let features, let options):
      try store.historicalFeatures(
        for: spine, views: views, features: features, options: options)
    case .pull(let view, let features, let from, let through, let latest):
      if latest {
        try store.pullLatest(views[view], features: features, from: from, through: through)
      } else {
        try store.pullAll(views[view], features: features, from: from, through: through)
      }
    }
  }
}

extension RandomCase.Query {
  /// Whether the order of the answer's rows is part of the contract.
  package var isOrdered: Bool {
    if case .historical = self { true } else { false }
  }
}
