import Glibc
import LarderColumns
import LarderEncodings
import LarderFiles
import LarderOffline
import TestSupport
import Testing

/// Sizes and speeds over columns such as a feature store holds; printed when LARDER_MEASURE names
/// a number of rows, and meant for an optimised build.
@Suite struct SegmentMeasurements {
  static let rows = getenv("LARDER_MEASURE").flatMap { Int(String(cString: $0)) }

  @Test(.enabled(if: rows != nil)) func sizesAndSpeeds() throws {
    let rows = Self.rows ?? 1
    var random = SeededRandom(seed: 42)
    let columns = FeatureStoreColumns(rows: rows, meanRun: 100, random: &random)
    let directory = try TemporaryDirectory()
    let path = directory.path + "/m.seg"
    let file = try POSIXFileSystem().open(path, .create)
    let fixture = columns.fixture
    let identity = SegmentIdentity(
      uuid: FileIdentifier(high: 1, low: 2), viewID: 1, unit: .microseconds, commits: 1...1)
    var start = threadSeconds()
    var total = 0.0
    func lap(_ label: String) {
      print("write \(label): \(fixed((threadSeconds() - start) / Double(rows) * 1e9)) ns/value")
      total += threadSeconds() - start
      start = threadSeconds()
    }
    let ids = Buffer(copying: fixture.ids)
    let events = Buffer(copying: fixture.events)
    let created = Column.timestamp(fixture.created ?? [])
    start = threadSeconds()
    var writer = try SegmentWriter(file, identity, ids: ids, events: events, count: rows)
    lap("ids and events")
    try writer.appendCreated(created)
    lap("created")
    for feature in fixture.features {
      try writer.append(fieldID: feature.fieldID, feature.column)
      lap(columns.names["field \(feature.fieldID)"] ?? "")
    }
    let description = try writer.finish()
    print("write all \(fixed(total)) s")
    let segment = try Segment(path: path, files: POSIXFileSystem(), expected: description)
    var sum = 0.0
    for (name, bytes) in segment.columnBytes {
      let label = columns.names[name] ?? name
      print("\(label): \(fixed(Double(bytes) / Double(rows))) B/row")
      sum += columns.isScalarFeature(name) ? Double(bytes) / Double(rows) : 0
    }
    print(
      "12 columns \(fixed(sum)) B/row, file \(fixed(Double(description.fileBytes) / Double(rows)))")
    let reused = Buffer(zeroedBytes: rows * 8)
    for feature in columns.features {
      guard let column = try segment.column(fieldID: feature.fieldID) else { continue }
      try column.ensureVerified()
      guard feature.column.type != .bool, column.encoding != .plain else { continue }
      let wide = column.encoding == .dictionary ? 4 : 8
      let count = column.lanes.count
      column.decodeValues(lanes: 0..<count, into: reused.base)
      let began = threadSeconds()
      for _ in 0..<5 { column.decodeValues(lanes: 0..<count, into: reused.base) }
      let label = columns.names["field \(feature.fieldID)"] ?? ""
      let bytes = Double(5 * count * wide)
      print("decode \(label): \(fixed(bytes / (threadSeconds() - began) / 1e9)) GB/s")
    }
    try segment.eventColumn().ensureVerified()
    let times = try segment.eventTimes()
    let target = reused.base.assumingMemoryBound(to: Int64.self)
    let began = threadSeconds()
    for _ in 0..<5 { times.decode(0..<rows, into: target) }
    print("decode events: \(fixed(Double(rows * 8) * 5 / (threadSeconds() - began) / 1e9)) GB/s")
  }

  private func fixed(_ value: Double) -> Double { (value * 1_000).rounded() / 1_000 }
}

/// Columns shaped as a feature store's, sorted by entity and event time.
struct FeatureStoreColumns {
  var fixture: SegmentFixture
  var features: [(fieldID: UInt32, column: Column)] { fixture.features }
  var names: [String: String] = [:]

