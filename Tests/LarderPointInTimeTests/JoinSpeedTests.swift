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
@Suite(.serialized) struct JoinSpeedTests {
  static var shapes: [Workload.Shape] {
    guard let text = getenv("LARDER_BENCH") else { return [] }
    return String(cString: text).compactMap { Workload.Shape(rawValue: String($0)) }
  }

  static var size: Workload.Size {
    getenv("LARDER_BENCH_SIZE").flatMap { Workload.Size(rawValue: String(cString: $0)) } ?? .S
  }

  @Test(.enabled(if: !shapes.isEmpty), arguments: shapes)
  func isFast(_ shape: Workload.Shape) throws {
    let size = JoinSpeedTests.size
    let root = "/tmp/larder-bench-\(getpid())-\(shape.rawValue)"
    defer { removeTree(root) }
    let workload = try Workload(shape, size)
    var options = StoreOptions()
    options.fold = .off
    let store = try Store.open(root, access: .create, host: .system(), options: options)
    try store.apply(Definitions(featureViews: workload.views))
    let ingest = try ContinuousClock().measure {
      for (view, rows) in zip(workload.views, workload.history) {
        try store.append([rows], to: view.name)
      }
    }
    let snapshot = try store.snapshot()
    let segments = snapshot.segments.values.reduce(0) { $0 + $1.count }
    let bytes = snapshot.segments.values.joined().reduce(0) { $0 + $1.fileBytes }
    print(
      "\(shape.rawValue)_\(size.rawValue): ingest \(ingest), \(segments) segments, "
        + "\(bytes / UInt64(size.rows.history)) bytes per row")
    let engine = PointInTimeEngine()
    for threads in [1, 2] {
      var questions = RetrievalOptions(dictionaryStrings: true, threads: threads)
      questions.timestamp = "event_timestamp"
      let job = try engine.historicalFeatures(
        in: snapshot, for: workload.spine, features: workload.features, options: questions)
      if threads == 1 {
        let first = try ContinuousClock().measure { _ = try job.collect() }
        print("  first: \(first)")
      }
      var times: [Duration] = []
      var processor: [Double] = []
      let runs = getenv("LARDER_BENCH_RUNS").flatMap { Int(String(cString: $0)) } ?? 9
      for _ in 0..<runs {
        let before = processorSeconds()
        times.append(try ContinuousClock().measure { _ = try job.collect() })
        processor.append(processorSeconds() - before)
      }
      times.sort()
      processor.sort()
      let (seconds, attoseconds) = times[runs / 2].components
      let nanoseconds = Double(seconds) * 1e9 + Double(attoseconds) / 1e9
      let steps = job.report?.seconds ?? [:]
      let rows = Double(workload.spine.count)
      func each(_ step: String) -> String { text((steps[step] ?? 0) * 1e9 / rows) }
      let matched = job.report?.views.reduce(0) { $0 + $1.matchedRows } ?? 0
      print(
        "  \(threads) threads: median \(times[runs / 2]), best \(times[0]), \(text(nanoseconds / rows)) ns "
          + "per row, \(text(processor[runs / 2] * 1e9 / rows)) ns of processor; keys \(each("keys")), search \(each("search")), gather \(each("gather")); "
          + "\(matched) matches")
    }
  }
}

/// Processor time of this process: what other load takes away does not count.
private func processorSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

private func text(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }

private func removeTree(_ path: String) {
  let files = POSIXFileSystem()
  guard let names = try? files.names(in: path) else { return }
  for name in names {
    let child = "\(path)/\(name)"
    if (try? files.status(of: child)?.kind) == .directory {
      removeTree(child)
    } else {
      _ = try? files.remove(child)
    }
  }
  _ = try? files.removeDirectory(path)
}
