import Glibc
import LarderColumns
import LarderContract
import LarderFiles
import LarderOnline

/// Measures an online table of int64 keys and ten float64 features.
struct OnlineBenchmark {
  let directory: String
  let keys: Int
  private let clock = ContinuousClock()

  init(directory: String, keys: Int) {
    self.directory = directory
    self.keys = keys
  }

  private let view = FeatureView(
    "bench", entities: [Entity("customer", joinKeys: [.int64("customer_id")])],
    features: (0..<10).map { Field("f\($0)", .float64) }, eventTimestamp: "at",
    createdTimestamp: "known")

  private func open(_ durability: OnlineDurability, isReadOnly: Bool = false) -> MappedOnlineStore {
    MappedOnlineStore(
      host: .system(), directory: directory + "/online", store: FileIdentifier(high: 1, low: 2),
      locks: nil, isReadOnly: isReadOnly, options: OnlineOptions(durability: durability)
    ) { _ in 1 }
  }

  /// The key of a number: scrambled, so that neighbours lie apart.
  private func key(_ number: Int) -> Int64 {
    Int64(bitPattern: UInt64(number) &* 0x9E37_79B9_7F4A_7C15)
  }

  private func batch(_ numbers: [Int], event: Int64) throws -> RecordBatch {
    var columns: [(ColumnField, Column)] = [
      (ColumnField("customer_id", .int64), .int64(numbers.map { key($0) })),
      (ColumnField("at", .timestamp(.microseconds)), .timestamp(numbers.map { _ in event })),
      (ColumnField("known", .timestamp(.microseconds)), .timestamp(numbers.map { _ in event })),
    ]
    for feature in 0..<10 {
      columns.append(
        (
          ColumnField("f\(feature)", .float64),
          .float64(numbers.map { Double($0 + feature) + Double(event) })
        ))
    }
    return try RecordBatch(
      schema: Schema(columns.map(\.0)), columns: columns.map(\.1))
  }