  init(rows: Int, meanRun: Int, random: inout SeededRandom) {
    fixture = SegmentFixture(rows: 1, random: &random)
    fixture.ids = []
    fixture.events = []
    let span: Int64 = 30 * 86_400_000_000
    var id: UInt32 = 0
    while fixture.ids.count < rows {
      id += UInt32(random.int(1...3))
      // Pareto runs: many short ones, few long ones.
      let weight = pow(Double.random(in: 0.0001..<1, using: &random), -1 / 1.5) - 0.8
      let run = min(rows - fixture.ids.count, max(1, Int(weight / 2.2 * Double(meanRun))))
      var times = (0..<run).map { _ in
        1_700_000_000_000_000 + Int64(random.next() % UInt64(span))
      }
      times.sort()
      fixture.ids.append(contentsOf: repeatElement(id, count: run))
      fixture.events.append(contentsOf: times)
    }
    fixture.created = fixture.events.map { $0 + Int64(random.int(100_000...4_999_999)) }
    addNumbers(&random)
    addCodes(&random)
  }

  private mutating func add(_ name: String, _ column: Column) {
    let id = UInt32(fixture.features.count + 1)
    fixture.features.append((id, column))
    names["field \(id)"] = name
  }

  private func gauss(_ random: inout SeededRandom) -> Double {
    let u = Double.random(in: 1e-12..<1, using: &random)
    return (-2 * log(u)).squareRoot() * cos(2 * .pi * Double.random(in: 0..<1, using: &random))
  }

  private func poisson3(_ random: inout SeededRandom) -> Int {
    var product = Double.random(in: 0..<1, using: &random)
    var count = 0
    while product > 0.049787 {
      product *= Double.random(in: 0..<1, using: &random)
      count += 1
    }
    return count
  }

  private mutating func addNumbers(_ random: inout SeededRandom) {
    add("event_ts_s", .timestamp(fixture.events.map { $0 / 1_000_000 * 1_000_000 }))
    var prices: [Double] = []
    var counters: [Double] = []
    var cents = 0
    var counter = 0
    for row in 0..<fixture.count {
      if row == 0 || fixture.ids[row] != fixture.ids[row - 1] {
        cents = random.int(500...50_000)
        counter = 0
      }
      cents = abs(cents + Int((gauss(&random) * 35).rounded()))
      counter += poisson3(&random)
      prices.append(Double(cents) / 100)
      counters.append(Double(counter))
    }
    add("price", .float64(prices))
    add("counter", .float64(counters))
    add("sparse", .float64(prices.map { random.chance(0.05) ? $0 : nil }))
    add(
      "ratio",
      .float64(
        fixture.ids.map { _ in
          let trials = random.int(1...199)
          var hits = 0
          for _ in 0..<trials where random.chance(0.07) { hits += 1 }
          return Double(hits) / Double(trials)
        }))
    add("gauss", .float64(fixture.ids.map { _ in gauss(&random) }))
    add("emb32", .float64(fixture.ids.map { _ in Double(Float(gauss(&random))) }))
  }

  private mutating func addCodes(_ random: inout SeededRandom) {
    add(
      "count",
      .int64(
        fixture.ids.map { _ in
          Int64(1 + log(Double.random(in: 1e-12..<1, using: &random)) / log(0.92))
        }))
    add("wide", .int64(fixture.ids.map { _ in Int64(exp(9 + 2.5 * gauss(&random))) }))
    add("bool", .bool(fixture.ids.map { _ in random.chance(0.1) }))
    let words = (0..<20).map { "category_\($0)" }
    let low = fixture.ids.map { _ in
      words[min(19, Int(pow(Double.random(in: 0.0001..<1, using: &random), -2)) - 1)]
    }
    if let column = try? Column.string(low) { add("str_low", column) }
    let high = fixture.ids.map { _ in
      "https://shop.example/item/\(random.int(0...1_999_999))?ref=c\(random.int(0...16_777_215))"
    }
    if let column = try? Column.string(high) { add("str_high", column) }
  }

  /// Whether a part of the file is one of the twelve columns of the size goal.
  func isScalarFeature(_ name: String) -> Bool {
    !["gauss", "emb32", "str_high"].contains(names[name] ?? "")
  }
}
