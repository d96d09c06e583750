import LarderColumns
import LarderConformance
import LarderContract
import LarderFiles
import LarderOffline
import LarderPointInTime
import TestSupport
import Testing

/// Whole lives of stores against the in-memory reference, cell by cell.
///
/// `.ci/run oracle` runs all cases: 19,500 small ones and 500 of more than 70,000 rows.
@Suite struct OracleTests {
  @Test func agreesBeforeAndAfterFoldAndReopen() throws {
    try forEachSeed(caseCount(120, full: 19_500), from: 1_000_000) { try checkLife(seed: $0) }
  }

  @Test func agreesOnManyRows() throws {
    try forEachSeed(caseCount(1, full: 500), from: 3_000_000) {
      try checkLife(seed: $0, shape: .large)
    }
  }
}

/// Appends a case's rows, and asks at the head and at an earlier commit, as known and not: before
/// and after folding, and after the store was opened again.
func checkLife(seed: UInt64, shape: CaseShape = .small) throws {
  let randomCase = try RandomCase(seed: seed, shape: shape)
  let host = Host(
    files: SimulatedFileSystem(seed: seed), now: { 1_700_000_000_000_000 },
    random: { UInt64.random(in: 0 ... .max) })
  var options = StoreOptions()
  options.fold = .off
  options.pieceRows = shape.span == nil ? 16 : 1_000
  // Small ranges are answered in the order of history in every other life.
  let way: DifferentialTests.Way = seed.isMultiple(of: 2) ? .chosen : .ordered
  func open() throws -> StoreUnderTest {
    try StoreUnderTest(
      try Store.open("/store", access: .create, host: host, options: options),
      views: randomCase.views, rules: way.rules)
  }
  var store = try open()
  let reference = InMemoryOfflineStore()
  var commits: [(own: UInt64, reference: UInt64)] = []
  for append in randomCase.appends {
    let view = randomCase.views[append.view]
    let own = try store.append(append.batch, to: view)
    commits.append((own.id, try reference.append(append.batch, to: view).id))
  }
  if shape.span != nil { try checkSize(store, seed: seed) }
  let middle = commits[commits.count / 2]
  let moments = [
    (name: "the head", commit: nil, reference: reference),
    ("commit \(middle.own)", middle.own, reference.snapshot(at: middle.reference)),
  ]
  let queries = randomCase.queries.flatMap(\.inBothModes)
  let expected = try moments.map { moment in
    try queries.map { try randomCase.ask($0, of: moment.reference).collect() }
  }
  for stage in ["as appended", "folded", "opened again"] {
    store.pinned = nil
    if stage == "folded" { try store.store.fold() }
    if stage == "opened again" { store = try open() }
    for (moment, expected) in zip(moments, expected) {
      store.pinned = try moment.commit.map { try store.store.snapshot(at: $0) }
      for (index, (query, expected)) in zip(queries, expected).enumerated() {
        let found = try randomCase.ask(query, of: store).collect()
        let difference = firstDifference(
          expected: expected, found: found, isOrdered: query.isOrdered)
        if let difference {
          throw ConformanceFailure(
            "seed \(seed), \(stage), query \(index) at \(moment.name): \(difference)")
        }
      }
    }
  }
}

/// A large case is as large as it is meant to be: more than 70,000 rows of each view, in at least
/// three partitions and ten segments.
private func checkSize(_ store: StoreUnderTest, seed: UInt64) throws {
  for view in try store.store.snapshot().report().views {
    guard view.rows > 70_000, view.partitions >= 3, view.segments >= 10 else {
      throw ConformanceFailure(
        "seed \(seed): \(view.name) has \(view.rows) rows, \(view.partitions) partitions, "
          + "\(view.segments) segments")
    }
  }
}

extension RandomCase.Query {
  /// The query as known and not, where that is a query.
  fileprivate var inBothModes: [RandomCase.Query] {
    guard case .historical(let spine, let features, var options) = self else { return [self] }
    return [false, true].map { asKnown in
      options.asKnown = asKnown
      return .historical(spine: spine, features: features, options: options)
    }
  }
}
