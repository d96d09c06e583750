import Glibc
import Larder
import LarderColumns
import LarderContract
import LarderFiles
import LarderOffline
import TestSupport
import Testing

/// A year of hourly commits to two views, compacted after each day.
///
/// Only when asked: some weeks of it with `LARDER_YEAR=weeks`, all of it with `LARDER_YEAR=full` in a
/// release build; prints what it measures.
@Suite struct YearTests {
  private struct Scale {
    var days: Int
    var commitsPerDay: Int
    var rowsPerCommit: Int
    var entities: Int64
    var spineRows: Int
    var isWhole: Bool
  }

  private var scale: Scale {
    guard let text = unsafe getenv("LARDER_YEAR"), unsafe String(cString: text) == "full" else {
      return Scale(
        days: 40, commitsPerDay: 6, rowsPerCommit: 60, entities: 200, spineRows: 400,
        isWhole: false)
    }
    return Scale(
      days: 365, commitsPerDay: 24, rowsPerCommit: 1_000, entities: 100_000, spineRows: 100_000,
      isWhole: true)
  }

  private static let day: Int64 = 86_400_000_000
  /// 2025-01-01.
  private static let start: Int64 = 1_735_689_600_000_000

  static let isAsked = unsafe getenv("LARDER_YEAR") != nil

  @Test(.enabled(if: isAsked)) func staysQuickAndSmall() throws {
    let scale = self.scale
    var random = SeededRandom(seed: 365)
    let directory = TemporaryDirectory()
    let path = directory.path + "/year.larder"
    let store = try FeatureStore(at: path, access: .create)
    let driver = Entity("driver", joinKeys: [.int64("driver_id")])
    for name in ["even", "odd"] {
      try store.apply(
        FeatureView(name, entities: [driver], eventTimestamp: "event") {
          Field("rate", .float32)
          Field("trips", .int64)
        })
    }
    let reader = try Store.open(path, access: .readOnly, host: .system())
    var written = WrittenSegments(folder: path + "/offline")
    var appended = 0
    var mostLive = 0
    var ingest = 0.0
    var maintenance = 0.0
    var returned: UInt64 = 0
    var commit = 0
    for day in 0..<scale.days {
      for hour in 0..<scale.commitsPerDay {
        let now = Self.start + Int64(day) * Self.day + Int64(hour) * 3_600_000_000
        let batch = try makeBatch(scale, now, &random)
        let began = processorSeconds()
        try store.append(batch, to: commit % 2 == 0 ? "even" : "odd")
        ingest += processorSeconds() - began
        appended += batch.count
        commit += 1
        let live = try reader.snapshot().segments.values.map(\.count).max() ?? 0
        mostLive = max(mostLive, live)
      }
      let began = processorSeconds()
      try store.compact()
      maintenance += processorSeconds() - began
      try written.look()
      returned += try store.vacuum().bytesReturned
      let isMonthsEnd = CivilDate(days: Self.start / Self.day + Int64(day) + 1).day == 1
      if isMonthsEnd {
        try compare(store, path, scale, through: day, live: mostLive, &random)
      }
    }
    let rows = try store.info().views.reduce(0) { $0 + $1.rows }
    let amplification = Double(written.rows) / Double(appended)
    print(
      "year: \(commit) commits, \(appended) rows; ingest with folding \(ingest) s, compaction",
      "\(maintenance) s of processor; \(amplification) rows written per row;",
      "most live segments of a view \(mostLive); \(written.bytes) bytes written, \(returned)",
      "returned, \(try store.info().views.reduce(0) { $0 + $1.bytes }) live")
    #expect(rows == appended)
    #expect(mostLive <= 64)
    #expect(amplification <= 5)
    #expect(returned > 0)
    #expect(try store.verify().findings.isEmpty)
  }

