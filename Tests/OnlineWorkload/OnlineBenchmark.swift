import Glibc
import LarderColumns
import LarderContract
import LarderFiles
import LarderOnline
import Synchronization

/// Measures an online table of int64 keys and ten float64 features.
///
/// Each figure is a JSON line, of the same names as `Benchmarks/online/peers` prints for other
/// engines; checksums are verified with every row that is read.
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

  // MARK: Rows

  /// The key of a number: scrambled, so that neighbours lie apart.
  private func key(_ number: Int) -> Int64 {
    Int64(bitPattern: UInt64(number) &* 0x9E37_79B9_7F4A_7C15)
  }

  /// A random number's next.
  private func next(_ word: inout UInt64) -> Int {
    word = word &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(word >> 20) % keys
  }

  private func batch(_ numbers: [Int], event: Int64) throws -> RecordBatch {
    let count = numbers.count
    var columns: [(ColumnField, Column)] = [
      (ColumnField("customer_id", .int64), column(.int64, count) { key(numbers[$0]) })
    ]
    for name in ["at", "known"] {
      let type = DataType.timestamp(.microseconds)
      columns.append((ColumnField(name, type), column(type, count) { _ in event }))
    }
    for feature in 0..<10 {
      let values = column(.float64, count) { Double(numbers[$0] + feature) + Double(event) }
      columns.append((ColumnField("f\(feature)", .float64), values))
    }
    return RecordBatch(
      unchecked: Schema(columns.map(\.0)), columns: columns.map(\.1), count: count)
  }

  private func column<T: BitwiseCopyable>(
    _ type: DataType, _ count: Int, _ value: (Int) -> T
  ) -> Column {
    let values = Buffer(uninitializedBytes: count * 8)
    let target = values.mutableValues(as: T.self)
    for row in 0..<count { target[row] = value(row) }
    return Column(type: type, count: count, nullCount: 0, validity: nil, values: values)
  }

  // MARK: Clocks and lines

  private func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
  }

  /// Seconds of processor time of this thread: what is left when others take the machine.
  private func processorTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  private func line(_ what: String, _ value: Double, _ unit: String) {
    let scaled = (value * 1000).rounded() / 1000
    print(
      "{\"engine\": \"Larder\", \"keys\": \(keys), \"what\": \"\(what)\", \"value\": \(scaled), "
        + "\"unit\": \"\(unit)\"}")
    fflush(nil)
  }

  // MARK: The run

  func run() throws {
    var store = open(.process)
    try store.update(
      keeping: [view], deleting: [], entitiesToKeep: [], entitiesToDelete: [], partial: true)
    try load(store)
    try store.close()
    try bytes()
    try measureOpen("open after close")
    try runReads()
    store = open(.process)
    try upserts(store, event: 2_000, rounds: 300, "upserts")
    try store.close()
    store = open(.batch)
    try upserts(store, event: 5_000, rounds: 50, "durable upserts")
    try store.close()
    try besideAWriter()
    try measureOpen("open after a kill")
    try measureLostIndex()
  }

  /// Only the reads, of a table that is there.
  func runReads() throws {
    let store = open(.process, isReadOnly: true)
    try points(store, "")
    try batches(store)
  }

  private func load(_ store: MappedOnlineStore) throws {
    let size = 10_000
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
    let start = clock.now
    try store.sync()
    spent += clock.now - start
    line("load", Double(keys) / seconds(spent) / 1e6, "M rows/s")
    line("load, processor", Double(keys) / processor / 1e6, "M rows/s")
    line("worst batch of 10,000 in the load", seconds(worst) * 1000, "ms")
  }

  private func bytes() throws {
    var total = 0
    for name in try POSIXFileSystem().names(in: directory + "/online/v1") {
      var status = stat()
      if stat(directory + "/online/v1/" + name, &status) == 0 {
        total += Int(status.st_blocks) * 512
      }
    }
    line("bytes per row", Double(total) / Double(keys), "B")
  }

  private func upserts(
    _ store: MappedOnlineStore, event: Int64, rounds: Int, _ name: String
  ) throws {
    var word: UInt64 = 99
    var times: [Double] = []
    var processor = 0.0
    for round in 0..<rounds {
      let rows = try batch((0..<1_000).map { _ in next(&word) }, event: event + Int64(round))
      let start = clock.now
      let began = processorTime()
      try store.writeBatch(rows, to: view)
      processor += processorTime() - began
      times.append(seconds(clock.now - start))
    }
    line(name, Double(times.count) * 1_000 / times.reduce(0, +) / 1e6, "M rows/s")
    line("\(name), processor", Double(times.count) * 1_000 / processor / 1e6, "M rows/s")
    times.sort()
    line("\(name), p50 of a batch", times[times.count / 2] * 1000, "ms")
  }

  /// Upserts for ever, until it is killed; a byte on standard output says that it began.
  func writeForEver() throws {
    let store = open(.process)
    var word: UInt64 = 77
    var event: Int64 = 10_000
    while true {
      try store.writeBatch(try batch((0..<1_000).map { _ in next(&word) }, event: event), to: view)
      if event == 10_000 { print("writing") }
      fflush(nil)
      event += 1
    }
  }

  private func besideAWriter() throws {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw LarderError(.io, "no pipe", systemError: errno) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    let arguments: [String] = ["/proc/self/exe", "upserts", directory, "\(keys)"]
    var words = arguments.map { strdup($0) }
    words.append(nil)
    var child: pid_t = 0
    let status = posix_spawn(&child, "/proc/self/exe", &actions, nil, words, environ)
    guard status == 0 else { throw LarderError(.io, "no process", systemError: status) }
    var byte: UInt8 = 0
    guard Glibc.read(ends[0], &byte, 1) == 1 else { throw LarderError(.io, "no writer") }
    try points(open(.process, isReadOnly: true), " beside a writer")
    kill(child, SIGKILL)
    waitpid(child, nil, 0)
    posix_spawn_file_actions_destroy(&actions)
    for word in words { free(word) }
    for end in ends { close(end) }
  }

  private func measureOpen(_ name: String) throws {
    let start = clock.now
    let store = open(.process, isReadOnly: true)
    _ = try store.read(RecordBatch(["customer_id": .int64([key(1)])]), from: view)
    line(name, seconds(clock.now - start) * 1000, "ms")
  }

  private func measureLostIndex() throws {
    let files = POSIXFileSystem()
    for name in try files.names(in: directory + "/online/v1") where name.hasSuffix(".index") {
      try files.remove(directory + "/online/v1/" + name)
    }
    let store = open(.process)
    let rows = try batch([0], event: 1)
    let start = clock.now
    try store.writeBatch(rows, to: view)
    line("open with a lost index, index rebuilt", seconds(clock.now - start) * 1000, "ms")
  }

  // MARK: Reads

  private func points(_ store: MappedOnlineStore, _ suffix: String) throws {
    let reader = try store.reader(for: view)
    var word: UInt64 = 5
    var times: [Double] = []
    var sum = 0.0
    for _ in 0..<200_000 {
      let key = key(next(&word))
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
    for (name, part) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
      let time = times[Int(Double(times.count) * part)]
      line("point \(name)\(suffix)", time * 1e9, "ns")
    }
    if sum.isNaN { print("unlikely") }
  }

  private func batches(_ store: MappedOnlineStore) throws {
    for size in [100, 1_000] {
      let (spent, processor) = try batches(store, of: size, seed: 6)
      line("batch of \(size), per key", spent * 1e9 / 1e6, "ns")
      line("batch of \(size), per key, processor", processor * 1e9 / 1e6, "ns")
    }
    let start = clock.now
    let failed = Atomic(false)
    let threads = (0..<2).map { number in
      WorkThread {
        do { _ = try batches(store, of: 100, seed: UInt64(7 + number)) } catch {
          failed.store(true, ordering: .relaxed)
        }
      }
    }
    for thread in threads { thread.join() }
    guard !failed.load(ordering: .relaxed) else { throw LarderError(.io, "a thread failed") }
    line("batches of 100, 2 threads", 2 / seconds(clock.now - start), "M keys/s")
  }

  /// Reads a million keys in batches; seconds by the wall and by the processor.
  private func batches(
    _ store: MappedOnlineStore, of size: Int, seed: UInt64
  ) throws -> (wall: Double, processor: Double) {
    let reader = try store.reader(for: view)
    var word = seed
    var spent = Duration.zero
    var processor = 0.0
    var buffers = OnlineBuffers()
    var sum = 0.0
    for _ in 0..<1_000_000 / size {
      let numbers = (0..<size).map { _ in key(next(&word)) }
      let start = clock.now
      let began = processorTime()
      try reader.read(numbers.span, into: &buffers)
      guard let rows = buffers.rows, rows.statuses.allSatisfy({ $0 == .present }) else {
        throw LarderError(.corrupt, "rows are missing")
      }
      for column in rows.features.columns {
        for value in column.fixedValues(as: Double.self) { sum += value }
      }
      processor += processorTime() - began
      spent += clock.now - start
    }
    if sum.isNaN { print("unlikely") }
    return (seconds(spent), processor)
  }
}

/// A thread that runs a closure.
private final class WorkThread {
  private var thread = pthread_t()

  init(_ body: @escaping @Sendable () -> Void) {
    let box = Unmanaged.passRetained(Box(body))
    pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
        return nil
      }, box.toOpaque())
  }

  func join() { pthread_join(thread, nil) }

  private final class Box {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
}
