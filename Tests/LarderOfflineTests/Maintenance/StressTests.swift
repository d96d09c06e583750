import Dispatch
import Glibc
import LarderColumns
import LarderContract
import LarderFiles
import Synchronization
import Testing

@testable import LarderOffline

/// Two appenders, one folder that sweeps at once, and four readers on the machine's own files, each
/// with a store object, and so with locks and maps, of its own.
@Suite struct StressTests {
  /// Seconds to run; more by hand with LARDER_STRESS_SECONDS.
  private var seconds: Double {
    guard let text = unsafe getenv("LARDER_STRESS_SECONDS") else { return 2 }
    return unsafe Double(String(cString: text)) ?? 2
  }

  /// What the workers share.
  private final class Tally: Sendable {
    let commits = Mutex<[Int]>([0, 0])
    let queries = Atomic(0)
    let folds = Atomic(0)
    let problems = Mutex<[String]>([])
  }

  @Test func everyoneSeesWholeCommits() throws {
    let path = "/tmp/larder-stress-\(getpid())-\(UInt32.random(in: 0...(.max)))"
    defer { _ = unsafe system("rm -rf \(path)") }
    var options = Fixture.options()
    options.keepSnapshots = .zero
    options.lockTimeout = .seconds(30)
    options.manifestRecords = 20
    let creator = try Store.open(path, access: .create, host: .system(), options: options)
    try creator.apply(Fixture.definitions(Fixture.view()))
    let deadline = ContinuousClock.now + .milliseconds(Int(seconds * 1_000))
    let tally = Tally()
    let group = DispatchGroup()
    for worker in 0..<7 {
      // A queue each: the locks block, and there are more workers than cores.
      DispatchQueue(label: "stress \(worker)").async(group: group) { [options] in
        do { try Self.work(path, worker, options, until: deadline, tally) } catch {
          tally.problems.withLock { $0.append("worker \(worker): \(error)") }
        }
      }
    }
    group.wait()
    #expect(tally.problems.withLock { $0 } == [])
    try Self.ask(creator, tally)
    let commits = tally.commits.withLock { $0 }
    let queries = tally.queries.load(ordering: .relaxed)
    print(
      "stress: \(commits) commits, \(queries) queries,",
      "\(tally.folds.load(ordering: .relaxed)) folds")
    #expect(commits.allSatisfy { $0 > 0 } && queries > 0)
  }

  private static func work(
    _ path: String, _ worker: Int, _ options: StoreOptions, until end: ContinuousClock.Instant,
    _ tally: Tally
  ) throws {
    let access: StoreAccess = worker < 3 ? .readWrite : .readOnly
    let store = try Store.open(path, access: access, host: .system(), options: options)
    while ContinuousClock.now < end {
      switch worker {
      case 0, 1: try append(store, worker, tally)
      case 2:
        tally.folds.wrappingAdd(try store.fold().merges, ordering: .relaxed)
        try store.sweep()
      default:
        try ask(store, tally)
        tally.queries.wrappingAdd(1, ordering: .relaxed)
      }
    }
  }

  /// Commit n of an appender has the values n x 5 ..< n x 5 + 5 of its own key.
  private static func append(_ store: Store, _ worker: Int, _ tally: Tally) throws {
    let commit = tally.commits.withLock { $0[worker] }
    let rows = (0..<5).map { index in
      TestRow(
        key: Int64(worker), event: Int64(commit), created: nil, value: Int64(commit * 5 + index))
    }
    try store.append([Fixture.batch(rows)], to: "stats")
    tally.commits.withLock { $0[worker] += 1 }
  }

  private static func ask(_ store: Store, _ tally: Tally) throws {
    let before = tally.commits.withLock { $0 }
    let snapshot = try store.snapshot()
    try snapshot.checkInvariants()
    let rows = try snapshot.allRows()
    for worker in 0..<2 {
      let values = rows.filter { $0.key == Int64(worker) }.map(\.value).sorted()
      guard values == (0..<Int64(values.count)).map({ $0 }), values.count % 5 == 0,
        values.count >= before[worker] * 5
      else {
        throw CrashFinding(
          description: "\(values.count) rows of \(worker) at \(snapshot.commit.id), where "
            + "\(before[worker] * 5) were acknowledged")
      }
    }
  }
}
