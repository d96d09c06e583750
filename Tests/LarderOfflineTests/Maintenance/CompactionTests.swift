import LarderColumns
import LarderContract
import LarderFiles
import TestSupport
import Testing

@testable import LarderOffline

@Suite struct CompactionTests {
  private let day: Int64 = 86_400_000_000
  /// 2023-10-01, before the simulated clock.
  private let start: Int64 = 1_696_118_400_000_000

  private func makeStore(
    _ partition: PartitionWidth, options: StoreOptions = Fixture.options()
  ) throws -> (SimulatedFileSystem, Store) {
    let disk = SimulatedFileSystem(seed: 91)
    let store = try Store.open(
      "/s", access: .create, host: disk.host(start: 1_700_000_000_000_000), options: options)
    try store.apply(Fixture.definitions(Fixture.view(partition: partition)))
    return (disk, store)
  }

  /// Rows of some keys, one each day of a range.
  private func rows(
    _ days: Range<Int64>, keys: Int64 = 5, from value: Int64
  ) -> [TestRow] {
    var rows: [TestRow] = []
    for day in days {
      for key in 0..<keys {
        rows.append(
          TestRow(
            key: key, event: start + day * self.day, created: nil,
            value: value + Int64(rows.count)))
      }
    }
    return rows
  }

  private func live(_ store: Store) throws -> [SegmentDescription] {
    let snapshot = try store.snapshot()
    try snapshot.checkInvariants()
    return snapshot.segments(of: snapshot.catalog.views[0])
  }

  @Test func bringsSmallCommitsTogether() throws {
    let (disk, store) = try makeStore(.auto)
    var all: [TestRow] = []
    for commit in 0..<5 {
      let more = rows(0..<3, from: Int64(commit) * 100)
      all += more
      try store.append([Fixture.batch(more)], to: "stats")
    }
    let before = try store.snapshot()
    let told = try store.compact([], CompactionOptions(isDryRun: true))
    #expect(told.isDryRun && told.views[0].partitions.count == 1)
    #expect(told.views[0].rowsWritten == 75 && told.views[0].before == told.views[0].after)
    let report = try store.compact()
    let view = try #require(report.views.first)
    #expect(view.before.segments == 5 && view.after.segments == 1)
    #expect(view.before.rows == 75 && view.after.rows == 75 && view.rowsWritten == 75)
    #expect(view.before.debtRows == 60 && view.after.debtRows == 0)
    #expect(view.commit == (try store.snapshot().commit))
    #expect(report.bytesReturned == 0 && report.bytesWaiting == view.before.bytes)
    let until = try #require(report.waitingUntil)
    #expect(until.ticks - view.commit!.time.ticks == 3_600_000_000)
    #expect(try store.snapshot().allRows().sorted() == all)
    #expect(try before.allRows().sorted() == all)
    let merged = try live(store)[0]
    #expect(merged.firstCommit == 2 && merged.lastCommit == 6)
    let again = try store.compact()
    #expect(again.views[0].partitions.isEmpty && again.views[0].commit == nil)
    _ = disk
  }

  @Test func splitsClosedPartitionsAndLeavesTheOpenOne() throws {
    var options = Fixture.options()
    options.pieceRows = 4
    let (_, store) = try makeStore(.month, options: options)
    // October is closed once November has a row; each commit spans both.
    var all: [TestRow] = []
    for commit in 0..<3 {
      let more = rows(29..<33, from: Int64(commit) * 100)
      all += more
      try store.append([Fixture.batch(more)], to: "stats")
    }
    let report = try store.compact()
    let names = report.views[0].partitions.map(\.name)
    #expect(names.contains("2023-10"), "\(report)")
    let segments = try live(store)
    let october = segments.filter { $0.partition?.lowerBound == start }
    #expect(october.count == 1 && october[0].rows == 30)
    #expect(october[0].maxEvent < start + 31 * day)
    #expect(try store.snapshot().allRows().sorted() == all)
    // Named, the open one is brought together too.
    let named = try store.compact(["stats"], CompactionOptions(partitions: ["2023-11"]))
    #expect(named.views[0].after.segments == 2)
    #expect(try live(store).count == 2)
    #expect(try store.snapshot().allRows().sorted() == all)
  }

