import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys
import LarderOffline
import TestSupport
import Testing

@testable import LarderPointInTime

/// Pulls of all rows, which are read in spans, beside the plain store in memory.
@Suite struct PullTests {
  @Test(arguments: 0..<UInt64(caseCount(40, full: 400)))
  func agreesWithTheReference(seed: UInt64) throws {
    let trial = try PullTrial(seed: seed)
    var random = SeededRandom(seed: seed &+ 77)
    for latest in [false, false, true] {
      let (features, from, through) = trial.query(&random)
      let query = try ResolvedPull(
        trial.view, features: features, from: from, through: through)
      let expected = try trial.expected(features, from, through, latest: latest)
      let options = PullOptions(memoryBytes: random.chance(0.5) ? nil : random.int(1...4) << 20)
      let job = PullJob(
        query, history: trial.history, latest: latest,
        options: random.chance(0.5) ? options : PullOptions())
      var found: [[Value]] = []
      try job.forEachBatch { batch in found += (0..<batch.count).map { batch.row($0) } }
      #expect(found == expected, "seed \(seed), in batches, latest \(latest)")
      let whole = try PullJob(query, history: trial.history, latest: latest).collect()
      #expect(
        (0..<whole.count).map { whole.row($0) } == expected, "seed \(seed), latest \(latest)")
      // Lists have elements, if none: consumers of Arrow ask for the child of each.
      #expect(whole.columns.allSatisfy { $0.type.layout != .list || $0.elements != nil })
    }
  }

  @Test(arguments: 0..<UInt64(20)) func windowsReadWhatWasWritten(seed: UInt64) throws {
    var random = SeededRandom(seed: seed &+ 5_000)
    let trial = try TrialSegment(&random)
    let memory = Buffer(uninitializedBytes: LaneWindow.bytes)
    var window = LaneWindow(memory.base)
    for (field, type) in TrialSegment.types.enumerated() where type != .bool {
      let column = try #require(try trial.segment.column(fieldID: UInt32(field + 1)))
      try column.ensureVerified()
      let lanes = column.slots(of: 0..<trial.rows)
      let whole = Buffer(uninitializedBytes: lanes.count * column.decodedBytes)
      column.decodeValues(lanes: lanes, into: whole.base)
      window.reset()
      var lane = 0
      while lane < lanes.count {
        lane += random.chance(0.3) ? random.int(0...200) : 0
        let end = min(lanes.count, lane + random.int(1...[3, 70, 3_000][random.int(0...2)]))
        guard lane < end else { break }
        let part = Buffer(uninitializedBytes: (end - lane) * column.decodedBytes)
        window.read(column, lanes: lane..<end, into: part.base)
        let same = whole.bytes[lane * column.decodedBytes..<end * column.decodedBytes]
        #expect(part.bytes.elementsEqual(same), "seed \(seed), \(type), lanes \(lane)..<\(end)")
        lane = end
      }
    }
  }

  @Test func usesMemoryAgainThatNobodyKept() throws {
    let trial = try PullTrial(seed: 3, rows: 150_000...150_000)
    let query = try ResolvedPull(trial.view, features: ["f1"], from: nil, through: nil)
    func places(_ body: (RecordBatch) -> Void) throws -> Set<UnsafeMutableRawPointer> {
      var places: Set<UnsafeMutableRawPointer> = []
      try PullJob(query, history: trial.history, latest: false).forEachBatch { batch in
        places.insert(batch.columns[1].values.base)
        body(batch)
      }
      return places
    }
    #expect(try places { _ in }.count == 1)
    var kept: [RecordBatch] = []
    #expect(try places { kept.append($0) }.count == kept.count && kept.count > 1)
    let whole = try PullJob(query, history: trial.history, latest: false).collect()
    var row = 0
    for batch in kept {
      #expect(
        stride(from: 0, to: batch.count, by: 97).allSatisfy {
          batch.row($0) == whole.row(row + $0)
        })
      row += batch.count
    }
  }
}

