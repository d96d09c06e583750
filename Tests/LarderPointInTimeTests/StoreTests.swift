import LarderColumns
import LarderConformance
import LarderContract
import LarderFiles
import LarderOffline
import LarderPointInTime
import TestSupport
import Testing

@Suite struct StoreTests {
  @Test func obeysTheContract() throws {
    try checkOfflineStore(randomCases: 0) { views in
      try StoreUnderTest.simulated(seed: 1, views: views)
    }
  }

  @Test func agreesBeforeAndAfterFoldAndReopen() throws {
    try forEachSeed(caseCount(120, full: 20_000), from: 1_000_000) { try checkLife(seed: $0) }
  }

  @Test func agreesOnManyRows() throws {
    try forEachSeed(caseCount(1, full: 500), from: 3_000_000) {
      try checkLife(seed: $0, shape: .large)
    }
  }
}

/// Appends a case's rows, and asks at the head and at an earlier commit: before and after folding,
/// and after the store was opened anew.
func checkLife(seed: UInt64, shape: CaseShape = .small) throws {
  let randomCase = try RandomCase(seed: seed, shape: shape)
  let host = Host(
    files: SimulatedFileSystem(seed: seed), now: { 1_700_000_000_000_000 },
    random: { UInt64.random(in: 0 ... .max) })
  var options = StoreOptions()
  options.fold = .off
  if shape.span == nil { options.pieceRows = 16 }
  func open() throws -> StoreUnderTest {
    try StoreUnderTest(
      try Store.open("/store", access: .create, host: host, options: options),
      views: randomCase.views)
  }
  var store = try open()
  let reference = InMemoryOfflineStore()
  var commits: [(own: UInt64, reference: UInt64)] = []
  for append in randomCase.appends {
    let view = randomCase.views[append.view]
    let own = try store.append(append.batch, to: view)
    commits.append((own.id, try reference.append(append.batch, to: view).id))
  }
  let middle = commits[commits.count / 2]
  for stage in ["as appended", "folded", "opened anew"] {
    if stage == "folded" { try store.store.fold() }
    if stage == "opened anew" { store = try open() }
    for (index, question) in randomCase.questions.enumerated() {
      for isHead in [true, false] {
        store.commit = isHead ? nil : middle.own
        let oracle = isHead ? reference : reference.snapshot(at: middle.reference)
        let expected = try randomCase.ask(question, of: oracle).collect()
        let found = try randomCase.ask(question, of: store).collect()
        let difference = firstDifference(
          expected: expected, found: found, isOrdered: question.isOrdered)
        if let difference {
          let place = isHead ? "the head" : "commit \(middle.own)"
          throw ConformanceFailure(
            "seed \(seed), \(stage), question \(index) at \(place): \(difference)")
        }
      }
    }
  }
}