  @Test func aRowOfTheFarFutureDoesNotCloseThePresent() throws {
    var options = Fixture.options()
    options.pieceRows = 2
    let (_, store) = try makeStore(.month, options: options)
    for commit in 0..<2 {
      try store.append([Fixture.batch(rows(3..<40, from: Int64(commit) * 1_000))], to: "stats")
    }
    let future = TestRow(key: 1, event: start + 36_500 * day, created: nil, value: 9_999)
    try store.append([Fixture.batch([future])], to: "stats")
    let plan = try store.compact([], CompactionOptions(isDryRun: true)).views[0]
    #expect(plan.partitions.map(\.name) == ["2023-10"], "\(plan)")
    #expect(plan.note.hasPrefix("2023-11 (open)"))
  }

  @Test func refusesNamesThatAreNone() throws {
    let (_, store) = try makeStore(.month)
    try store.append([Fixture.batch(rows(0..<3, from: 0))], to: "stats")
    for name in ["2023-13", "2023-02-30", "23", "x", "", "2023-1", "2023-10-01T24", "2023-10-01-"] {
      #expect(throws: LarderError.self, "\(name)") {
        try store.compact(["stats"], CompactionOptions(partitions: [name]))
      }
    }
    let error = #expect(throws: LarderError.self) {
      try store.compact(["stats"], CompactionOptions(partitions: ["2022-01"]))
    }
    #expect(error?.code == .notFound)
    #expect(throws: LarderError.self) { try store.compact(["nothing"]) }
  }

  @Test func dropsRowsThatLaterOnesRepeat() throws {
    let (_, store) = try makeStore(.auto)
    var rows: [TestRow] = []
    for commit in 0..<3 {
      rows = (0..<4).map {
        TestRow(
          key: $0, event: start + ($0 % 2) * day, created: $0 == 3 ? Int64(commit) : 7,
          value: Int64(commit) * 10 + $0)
      }
      try store.append([Fixture.batch(rows)], to: "stats")
    }
    let report = try store.compact(["stats"], CompactionOptions(dropsRepeated: true))
    // Key 3 was created again each time: those are not repetitions.
    #expect(report.views[0].rowsRepeated == 6)
    #expect(try store.snapshot().allRows().map(\.value).sorted() == [3, 13, 20, 21, 22, 23])
  }

  /// Rows that come while a compaction is under way stay, and win their ties.
  @Test func appendsAndFoldsGoOnMeanwhile() throws {
    let (_, store) = try makeStore(.auto)
    var all: [TestRow] = []
    func append(_ value: Int64) throws {
      let more = rows(0..<2, from: value)
      all += more
      try store.append([Fixture.batch(more)], to: "stats")
    }
    for commit in 0..<6 { try append(Int64(commit) * 100) }
    let state = try store.settle()
    let view = try store.snapshot().catalog.views[0]
    let segments = try live(store).map { try store.cache.segment($0) }
    let plan = try CompactionPlan(
      view, segments, CompactionOptions(), now: store.host.now(), store: store.options)
    let rewrite = Rewrite(plan, plan.targets)
    let read = CommitPlan(state, view, inputs: rewrite.removed)
    for commit in 6..<9 { try append(Int64(commit) * 100) }
    let result = try store.perform(rewrite, .compaction, by: read)
    #expect(result.rows == 60)
    #expect(try live(store).count == 4)
    #expect(try store.snapshot().allRows().sorted() == all)
    // The same plan cannot be carried out twice: its inputs are gone.
    let error = #expect(throws: LarderError.self) {
      try store.perform(rewrite, .compaction, by: read)
    }
    #expect(error?.code == .conflict)
    #expect(try store.snapshot().allRows().sorted() == all)
  }

  @Test func noticesValuesThatChange() throws {
    let (_, store) = try makeStore(.auto)
    for commit in 0..<2 {
      try store.append([Fixture.batch(rows(0..<2, from: Int64(commit) * 100))], to: "stats")
    }
    let snapshot = try store.snapshot()
    let fields = snapshot.catalog.views[0].fields
    let segments = try live(store).map { try snapshot.open($0) }
    var one = ContentSums()
    try one.add(segments[0], fields: fields, hasCreated: true)
    var other = ContentSums()
    try other.add(segments[1], fields: fields, hasCreated: true)
    #expect(throws: LarderError.self) { try one.check(other, fields: fields) }
    try one.check(one, fields: fields)
    var both = one
    try both.add(segments[1], fields: fields, hasCreated: true)
    #expect(throws: LarderError.self) { try both.check(one, fields: fields) }
  }

  /// Breaks of the rules by which a rewrite is planned, each of which a check before the commit
  /// refuses.
  private enum Break: CaseIterable {
    case losesAPart, writesAPartTwice, losesRowsOfAPart, overlapsAPart, forgetsAnInput
    case takesAnInputTooMany, joinsCommitsAcrossAnother
  }

  @Test func refusesRewritesAgainstTheRules() throws {
    for fault in Break.allCases {
      let (_, store) = try makeStore(.month)
      var all: [TestRow] = []
      func append(_ days: Range<Int64>, _ value: Int64) throws {
        let more = rows(days, from: value)
        all += more
        try store.append([Fixture.batch(more)], to: "stats")
      }
      // Commits 2 and 4 span October and November; commit 3 lies in November alone.
      try append(25..<40, 0)
      try append(33..<36, 1_000)
      try append(26..<41, 2_000)
      let state = try store.settle()
      let view = try store.snapshot().catalog.views[0]
      let segments = try live(store).sorted { $0.firstCommit < $1.firstCommit }
        .map { try store.cache.segment($0) }
      let plan = try CompactionPlan(
        view, segments, CompactionOptions(partitions: ["2023-10"]), now: store.host.now(),
        store: store.options)
      var rewrite = Rewrite(plan, plan.targets)
      // One output, and a remainder of each commit: joined they would reach across commit 3.
      #expect(rewrite.removed.count == 2 && rewrite.parts.count == 3)
      let edge = try #require(plan.targets.first).range.upperBound
      switch fault {
      case .losesAPart: rewrite.parts.removeLast()
      case .writesAPartTwice: rewrite.parts.append(rewrite.parts[0])
      case .losesRowsOfAPart: rewrite.parts[1].range = edge + 2 * day ... .max
      case .overlapsAPart: rewrite.parts[1].range = edge - day ... .max
      case .forgetsAnInput: rewrite.parts[0].inputs.removeLast()
      case .takesAnInputTooMany: rewrite.parts[0].inputs.append(rewrite.parts[0].inputs[0])
      case .joinsCommitsAcrossAnother:
        rewrite.parts[1].inputs += rewrite.parts[2].inputs
        rewrite.parts.removeLast()
      }
      let error = #expect(throws: LarderError.self, "\(fault)") {
        try store.perform(
          rewrite, .compaction, by: CommitPlan(state, view, inputs: rewrite.removed))
      }
      let isBox = fault == .joinsCommitsAcrossAnother
      #expect(error?.code == (isBox ? .conflict : .corrupt), "\(fault): \(error as Any)")
      #expect(try store.snapshot().allRows().sorted() == all)
      #expect(try live(store).count == 3)
      // Without the break it goes through.
      let again = Rewrite(plan, plan.targets)
      try store.perform(
        again, .compaction, by: CommitPlan(state, view, inputs: again.removed))
      #expect(try store.snapshot().allRows().sorted() == all)
      #expect(try live(store).count == 4)
    }
  }

  @Test func namesPartitions() throws {
    for (width, name) in [
      (PartitionWidth.year, "2024"), (.month, "2024-02"), (.day, "2024-02-29"),
      (.hour, "2024-02-29T23"),
    ] {
      for unit in TimeUnit.allCases {
        let (calendar, range) = try PartitionCalendar.named(name, unit: unit)
        #expect(calendar.width == width && calendar.name(at: range.lowerBound) == name)
        #expect(calendar.range(containing: range.lowerBound) == range)
        #expect(calendar.range(containing: range.upperBound) == range)
        #expect(calendar.range(containing: range.upperBound + 1) != range)
      }
    }
    let ends = PartitionCalendar(unit: .microseconds, width: .month)
    #expect(ends.range(containing: .max).upperBound == .max)
    #expect(ends.range(containing: .min).lowerBound == .min)
  }
}