/// The memory that pulls may take.
@Suite struct PullBudgetTests {
  @Test(arguments: [false, true]) func namesTheLeastMemoryThatWorks(latest: Bool) throws {
    let trial = try PullTrial(seed: 8, rows: 4_000...4_000)
    let query = try ResolvedPull(trial.view, features: nil, from: nil, through: nil)
    /// What a budget is refused with; nil if it suffices.
    func refusal(_ bytes: Int) -> LarderError? {
      let options = PullOptions(memoryBytes: bytes)
      let job = PullJob(query, history: trial.history, latest: latest, options: options)
      do throws(LarderError) { _ = try job.collect() } catch { return error }
      return nil
    }
    var bytes = 1_000
    var attempts = 1
    while let error = refusal(bytes), attempts < 6 {
      attempts += 1
      #expect(error.code == .limitExceeded)
      let named = error.message.split { !$0.isNumber }.compactMap { Int($0) }
      #expect(named.contains(bytes), "what was allowed is named: \(error.message)")
      #expect(named.count > 1 && named[0] > bytes)
      bytes = max(bytes + 1, named.first ?? 0)
    }
    // At first the fixed parts are too much, then the texts, then what is gathered row by row.
    #expect(attempts > 1 && attempts <= 4)
    #expect(refusal(bytes - 1) != nil)
  }

  @Test(arguments: [false, true]) func makesBatchesAsSmallAsItTakes(latest: Bool) throws {
    let trial = try PullTrial(seed: 8, rows: 4_000...4_000)
    let query = try ResolvedPull(trial.view, features: nil, from: nil, through: nil)
    let whole = try PullJob(query, history: trial.history, latest: latest).collect()
    let options = PullOptions(memoryBytes: latest ? 400_000 : 600_000)
    var batches = 0
    var rows = 0
    let job = PullJob(query, history: trial.history, latest: latest, options: options)
    try job.forEachBatch { batch in
      batches += 1
      #expect((0..<batch.count).allSatisfy { batch.row($0) == whole.row(rows + $0) })
      rows += batch.count
    }
    #expect(rows == whole.count && (latest || batches > 1))
  }

  @Test func refusesABudgetThatNoBatchFits() throws {
    let trial = try PullTrial(seed: 8, rows: 4_000...4_000)
    let query = try ResolvedPull(trial.view, features: nil, from: nil, through: nil)
    let options = PullOptions(memoryBytes: 5_000)
    let job = PullJob(query, history: trial.history, latest: false, options: options)
    let error = #expect(throws: LarderError.self) { try job.forEachBatch { _ in } }
    #expect(error?.code == .limitExceeded)
    #expect(error?.message.contains("5000 were allowed") == true)
  }

  @Test func storesWithoutBudgetsSaySo() throws {
    let trial = try PullTrial(seed: 8, rows: 10...20)
    let error = #expect(throws: LarderError.self) {
      try trial.reference.pullAll(
        trial.view, features: nil, from: nil, through: nil, options: PullOptions(memoryBytes: 1))
    }
    #expect(error?.code == .unsupported)
  }
}

/// A view of every type in several segments, with entities erased, beside the plain store.
private struct PullTrial {
  let view: FeatureView
  let history: ViewHistory
  let reference = InMemoryOfflineStore()
  private let erased: Set<Int64>
  private let events: ClosedRange<Int64>

