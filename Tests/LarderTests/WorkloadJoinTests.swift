import Larder
import LarderColumns
import LarderContract
import TestSupport
import Testing

/// The shapes of the workloads, asked of a store and of a join by sorting, cell by cell.
///
/// With `LARDER_CASES=full` at size S (1 M rows of history), else at size XS.
@Suite(.serialized) struct WorkloadJoinTests {
  @Test(arguments: Workload.Shape.allCases)
  func joinEqualsTheOracleImportedWholeAndInShuffledSlices(_ shape: Workload.Shape) throws {
    let size: Workload.Size = caseCount(0, full: 1) == 1 ? .S : .XS
    let workload = try Workload(shape, size, seed: 17)
    let whole = try TemporaryDirectory()
    let store = try FeatureStore(at: whole.path + "/s", access: .create)
    try store.apply(Definitions(featureViews: workload.views))
    for (view, rows) in zip(workload.views, workload.history) {
      try store.append(rows, to: view.name)
    }
    try check(store, workload, arrivals: workload.history.map { Array(0..<$0.count) }, "whole")

    let sliced = try TemporaryDirectory()
    let late = try FeatureStore(at: sliced.path + "/s", access: .create)
    try late.apply(Definitions(featureViews: workload.views))
    var random = SeededRandom(seed: 17)
    var arrivals: [[Int]] = []
    for (view, rows) in zip(workload.views, workload.history) {
      let order = Array(0..<rows.count).shuffled(using: &random)
      let withheld = rows.count / 20
      let first = Array(order.dropLast(withheld))
      let cuts = (0...37).map { $0 * first.count / 37 }
      for slice in 0..<37 {
        try late.append(try rows.taking(first[cuts[slice]..<cuts[slice + 1]]), to: view.name)
      }
      try late.append(try rows.taking(order.suffix(withheld)), to: view.name)
      arrivals.append(order)
    }
    try check(late, workload, arrivals: arrivals, "in slices")
    #expect(try late.verify().findings.isEmpty)
  }

  private func check(
    _ store: FeatureStore, _ workload: Workload, arrivals: [[Int]], _ how: String
  ) throws {
    let spine = workload.spine
    var options = RetrievalOptions(fullFeatureNames: true)
    options.timestamp = "event_timestamp"
    let answer = try store.historicalFeatures(
      for: spine, features: workload.features, options: options
    ).collect()
    #expect(answer.count == spine.count)
    let times = try #require(spine["event_timestamp"])
    var differences = 0
    var matched = 0
    for (ordinal, view) in workload.views.enumerated() {
      let history = workload.history[ordinal]
      let oracle = PlainJoin(view, history, arrivals: arrivals[ordinal])
      let keys = view.joinKeys.compactMap { spine[$0.name] }
      let rows = (0..<spine.count).map { row -> Int? in
        guard case .timestamp(let time) = times[row] else { return nil }
        return oracle.answer(keys.map { $0[row] }, at: time)
      }
      matched += rows.count { $0 != nil }
      for feature in view.features {
        let found = try #require(answer["\(view.name)__\(feature.name)"])
        let source = try #require(history[feature.name])
        for row in 0..<spine.count {
          let expected = rows[row].map { source[$0] } ?? .null
          if found[row] != expected { differences += 1 }
        }
      }
    }
    #expect(matched > 0)
    #expect(differences == 0, "\(how): \(differences) cells differ")
  }
}

extension RecordBatch {
  /// The rows at some positions, in their order.
  fileprivate func taking(_ rows: some Collection<Int>) throws -> RecordBatch {
    var taken: [Column] = []
    for column in columns {
      var builder = ColumnBuilder(column.type)
      for row in rows { try builder.append(column[row]) }
      taken.append(builder.finish())
    }
    return try RecordBatch(schema: schema, columns: taken, count: rows.count)
  }
}
