import LarderColumns
import LarderConformance
import LarderContract
import TestSupport
import Testing

@Suite struct ReferenceTests {
  @Test func obeysTheContract() throws {
    try checkOfflineStore(randomCases: 200, seed: 1) { _ in InMemoryOfflineStore() }
  }

  @Test func differsWhereTheContractIsBroken() throws {
    // A store that forgets the last row of each batch must be found out.
    #expect(throws: (any Error).self) {
      try checkOfflineStore(randomCases: 50, seed: 1) { _ in ForgetfulStore() }
    }
  }

  @Test func remembersEarlierCommits() throws {
    let view = FeatureView("v", entities: [], features: [Field("f", .int64)])
    let store = InMemoryOfflineStore()
    func append(_ value: Int64) throws -> UInt64 {
      try store.append(
        RecordBatch(["event_timestamp": .timestamp([1]), "f": .int64([value])]), to: view
      ).id
    }
    let first = try append(1)
    _ = try append(2)
    let spine = try RecordBatch(["event_timestamp": .timestamp([5])])
    func ask(_ store: InMemoryOfflineStore) throws -> Value {
      try store.historicalFeatures(
        for: spine, views: [view], features: ["v:f"], options: RetrievalOptions()
      ).collect().columns[1][0]
    }
    #expect(try ask(store) == .int64(2))
    #expect(try ask(store.snapshot(at: first)) == .int64(1))
  }
}

private struct ForgetfulStore: OfflineStore {
  let inner = InMemoryOfflineStore()

  func historicalFeatures(
    for spine: RecordBatch?, views: [FeatureView], features: [FeatureReference],
    options: RetrievalOptions
  ) throws(LarderError) -> any RetrievalJob {
    try inner.historicalFeatures(for: spine, views: views, features: features, options: options)
  }
  func pullLatest(
    _ view: FeatureView, features: [String]?, from: Timestamp?, through: Timestamp?
  ) throws(LarderError) -> any RetrievalJob {
    try inner.pullLatest(view, features: features, from: from, through: through)
  }
  func pullAll(
    _ view: FeatureView, features: [String]?, from: Timestamp?, through: Timestamp?
  ) throws(LarderError) -> any RetrievalJob {
    try inner.pullAll(view, features: features, from: from, through: through)
  }
  func append(_ batch: RecordBatch, to view: FeatureView) throws(LarderError) -> Commit {
    try inner.append(batch.slice(0..<max(0, batch.count - 1)), to: view)
  }
}