  init(seed: UInt64, rows: ClosedRange<Int> = 1...9_000) throws {
    var random = SeededRandom(seed: seed)
    let rows = rows.lowerBound == rows.upperBound ? rows.lowerBound : random.int(rows)
    var features = TrialSegment.types.enumerated().map { Field("f\($0)", $1) }
    features.append(Field("texts", .string))
    features.append(Field("list", .list(.int64)))
    view = FeatureView(
      "pulled", entities: [Entity("e", joinKeys: [.int64("id")])], features: features,
      eventTimestamp: "at", createdTimestamp: random.chance(0.8) ? "known" : nil)
    let store = try TrialStore(
      files: SimulatedFileSystem(seed: seed), root: "/pull", seed: seed, maxCuts: random.int(0...3))
    let entities = random.int(1...max(1, rows / [1, 3, 50][random.int(0...2)]))
    let span = [3, 1_000, 1_000_000_000][random.int(0...2)]
    var left = rows
    while left > 0 {
      let count = random.chance(0.3) ? left : min(left, random.int(1...max(1, rows / 2)))
      let batch = try PullTrial.batch(view, count, entities: entities, span: span, &random)
      _ = try store.append(batch, to: view)
      _ = try reference.append(batch, to: view)
      left -= count
    }
    var history = try store.history(of: view)
    var erased: Set<Int64> = []
    if random.chance(0.5), let keys = history.keys {
      var retired: [UInt32] = []
      for id in 0..<keys.count where random.chance(0.2) {
        let tail = try #require(try keys.log.tail(of: id))
        erased.insert(tail.loadUnaligned(as: Int64.self))
        retired.append(id)
      }
      history.keys = try KeyDirectory(log: keys.log, retired: RetiredIDs(retired))
    }
    self.erased = erased
    self.history = history
    events = 0...Int64(span)
  }

  private static func batch(
    _ view: FeatureView, _ count: Int, entities: Int, span: Int, _ random: inout SeededRandom
  ) throws -> RecordBatch {
    let times = (0..<count).map { _ in Int64(random.int(0...span)) }
    var columns = [
      ("id", Column.int64((0..<count).map { _ in Int64(random.int(0...entities)) * 7 - 40 })),
      ("at", Column.timestamp(times, unit: .microseconds)),
    ]
    if view.createdTimestamp != nil {
      let created = times.map { random.chance(0.1) ? nil : $0 + Int64(random.int(0...5)) }
      columns.append(("known", Column.timestamp(created, unit: .microseconds)))
    }
    for feature in view.features {
      // A segment may lack a feature.
      if random.chance(0.1) { continue }
      let column: Column
      if feature.name == "texts" {
        let nulls = [0, 0.1, 0.9][random.int(0...2)]
        column = try .of(
          .string,
          (0..<count).map { _ in
            if random.chance(nulls) { return .null }
            return .string(String("\(random.next())".suffix(random.int(0...19))))
          })
      } else if feature.name == "list" {
        column = try .of(
          .list(.int64),
          (0..<count).map { row in
            random.chance(0.2)
              ? .null : .list((0..<random.int(0...3)).map { .int64(Int64($0 * row)) })
          })
      } else {
        column = try TrialSegment.column(feature.type, count, &random)
      }
      columns.append((feature.name, column))
    }
    return try RecordBatch(
      schema: Schema(columns.map { ColumnField($0.0, $0.1.type) }), columns: columns.map(\.1))
  }

  /// Some features and a range of event times.
  func query(
    _ random: inout SeededRandom
  ) -> (features: [String]?, from: Timestamp?, through: Timestamp?) {
    let names = view.features.map(\.name).filter { _ in random.chance(0.5) }
    func time() -> Timestamp? {
      let tick = Int64.random(in: events, using: &random)
      return random.chance(0.5) ? nil : Timestamp(ticks: tick, unit: .microseconds)
    }
    return (random.chance(0.3) ? nil : names, time(), time())
  }

  /// What the plain store answers, without the entities that are erased.
  func expected(
    _ features: [String]?, _ from: Timestamp?, _ through: Timestamp?, latest: Bool
  ) throws -> [[Value]] {
    let job =
      latest
      ? try reference.pullLatest(view, features: features, from: from, through: through)
      : try reference.pullAll(view, features: features, from: from, through: through)
    let whole = try job.collect()
    return (0..<whole.count).map { whole.row($0) }.filter { row in
      if case .int64(let key) = row[0] { !erased.contains(key) } else { true }
    }
  }
}
