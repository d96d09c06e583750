import Glibc
import LarderColumns
import LarderContract
import LarderFiles
import LarderOffline
import LarderPointInTime
import TestSupport
import Testing

/// Measures the join on the workloads' shapes; runs only where `LARDER_BENCH` names some:
/// `LARDER_BENCH=abc LARDER_BENCH_SIZE=M swift test -c release -Xswiftc -enable-testing --filter
/// JoinSpeedTests`.
///
/// `LARDER_BENCH_STORE` names a directory that keeps stores and spines from run to run,
/// `LARDER_BENCH_RUNS` how often each query is asked, `LARDER_BENCH_THREADS` on how many threads,
/// such as `1` or `12`, `LARDER_BENCH_SPINE` how many rows of the spine ask.
@Suite(.serialized) struct JoinSpeedTests {
  static var shapes: [Workload.Shape] {
    (setting("LARDER_BENCH") ?? "").compactMap { Workload.Shape(rawValue: String($0)) }
  }

  static var size: Workload.Size {
    setting("LARDER_BENCH_SIZE").flatMap { Workload.Size(rawValue: $0) } ?? .S
  }

  @Test(.enabled(if: !shapes.isEmpty), arguments: shapes)
  func isFast(_ shape: Workload.Shape) throws {
    let bench = try BenchStore(shape, JoinSpeedTests.size)
    defer { bench.remove() }
    let snapshot = try bench.store.snapshot()
    let segments = snapshot.segments.values.reduce(0) { $0 + $1.count }
    let bytes = snapshot.segments.values.joined().reduce(0) { $0 + $1.fileBytes }
    print("\(bench.name): \(segments) segments, \(bytes) bytes, \(bench.spine.count) spine rows")
    let engine = PointInTimeEngine()
    let features = snapshot.catalog.views.map { FeatureReference(view: $0.name, feature: nil) }
    func job(_ threads: Int, asKnown: Bool = false) throws -> PointInTimeJob {
      try engine.historicalFeatures(
        in: snapshot, for: bench.spine, features: features,
        options: RetrievalOptions(asKnown: asKnown, dictionaryStrings: true, threads: threads))
    }
    var digest: UInt64 = 0
    let first = try ContinuousClock().measure { digest = digestOf(try job(1).collect()) }
    print("  first \(first), digest \(String(digest, radix: 16))")
    for threads in (setting("LARDER_BENCH_THREADS") ?? "12").compactMap({ Int(String($0)) }) {
      let plain = try measure(try job(threads))
      print("  \(threads) threads: \(plain)")
      guard setting("LARDER_BENCH_KNOWN") != nil else { continue }
      let known = try measure(try job(threads, asKnown: true))
      print("  \(threads) threads, as known: \(known)")
      print("  as known / plain: \(text(known.processor / plain.processor))")
    }
  }

  /// Asks a query over and over.
  private func measure(_ job: PointInTimeJob) throws -> Measurement {
    var times: [Duration] = []
    var processor: [Double] = []
    let runs = setting("LARDER_BENCH_RUNS").flatMap { Int($0) } ?? 9
    var rows = 0
    let faults = pageFaults()
    for _ in 0..<runs {
      let before = processorSeconds()
      times.append(try ContinuousClock().measure { rows = try job.collect().count })
      processor.append(processorSeconds() - before)
    }
    times.sort()
    processor.sort()
    return Measurement(
      rows: Double(rows), median: times[runs / 2], best: times[0], processor: processor[runs / 2],
      least: processor[0], report: job.report, faults: (pageFaults() - faults) / runs)
  }
}

/// The median of some runs.
private struct Measurement: CustomStringConvertible {
  var rows: Double
  var median: Duration
  var best: Duration
  var processor: Double
  var least: Double
  var report: RetrievalReport?
  var faults: Int

  var description: String {
    let steps = ["keys", "search", "gather"].map { step in
      "\(step) \(text((report?.seconds[step] ?? 0) * 1e9 / rows))"
    }
    let matched = report?.views.reduce(0) { $0 + $1.matchedRows } ?? 0
    return "median \(median), best \(best), processor \(text(processor * 1e9 / rows)) (best "
      + "\(text(least * 1e9 / rows))) ns per row; \(steps.joined(separator: ", ")); \(faults) page "
      + "faults; \(matched) matches"
  }
}

/// A number for a result's cells, so that two builds can be compared.
private func digestOf(_ batch: RecordBatch) -> UInt64 {
  var sum: UInt64 = 0
  for column in batch.columns {
    sum = sum &* 31 &+ UInt64(column.nullCount)
    for row in stride(from: 0, to: batch.count, by: max(1, batch.count / 20_000)) {
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325
      for byte in "\(column[row])".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
      sum = sum &* 31 &+ hash
    }
  }
  return sum
}

func setting(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

private func pageFaults() -> Int {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  return usage.ru_minflt
}

/// Processor time of this process: what other load takes away does not count.
private func processorSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

private func text(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
