import Glibc
import Larder
import Synchronization

/// Reading from an online table.
extension OnlineTable {
  /// Reads one key at a time, each timed.
  func points(_ store: FeatureStore, _ suffix: String) throws {
    let reader = try store.online(Self.name).reader()
    var word: UInt64 = 5
    var times = [Double](repeating: 0, count: 200_000)
    var sum = 0.0
    for query in times.indices {
      let key = key(next(&word))
      let start = clock.now
      let found = try reader.withRow(ofKey: key) { row in
        var sum = 0.0
        for feature in 0..<10 { sum += row[float64: feature] ?? 0 }
        return sum
      }
      times[query] = seconds(clock.now - start)
      guard let found else { throw missing }
      sum += found
    }
    times.sort()
    for (name, part) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
      line("point \(name)\(suffix)", times[Int(Double(times.count) * part)] * 1e9, "ns")
    }
    if sum.isNaN { say("unlikely") }
  }

  private var missing: LarderError { LarderError(.corrupt, "A row is missing.") }

  /// Reads one key at a time by the view's name, as a caller does who prepares nothing.
  func namedPoints(_ store: FeatureStore) throws {
    var word: UInt64 = 9
    var sum = 0.0
    let count = 50_000
    let began = processorTime()
    for _ in 0..<count {
      let keys = try RecordBatch(["customer_id": .int64([key(next(&word))])])
      let rows = try store.online(Self.name).read(keys)
      guard rows.statuses == [.present] else { throw missing }
      sum += try total(rows.features.columns)
    }
    line("point by name, processor", (processorTime() - began) * 1e9 / Double(count), "ns")
    if sum.isNaN { say("unlikely") }
  }

  private func total(_ columns: [Column]) throws -> Double {
    var sum = 0.0
    for column in columns {
      sum += try column.withValues(as: Double.self) { values in
        var sum = 0.0
        for value in values { sum += value }
        return sum
      }
    }
    return sum
  }

  /// Reads batches on one thread and on two.
  func batches(_ store: FeatureStore) throws {
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
    guard !failed.load(ordering: .relaxed) else { throw LarderError(.io, "A thread failed.") }
    line("batches of 100, 2 threads", 2 / seconds(clock.now - start), "M keys/s")
  }

  /// Reads a million keys in batches; seconds by the wall and by the processor.
  ///
  /// The clocks are read once for each hundred batches: asking for a thread's processor time is a
  /// call into the kernel, which would cost as much as some keys.
  private func batches(
    _ store: FeatureStore, of size: Int, seed: UInt64
  ) throws -> (wall: Double, processor: Double) {
    let reader = try store.online(Self.name).reader()
    var word = seed
    var spent = Duration.zero
    var processor = 0.0
    var buffers = OnlineBuffers()
    var sum = 0.0
    var keys = [Int64](repeating: 0, count: size * 100)
    for _ in 0..<1_000_000 / keys.count {
      for place in keys.indices { keys[place] = key(next(&word)) }
      let start = clock.now
      let began = processorTime()
      for batch in 0..<100 {
        let asked = keys.span.extracting(batch * size..<(batch + 1) * size)
        try reader.read(asked, into: &buffers)
        sum += try sumOfPresent(buffers)
      }
      processor += processorTime() - began
      spent += clock.now - start
    }
    if sum.isNaN { say("unlikely") }
    return (seconds(spent), processor)
  }

  private func sumOfPresent(_ buffers: borrowing OnlineBuffers) throws -> Double {
    guard let rows = buffers.rows else { throw missing }
    for status in rows.statuses where status != .present { throw missing }
    return try total(rows.features.columns)
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
