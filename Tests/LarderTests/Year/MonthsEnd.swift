import Glibc
import Larder
import LarderColumns
import TestSupport
import Testing

/// A store beside a copy of it that is compacted whole, after being killed in the midst of that.
struct MonthsEnd {
  private let store: FeatureStore
  private let path: String
  private let copy: String
  private let scale: YearScale
  private let day: Int

  /// What was measured: seconds of processor, milliseconds of time.
  struct Figures: CustomStringConvertible {
    var day: Int
    var here = Double.infinity
    var compacted = Double.infinity
    var opening = Double.infinity
    var killedAfter = 0.0

    var ratio: Double { here / compacted }
    var description: String {
      "day \(day): join \(hundredths(here * 1_000)) ms of processor, compacted "
        + "\(hundredths(compacted * 1_000)) ms, ratio \(hundredths(ratio)); opening "
        + "\(hundredths(opening)) ms; compaction killed after \(hundredths(killedAfter)) ms"
    }
  }

  init(_ store: FeatureStore, _ path: String, _ scale: YearScale, day: Int) {
    self.store = store
    self.path = path
    self.scale = scale
    self.day = day
    copy = path + ".copy"
  }

  func look(_ random: inout SeededRandom) throws -> Figures {
    var figures = Figures(day: day + 1)
    defer { _ = system("rm -rf '\(copy)'") }
    #expect(system("cp -r '\(path)' '\(copy)'") == 0)
    let spine = try scale.spine(through: day, &random)
    let expected = try Self.join(store, spine)
    figures.killedAfter = try interruptCompaction(expected, spine, &random)

    let whole = try FeatureStore(at: copy)
    try whole.compact([], CompactionOptions(partitions: ["all"]))
    try whole.vacuum()
    #expect(try whole.verify().findings.isEmpty)
    for _ in 0..<5 {
      var began = processorSeconds()
      let here = try Self.join(store, spine)
      figures.here = min(figures.here, processorSeconds() - began)
      began = processorSeconds()
      let there = try Self.join(whole, spine)
      figures.compacted = min(figures.compacted, processorSeconds() - began)
      #expect(Self.areEqual(here, there), "day \(day + 1)")
      #expect(Self.areEqual(here, expected), "day \(day + 1)")
    }
    for _ in 0..<9 {
      let began = ContinuousClock.now
      _ = try FeatureStore(at: path, access: .readOnly).head()
      figures.opening = min(figures.opening, milliseconds(since: began))
    }
    return figures
  }

  /// Compacts the copy in another process, kills that, and looks at what it left.
  ///
  /// - Returns: milliseconds after which it was killed.
  private func interruptCompaction(
    _ expected: RecordBatch, _ spine: RecordBatch, _ random: inout SeededRandom
  ) throws -> Double {
    // From its start until about the time that the whole takes.
    let rows = Double(day + 1) / 365 * (scale.isWhole ? 3_000 : 100)
    let delay = Double.random(in: 2...max(20, rows), using: &random)
    let process = try spawn("compact '\(copy)' --partition all")
    usleep(UInt32(delay * 1_000))
    kill(process, SIGKILL)
    var status: Int32 = 0
    #expect(waitpid(process, &status, 0) == process)
    let left = try FeatureStore(at: copy, access: .readOnly)
    #expect(try left.verify().findings.isEmpty, "killed after \(delay) ms, day \(day + 1)")
    #expect(
      Self.areEqual(try Self.join(left, spine), expected),
      "killed after \(delay) ms, day \(day + 1)")
    return delay
  }

  /// Starts the command beside the tests; a shell that becomes it keeps its words to itself.
  private func spawn(_ arguments: String) throws -> pid_t {
    let bundle = CommandLine.arguments[0]
    let folder = bundle.lastIndex(of: "/").map { String(bundle[..<$0]) } ?? "."
    let line = "exec '\(folder)/larder' \(arguments) >/dev/null 2>&1"
    let words: [UnsafeMutablePointer<CChar>?] =
      ["sh", "-c", line].map { (word: String) in strdup(word) } + [nil]
    defer { for word in words { free(word) } }
    try #require(access("\(folder)/larder", X_OK) == 0, "larder is not beside the tests: \(folder)")
    var process: pid_t = 0
    let code = posix_spawn(&process, "/bin/sh", nil, nil, words, environ)
    #expect(code == 0)
    return process
  }

  static func join(_ store: FeatureStore, _ spine: RecordBatch) throws -> RecordBatch {
    var options = RetrievalOptions()
    options.threads = 1
    options.fullFeatureNames = true
    return try store.historicalFeatures(
      for: spine, features: ["even:rate", "even:trips", "odd:rate"], options: options
    ).collect()
  }

  private static func areEqual(_ a: RecordBatch, _ b: RecordBatch) -> Bool {
    a.count == b.count && a.columns.count == b.columns.count
      && zip(a.columns, b.columns).allSatisfy { a, b in
        (0..<a.count).allSatisfy { a[$0] == b[$0] }
      }
  }
}

/// Seconds of processor time of this process.
func processorSeconds() -> Double {
  var usage = rusage()
  _ = getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
  return seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// Milliseconds of time since an instant.
func milliseconds(since start: ContinuousClock.Instant) -> Double {
  let (seconds, attoseconds) = (ContinuousClock.now - start).components
  return Double(seconds) * 1_000 + Double(attoseconds) / 1e15
}

/// A figure with two places.
func hundredths(_ value: Double) -> String {
  let whole = Int((value * 100).rounded())
  return "\(whole / 100).\(whole % 100 < 10 ? "0" : "")\(whole % 100)"
}
