import Glibc
import Larder
import LarderColumns
import LarderContract
import LarderFiles
import LarderOffline
import TestSupport
import Testing

/// A year of hourly commits to two views, left to folding alone, and compacted after each day.
///
/// Only when asked: some weeks of it with `LARDER_YEAR=weeks`, all of it with `LARDER_YEAR=full` in a
/// release build; prints what it measures. At every month's end a copy is compacted whole, killed
/// in the midst of that once, and asked the same.
@Suite(.serialized) struct YearTests {
  /// What is done besides appending.
  enum Maintenance: String, CaseIterable, Sendable {
    case foldedAlone
    case compactedDaily
  }

  static let isAsked = getenv("LARDER_YEAR") != nil

  private static var scale: YearScale {
    guard let text = getenv("LARDER_YEAR"), String(cString: text) == "full" else {
      return .weeks
    }
    return .full
  }

  @Test(.enabled(if: isAsked), arguments: Maintenance.allCases)
  func staysQuickAndSmall(_ maintenance: Maintenance) throws {
    let scale = Self.scale
    var random = SeededRandom(seed: 365)
    let directory = try TemporaryDirectory()
    let path = directory.path + "/year.larder"
    let store = try FeatureStore(at: path, access: .create)
    try store.apply(YearScale.views)
    let reader = try Store.open(path, access: .readOnly, host: .system())
    var written = WrittenSegments(folder: path + "/offline")
    var figures = YearFigures()
    for day in 0..<scale.days {
      for hour in 0..<scale.commitsPerDay {
        let batch = try scale.batch(day: day, hour: hour, &random)
        let view = figures.commits % 2 == 0 ? "even" : "odd"
        try figures.append { try store.append(batch, to: view) }
        figures.appended += batch.count
        let live = try reader.snapshot().segments.values.map(\.count).max() ?? 0
        figures.mostLive = max(figures.mostLive, live)
      }
      if maintenance == .compactedDaily { try figures.compact { try store.compact() } }
      try written.look()
      figures.returned += try store.vacuum().bytesReturned
      let isMonthsEnd = CivilDate(days: YearScale.firstDay + Int64(day) + 1).day == 1
      if isMonthsEnd {
        let month = try MonthsEnd(store, path, scale, day: day).look(&random)
        print("\(maintenance): \(month); most live segments of a view so far \(figures.mostLive)")
        if scale.isWhole {
          #expect(month.ratio <= 2, "\(maintenance), day \(day + 1)")
          #expect(month.opening <= 5, "\(maintenance), day \(day + 1)")
        }
      }
    }
    let views = try store.info().views
    let amplification = Double(written.rows) / Double(figures.appended)
    print(
      "\(maintenance): \(figures); \(hundredths(amplification)) rows written per row, folding included;",
      "\(written.bytes) bytes written, \(views.reduce(0) { $0 + $1.bytes }) live")
    #expect(views.reduce(0) { $0 + $1.rows } == figures.appended)
    #expect(figures.mostLive <= 64)
    if scale.isWhole { #expect(amplification <= 5) }
    #expect(figures.returned > 0)
    // What is on the disk is what is live, and little besides.
    let onDisk = try written.bytesOnDisk()
    #expect(onDisk == views.reduce(0) { $0 + $1.bytes })
    #expect(try store.verify(deep: true).findings.isEmpty)
  }
}

/// How long a year is, and its rows.
struct YearScale: Sendable {
  var days: Int
  var commitsPerDay: Int
  var rowsPerCommit: Int
  var entities: Int64
  var spineRows: Int
  var isWhole: Bool

  static let weeks = YearScale(
    days: 40, commitsPerDay: 6, rowsPerCommit: 60, entities: 200, spineRows: 400, isWhole: false)
  static let full = YearScale(
    days: 365, commitsPerDay: 24, rowsPerCommit: 1_000, entities: 100_000, spineRows: 100_000,
    isWhole: true)

  static let day: Int64 = 86_400_000_000
  /// 2025-01-01.
  static let start: Int64 = 1_735_689_600_000_000
  static let firstDay = start / day

  static let views = Definitions(
    featureViews: ["even", "odd"].map { name in
      FeatureView(
        name, entities: [Entity("driver", joinKeys: [.int64("driver_id")])],
        features: [Field("rate", .float32), Field("trips", .int64)], eventTimestamp: "event")
    })

  /// Rows of the last hour; 5 % are late, by any time since the start.
  func batch(day: Int, hour: Int, _ random: inout SeededRandom) throws -> RecordBatch {
    let now = Self.start + Int64(day) * Self.day + Int64(hour) * 3_600_000_000
    var keys: [Int64] = []
    var times: [Int64] = []
    var rates: [Float] = []
    var trips: [Int64] = []
    for _ in 0..<rowsPerCommit {
      keys.append(random.next(below: entities))
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

  /// Keys and times of everything until the end of a day.
  func spine(through day: Int, _ random: inout SeededRandom) throws -> RecordBatch {
    let end = Int64(day + 1) * Self.day
    return try RecordBatch([
      "driver_id": .int64((0..<spineRows).map { _ in random.next(below: entities) }),
      "event_timestamp": .timestamp(
        (0..<spineRows).map { _ in Self.start + random.next(below: end) }),
    ])
  }
}

/// What a year took.
private struct YearFigures: CustomStringConvertible {
  private(set) var commits = 0
  var appended = 0
  var mostLive = 0
  var returned: UInt64 = 0
  private var ingest = (processor: 0.0, wall: 0.0)
  private var slowest = 0.0
  private var compaction = 0.0

  mutating func append(_ body: () throws -> Void) rethrows {
    let (processor, wall) = (processorSeconds(), ContinuousClock.now)
    try body()
    let seconds = milliseconds(since: wall) / 1_000
    ingest.processor += processorSeconds() - processor
    ingest.wall += seconds
    slowest = max(slowest, seconds)
    commits += 1
  }

  mutating func compact(_ body: () throws -> Void) rethrows {
    let processor = processorSeconds()
    try body()
    compaction += processorSeconds() - processor
  }

  var description: String {
    "\(commits) commits, \(appended) rows; ingest with folding \(hundredths(ingest.processor)) s of "
      + "processor, \(hundredths(ingest.wall)) s of time, slowest append "
      + "\(hundredths(slowest * 1_000)) ms; compaction \(hundredths(compaction)) s of processor; "
      + "most live segments of a view \(mostLive); \(returned) bytes returned"
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
    for path in try paths() where seen.insert(path).inserted {
      let segment = try Segment(path: path, files: files, expected: nil)
      rows += segment.rows
      bytes += segment.description.fileBytes
    }
  }

  /// Bytes of the segments that are there now.
  func bytesOnDisk() throws -> UInt64 {
    try paths().reduce(0) { try $0 + (files.status(of: $1)?.bytes ?? 0) }
  }

  private func paths() throws -> [String] {
    try files.names(in: folder).flatMap { view in
      try files.names(in: "\(folder)/\(view)").filter { $0.hasSuffix(".seg") }
        .map { "\(folder)/\(view)/\($0)" }
    }
  }
}

extension SeededRandom {
  /// A number from 0 on.
  mutating func next(below limit: Int64) -> Int64 {
    Int64.random(in: 0..<limit, using: &self)
  }
}
