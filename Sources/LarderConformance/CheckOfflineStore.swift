import LarderColumns
import LarderContract

/// Checks an offline store against the contract.
///
/// Cases written by hand come first, then random ones against the in-memory reference. Throws at
/// the first difference.
///
/// ```swift
/// try checkOfflineStore { views in try MyStore(views) }
/// ```
///
/// - Parameters:
///   - randomCases: how many random cases to run.
///   - seed: the seed of the first random case; the n-th has `seed + n`.
///   - makeStore: makes an empty store. It is told the views that will be used, for stores that
///     must know them first.
/// - Throws: `ConformanceFailure`, whose description names the case or its seed; what the store
///   throws where it should not, unchanged.
public func checkOfflineStore(
  randomCases: Int = 200, seed: UInt64 = 1,
  makeStore: ([FeatureView]) throws -> any OfflineStore
) throws {
  for check in handwrittenChecks {
    do { try check.body(makeStore) } catch let failure as ConformanceFailure {
      throw ConformanceFailure(description: "\(check.name): \(failure)")
    }
  }
  for index in 0..<max(0, randomCases) {
    try checkRandomCase(seed: seed &+ UInt64(index), makeStore: makeStore)
  }
}

/// Runs one random case: the queries are asked half way and at the end, and the job made half way
/// must not see what came after it was made.
package func checkRandomCase(
  seed: UInt64, shape: CaseShape = .small,
  makeStore: ([FeatureView]) throws -> any OfflineStore
) throws {
  let randomCase = try RandomCase(seed: seed, shape: shape)
  let store = try makeStore(randomCase.views)
  let reference = InMemoryOfflineStore()
  let half = randomCase.appends.count / 2
  for append in randomCase.appends.prefix(half) {
    let view = randomCase.views[append.view]
    try store.append(append.batch, to: view)
    try reference.append(append.batch, to: view)
  }
  let earlyQuery = randomCase.queries[0]
  let early = try randomCase.ask(earlyQuery, of: store)
  let earlyReference = try randomCase.ask(earlyQuery, of: reference)
  for append in randomCase.appends.dropFirst(half) {
    let view = randomCase.views[append.view]
    try store.append(append.batch, to: view)
    try reference.append(append.batch, to: view)
  }
  try compare(early, earlyReference, earlyQuery, "seed \(seed), asked half way")
  for (index, query) in randomCase.queries.enumerated() {
    try compare(
      try randomCase.ask(query, of: store), try randomCase.ask(query, of: reference),
      query, "seed \(seed), query \(index)")
  }
}

private func compare(
  _ job: any RetrievalJob, _ reference: any RetrievalJob, _ query: RandomCase.Query,
  _ name: String
) throws {
  let found = try job.collect()
  let difference = firstDifference(
    expected: try reference.collect(), found: found, isOrdered: query.isOrdered)
  if let difference { throw ConformanceFailure(description: "\(name): \(difference)") }
  guard job.schema == found.schema else {
    throw ConformanceFailure(description: "\(name): the job's schema is not the answer's")
  }
  var start = 0
  try job.forEachBatch { batch in
    let end = start + batch.count
    guard end <= found.count else {
      throw ConformanceFailure(description: "\(name): forEachBatch gives too many rows")
    }
    if let difference = firstDifference(expected: found.slice(start..<end), found: batch) {
      throw ConformanceFailure(
        description: "\(name): forEachBatch from row \(start): \(difference)")
    }
    start = end
  }
  guard start == found.count else {
    throw ConformanceFailure(
      description: "\(name): forEachBatch gives \(start) of \(found.count) rows")
  }
}
