import LarderColumns
import LarderContract
import LarderFiles
import TestSupport
import Testing

@testable import LarderOffline

/// Random commits against a plain list: every snapshot shows its rows, and every tie has its winner.
@Suite struct DifferentialTests {
  @Test(arguments: 0..<12) func agreesWithAList(_ seed: Int) throws {
    var random = SeededRandom(seed: UInt64(seed))
    var options = Fixture.options(fold: random.chance(0.5) ? .afterAppend : .off)
    options.pieceRows = random.int(2...8)
    options.segmentRows = random.int(12...40)
    options.manifestRecords = random.int(2...9)
    if random.chance(0.5) { options.appendBufferBytes = 400 }
    let width = [PartitionWidth.auto, .hour, .day, .month, .year][seed % 5]
    let disk = SimulatedFileSystem(seed: UInt64(seed))
    var process = disk
    var store = try Store.open("/s", access: .create, host: process.host(), options: options)
    try store.apply(Fixture.definitions(Fixture.view(partition: width)))
    var rows: [TestRow] = []
    var history: [(Commit, [TestRow])] = []
    var value: Int64 = 0
    for _ in 0..<30 {
      switch random.int(0...12) {
      case 10, 11, 12:
        var compaction = CompactionOptions()
        if random.chance(0.3) { compaction.partitions = ["all"] }
        if random.chance(0.2) { compaction.isCold = true }
        if random.chance(0.2) { compaction.maxSeconds = 1_000 }
        let report = try store.compact(["stats"], compaction)
        if random.chance(0.3), compaction.partitions.isEmpty {
          let again = try store.compact(["stats"], compaction)
          #expect(
            again.views[0].partitions.isEmpty, "seed \(seed): \(report.views[0].after) \(again)")
        }
      case 0:
        process = disk.anotherProcess()
        store = try Store.open("/s", access: .readWrite, host: process.host(), options: options)
      case 1: try store.fold()
      case 2:
        let from = Int64(random.int(0...40)) * 86_400_000_000
        let through = from + Int64(random.int(0...20)) * 86_400_000_000
        let new = makeRows(&random, &value, in: from...through)
        let commit = try store.replace(
          try batches(new, &random), in: "stats", from: Timestamp(microseconds: from),
          through: Timestamp(microseconds: through))
        rows = rows.filter { $0.event < from || $0.event > through } + new
        history.append((commit, rows))
      default:
        let new = makeRows(&random, &value, in: 0...50 * 86_400_000_000)
        let commit = try store.append(try batches(new, &random), to: "stats")
        rows += new
        history.append((commit, rows))
      }
      try check(try store.snapshot(), rows, seed)
    }
    for (commit, rows) in history where random.chance(0.3) {
      try check(try store.snapshot(at: commit.id), rows, seed)
    }
    #expect(disk.paths.filter { $0.hasSuffix(".seg") }.count < 900)
  }

  private func makeRows(
    _ random: inout SeededRandom, _ value: inout Int64, in range: ClosedRange<Int64>
  ) -> [TestRow] {
    (0..<random.int(0...60)).map { _ in
      value += 1
      let day = Int64.random(in: range.lowerBound...range.upperBound, using: &random)
      // Few distinct times, so that ties are common.
      let event = max(range.lowerBound, day / 43_200_000_000 * 43_200_000_000)
      return TestRow(
        key: Int64(random.int(0...6)), event: event,
        created: random.chance(0.4) ? nil : Int64(random.int(0...2)), value: value)
    }
  }

  private func batches(_ rows: [TestRow], _ random: inout SeededRandom) throws -> [RecordBatch] {
    var batches: [RecordBatch] = []
    var rest = rows[...]
    while !rest.isEmpty {
      let count = random.int(1...rest.count)
      batches.append(try Fixture.batch(Array(rest.prefix(count))))
      rest = rest.dropFirst(count)
    }
    return batches
  }

  private func check(_ snapshot: Snapshot, _ rows: [TestRow], _ seed: Int) throws {
    try snapshot.checkInvariants()
    let seen = try snapshot.allRows()
    #expect(seen.sorted() == rows.sorted(), "seed \(seed), commit \(snapshot.commit.id)")
    // Values rise with the order in which rows came, so the last of a tie has the greatest.
    struct Tie: Hashable {
      var key: Int64
      var event: Int64
    }
    func wins(_ a: TestRow, _ b: TestRow) -> Bool {
      (a.created ?? .min, a.value) > (b.created ?? .min, b.value)
    }
    var expected: [Tie: TestRow] = [:]
    for row in rows {
      let tie = Tie(key: row.key, event: row.event)
      if expected[tie].map({ wins(row, $0) }) ?? true { expected[tie] = row }
    }
    let view = try #require(snapshot.catalog.view(named: "stats"))
    var found: [Tie: (row: TestRow, commit: UInt64)] = [:]
    for description in snapshot.segments(of: view) {
      for row in try snapshot.rows(of: description, view) {
        let tie = Tie(key: row.key, event: row.event)
        guard let best = found[tie] else {
          found[tie] = (row, description.lastCommit)
          continue
        }
        let left = (row.created ?? .min, description.lastCommit)
        let right = (best.row.created ?? .min, best.commit)
        if left >= right { found[tie] = (row, description.lastCommit) }
      }
    }
    #expect(found.mapValues(\.row) == expected, "seed \(seed), commit \(snapshot.commit.id)")
  }
}