  /// Joins on the store and on a wholly compacted copy of it.
  private func compare(
    _ store: FeatureStore, _ path: String, _ scale: Scale, through day: Int, live: Int,
    _ random: inout SeededRandom
  ) throws {
    let copy = path + ".copy"
    defer { _ = unsafe system("rm -rf \(copy)") }
    #expect(unsafe system("cp -r \(path) \(copy)") == 0)
    let whole = try FeatureStore(at: copy)
    try whole.compact([], CompactionOptions(partitions: ["all"]))
    let last = Int64(day + 1) * Self.day
    let spine = try RecordBatch([
      "driver_id": .int64((0..<scale.spineRows).map { _ in random.next(below: scale.entities) }),
      "event_timestamp": .timestamp(
        (0..<scale.spineRows).map { _ in Self.start + random.next(below: last) }),
    ])
    var seconds = (here: Double.infinity, there: Double.infinity)
    var results: [RecordBatch] = []
    for _ in 0..<5 {
      var began = processorSeconds()
      results = [try join(store, spine)]
      seconds.here = min(seconds.here, processorSeconds() - began)
      began = processorSeconds()
      results.append(try join(whole, spine))
      seconds.there = min(seconds.there, processorSeconds() - began)
    }
    for (here, there) in zip(results[0].columns, results[1].columns) {
      #expect((0..<here.count).allSatisfy { here[$0] == there[$0] })
    }
    var opening = Double.infinity
    for _ in 0..<5 {
      let began = ContinuousClock.now
      _ = try FeatureStore(at: path, access: .readOnly).head()
      opening = min(opening, Double((ContinuousClock.now - began).components.attoseconds) / 1e15)
    }
    print(
      "day \(day + 1): join \(seconds.here * 1_000) ms of processor, compacted",
      "\(seconds.there * 1_000) ms, ratio \(seconds.here / seconds.there);",
      "opening \(opening) ms; most live segments so far \(live)")
    if scale.isWhole {
      #expect(seconds.here <= 2 * seconds.there, "day \(day + 1)")
      #expect(opening <= 5, "day \(day + 1)")
    }
  }

  private func join(_ store: FeatureStore, _ spine: RecordBatch) throws -> RecordBatch {
    var options = RetrievalOptions()
    options.threads = 1
    return try store.historicalFeatures(
      for: spine, features: ["even:rate", "even:trips", "odd:rate"], options: options
    ).collect()
  }

  /// Rows of the last hour; 5 % are late, by any time since the start.
  private func makeBatch(
    _ scale: Scale, _ now: Int64, _ random: inout SeededRandom
  ) throws -> RecordBatch {
    var keys: [Int64] = []
    var times: [Int64] = []
    var rates: [Float] = []
    var trips: [Int64] = []
    for _ in 0..<scale.rowsPerCommit {
      keys.append(random.next(below: scale.entities))
      let isLate = random.chance(0.05)
      times.append(
        isLate
          ? Self.start + random.next(below: now - Self.start + 1)
          : now + random.next(below: 3_600_000_000))
      rates.append(Float(random.next(below: 1_000)) / 1_000)
      trips.append(random.next(below: 50))
    }
    return try RecordBatch([
      "driver_id": .int64(keys), "event": .timestamp(times), "rate": .float32(rates),
      "trips": .int64(trips),
    ])
  }
}

/// Adds up every segment file that was ever there, intermediate ones included.
private struct WrittenSegments {
  let folder: String
  private(set) var rows = 0
  private(set) var bytes: UInt64 = 0
  private var seen: Set<String> = []
  private let files = Host.system().files

  init(folder: String) { self.folder = folder }

  mutating func look() throws {
    for view in try files.names(in: folder) {
      for name in try files.names(in: "\(folder)/\(view)") where name.hasSuffix(".seg") {
        guard seen.insert(name).inserted else { continue }
        let segment = try Segment(path: "\(folder)/\(view)/\(name)", files: files, expected: nil)
        rows += segment.rows
        bytes += segment.description.fileBytes
      }
    }
  }
}

/// Seconds of processor time of this process.
private func processorSeconds() -> Double {
  var usage = rusage()
  _ = unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
  return seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

extension SeededRandom {
  /// A number from 0 on.
  fileprivate mutating func next(below limit: Int64) -> Int64 {
    Int64.random(in: 0..<limit, using: &self)
  }
}