  private func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
  }

  /// Seconds of processor time of this thread: what is left when others take the machine.
  private func processorTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  private func line(_ name: String, _ value: Double, _ unit: String) {
    let scaled = (value * 1000).rounded() / 1000
    print("\(name): \(scaled) \(unit)")
  }

  func run() throws {
    var store = open(.process)
    try store.update(
      keeping: [view], deleting: [], entitiesToKeep: [], entitiesToDelete: [], partial: true)
    try load(store)
    try upserts(store, durable: false)
    try store.close()
    try measureOpen("open after close and first read")
    try points()
    try batches()
    store = open(.batch)
    try upserts(store, durable: true)
    try store.close()
    let indexes = try POSIXFileSystem().names(in: directory + "/online/v1").filter {
      $0.hasSuffix(".index")
    }
    for name in indexes { try POSIXFileSystem().remove(directory + "/online/v1/" + name) }
    let rebuilt = open(.process)
    let start = clock.now
    try rebuilt.writeBatch(try batch([0], event: 1), to: view)
    line("open for writing without an index", seconds(clock.now - start) * 1000, "ms")
  }

  /// Only the reads, of a table that is there.
  func runReads() throws {
    try points()
    try batches()
  }

  private func load(_ store: MappedOnlineStore) throws {
    let size = 100_000
    var spent = Duration.zero
    var processor = 0.0
    var worst = Duration.zero
    var first = 0
    while first < keys {
      let rows = try batch(Array(first..<min(keys, first + size)), event: 1_000)
      let start = clock.now
      let began = processorTime()
      try store.writeBatch(rows, to: view)
      processor += processorTime() - began
      let taken = clock.now - start
      spent += taken
      worst = max(worst, taken)
      first += size
    }
    line("load in batches of 100,000", Double(keys) / seconds(spent) / 1e6, "M rows/s")
    line("  by processor time", Double(keys) / processor / 1e6, "M rows/s")
    line("worst batch", seconds(worst) * 1000, "ms")
    let statistics = try store.statistics(of: view)
    let bytes = Double(statistics.logBytes + statistics.indexBytes) / Double(keys)
    line("bytes per row, files", bytes, "B")
  }

  private func upserts(_ store: MappedOnlineStore, durable: Bool) throws {
    var word: UInt64 = 99
    var times: [Double] = []
    var processor = 0.0
    let event: Int64 = durable ? 3_000 : 2_000
    for round in 0..<(durable ? 300 : 1_000) {
      let numbers = (0..<1_000).map { _ in
        word = word &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(word >> 20) % keys
      }
      let rows = try batch(numbers, event: event + Int64(round))
      let start = clock.now
      let began = processorTime()
      try store.writeBatch(rows, to: view)
      processor += processorTime() - began
      times.append(seconds(clock.now - start))
    }
    let name = durable ? "durable upserts of 1,000" : "upserts of 1,000"
    line(name, Double(times.count) * 1_000 / times.reduce(0, +) / 1e6, "M rows/s")
    line("  by processor time", Double(times.count) * 1_000 / processor / 1e6, "M rows/s")
    times.sort()
    line("  p50", times[times.count / 2] * 1000, "ms")
    line("  worst", times[times.count - 1] * 1000, "ms")
  }

  private func measureOpen(_ name: String) throws {
    let start = clock.now
    let store = open(.process, isReadOnly: true)
    _ = try store.read(RecordBatch(["customer_id": .int64([key(1)])]), from: view)
    line(name, seconds(clock.now - start) * 1000, "ms")
  }

  private func points() throws {
    let store = open(.process, isReadOnly: true)
    let reader = try store.reader(for: view)
    var word: UInt64 = 5
    var times: [Double] = []
    var sum = 0.0
    for _ in 0..<200_000 {
      word = word &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let key = key(Int(word >> 20) % keys)
      let start = clock.now
      sum +=
        try reader.withRow(ofKey: key) { row in
          var sum = 0.0
          for feature in 0..<10 { sum += row[float64: feature] ?? 0 }
          return sum
        } ?? 0
      times.append(seconds(clock.now - start))
    }
    times.sort()
    line("point read p50", times[times.count / 2] * 1e9, "ns")
    line("point read p99", times[times.count * 99 / 100] * 1e9, "ns")
    if sum.isNaN { print("unlikely") }
  }

  private func batches() throws {
    let store = open(.process, isReadOnly: true)
    let reader = try store.reader(for: view)
    for size in [100, 1_000] {
      try batches(of: size, "reader") { numbers, buffers in
        try reader.read(numbers.span, into: &buffers)
        return buffers.rows?.statuses ?? []
      }
      try batches(of: size, "store") { numbers, _ in
        try store.read(RecordBatch(["customer_id": .int64(numbers)]), from: view).statuses
      }
    }
  }

  private func batches(
    of size: Int, _ name: String,
    _ read: ([Int64], inout OnlineBuffers) throws -> [OnlineStatus]
  ) throws {
    var word: UInt64 = 6
    var spent = Duration.zero
    var processor = 0.0
    var buffers = OnlineBuffers()
    let rounds = 2_000_000 / size
    for _ in 0..<rounds {
      let numbers = (0..<size).map { _ -> Int64 in
        word = word &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return key(Int(word >> 20) % keys)
      }
      let start = clock.now
      let began = processorTime()
      let statuses = try read(numbers, &buffers)
      processor += processorTime() - began
      spent += clock.now - start
      guard statuses.count == size, statuses.allSatisfy({ $0 == .present }) else {
        print("missing rows")
        exit(1)
      }
    }
    line(
      "batch of \(size) by the \(name), per key", seconds(spent) * 1e9 / Double(rounds * size), "ns"
    )
    line("  processor time", processor * 1e9 / Double(rounds * size), "ns")
  }
}
