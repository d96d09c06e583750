import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys
import Testing

@testable import LarderOffline

/// Something a test does to a store.
enum Step: Hashable, Sendable, CustomStringConvertible {
  case append(Int)
  /// Rows of keys that nobody has seen.
  case introduce(Int)
  case replace(Int)
  case fold
  case reopen
  case apply
  case sweep
  case compact
  /// Takes away what is more than 20 seconds older than the newest.
  case expire
  /// Goes back to the state that the run found.
  case rollback
  case vacuum
  case tag
  /// The entity of a key goes.
  case forget(Int64)

  var description: String {
    switch self {
    case .append(let rows): "append \(rows)"
    case .introduce(let rows): "introduce \(rows)"
    case .replace(let rows): "replace \(rows)"
    case .fold: "fold"
    case .reopen: "reopen"
    case .apply: "apply"
    case .sweep: "sweep"
    case .compact: "compact"
    case .expire: "expire"
    case .rollback: "rollback"
    case .vacuum: "vacuum"
    case .tag: "tag"
    case .forget(let key): "forget \(key)"
    }
  }
}

/// Runs steps on a simulated machine and knows which rows each leaves behind.
final class StepRun {
  let disk: SimulatedFileSystem
  private var store: Store?
  /// The rows after each step that was acknowledged; the first entry is from before any.
  private(set) var acknowledged: [TestRow]
  /// What the rows may be as well, while a step is under way or its outcome is unknown.
  private(set) var pending: [[TestRow]] = []
  private var next: Int64
  private var features = 1
  private var forgotten: Set<Int64> = []
  /// The newest commit when the run began, and its rows.
  private var found: (commit: UInt64, rows: [TestRow])?
  let options: StoreOptions
  private let host: Host

  init(
    _ disk: SimulatedFileSystem, rows: [TestRow], options: StoreOptions,
    files: (any FileSystem) -> any FileSystem = { $0 }
  ) {
    self.disk = disk
    self.options = options
    acknowledged = rows.sorted()
    next = 1_000 + (rows.map(\.value).max() ?? 0)
    // Later than whatever wrote the store before: snapshots grow old.
    var host = disk.host(start: 1_700_001_000_000_000)
    host.files = files(host.files)
    self.host = host
    store = nil
  }

  /// Opens the store if need be, and does a step.
  func perform(_ step: Step) throws {
    let store = try self.store ?? Store.open("/s", access: .readWrite, host: host, options: options)
    self.store = store
    let start = try found ?? (store.snapshot().commit.id, acknowledged)
    found = start
    switch step {
    case .append(let count), .introduce(let count):
      var rows = Fixture.rows(count, from: next)
      if case .introduce = step {
        for index in rows.indices { rows[index].key = rows[index].value }
      }
      next += 1_000
      pending.append((acknowledged + rows).sorted())
      try store.append([Fixture.batch(rows)], to: "stats")
    case .replace(let count):
      let low: Int64 = 10_000_000
      let high: Int64 = 30_000_000
      let rows = Fixture.rows(count, from: next).map { row in
        TestRow(
          key: row.key, event: low + row.event % (high - low), created: row.created,
          value: row.value)
      }
      next += 1_000
      let kept = acknowledged.filter { $0.event < low || $0.event > high }
      pending.append((kept + rows).sorted())
      try store.replace(
        [Fixture.batch(rows)], in: "stats", from: Timestamp(microseconds: low),
        through: Timestamp(microseconds: high))
    case .fold: try store.fold()
    case .sweep: try store.sweep()
    case .compact: try store.compact([], CompactionOptions(partitions: ["all"]))
    case .expire:
      let newest = acknowledged.map(\.event).max() ?? 0
      pending.append(acknowledged.filter { $0.event >= newest - 20_000_000 })
      try store.expire("stats", olderThan: .seconds(20))
    case .rollback:
      pending.append(start.rows.filter { !forgotten.contains($0.key) })
      try store.rollback(to: start.commit)
    case .vacuum: try store.vacuum()
    case .tag: try store.tag("kept")
    case .forget(let key):
      let left = acknowledged.filter { $0.key != key }
      // An entity that is not there would prove nothing.
      precondition(left.count < acknowledged.count, "nobody has the key \(key)")
      pending.append(left)
      try store.mask(key)
      forgotten.insert(key)
      // From here on it is hidden; whatever keeps the rest from being done is done later.
      acknowledged = left
      pending = []
      try store.finishPendingErasures()
    case .reopen:
      self.store = nil
      return
    case .apply:
      features += 1
      let fields = [Field("value", .int64)] + (1..<features).map { Field("extra\($0)", .float32) }
      try store.apply(Fixture.definitions(Fixture.view(features: fields)))
    }
    if let last = pending.last { acknowledged = last }
    pending = []
  }

  /// Adds rows that another process committed.
  func note(_ rows: [TestRow]) { acknowledged = (acknowledged + rows).sorted() }

  /// Drops the store, as a process that ends.
  func close() { store = nil }

  /// Notes that a step failed with its outcome known: nothing of it may be there.
  func stepFailed(_ error: LarderError) {
    if error.code != .outcomeUnknown { pending = [] }
  }
}

/// A machine with a store that holds some commits, all durable.
struct CrashBase {
  let disk: SimulatedFileSystem
  let rows: [TestRow]
  let options: StoreOptions

  init(commits: Int, seed: UInt64, options: StoreOptions = Fixture.options()) throws {
    let disk = SimulatedFileSystem(seed: seed)
    var rows: [TestRow] = []
    let store = try Store.open("/s", access: .create, host: disk.host(), options: options)
    try store.apply(Fixture.definitions(Fixture.view()))
    for commit in 0..<commits {
      let batch = Fixture.rows(4, from: Int64(commit) * 10)
      rows += batch
      try store.append([Fixture.batch(batch)], to: "stats")
    }
    self.disk = disk
    self.rows = rows
    self.options = options
  }

  /// A machine of its own that starts with this store, after a reboot.
  func machine(seed: UInt64) -> SimulatedFileSystem { disk.crash(seed: seed, .everything) }
}

/// What a check of a store after a crash found.
struct CrashFinding: Error, CustomStringConvertible {
  let description: String
}

/// Opens a store after a crash and compares what it shows.
///
/// - Parameter allowed: the sets of rows that may be there, each whole.
func checkAfterCrash(
  _ disk: SimulatedFileSystem, allowed: [[TestRow]], options: StoreOptions,
  files: (any FileSystem) -> any FileSystem = { $0 }
) throws {
  func host(_ process: SimulatedFileSystem) -> Host {
    var host = process.host(start: 1_700_002_000_000_000)
    host.files = files(host.files)
    return host
  }
  let reader = try Store.open("/s", access: .readOnly, host: host(disk), options: options)
  let seen = try reader.snapshot().allRows().sorted()
  guard allowed.contains(seen) else {
    throw CrashFinding(
      description: "a reader saw \(seen.count) rows; allowed were \(allowed.map(\.count))")
  }
  let writer = try Store.open(
    "/s", access: .readWrite, host: host(disk.anotherProcess()), options: options)
  let extra = [TestRow(key: 3, event: 7, created: nil, value: 900_000)]
  try writer.append([Fixture.batch(extra)], to: "stats")
  let snapshot = try writer.snapshot()
  try snapshot.checkInvariants()
  let after = try snapshot.allRows().sorted()
  // What a reader saw may have been joined by a commit whose record was whole all the same.
  guard allowed.contains(where: { ($0 + extra).sorted() == after }) else {
    throw CrashFinding(
      description: "a writer saw \(after.count) rows; allowed were \(allowed.map(\.count)) and 1")
  }
  try writer.sweep()
  if try writer.hasPendingErasures() {
    // Whatever a crash left of an erasure is finished by the next, and shows nothing new.
    try writer.finishPendingErasures()
    let state = try writer.snapshot()
    let physical = state.segments.values.joined().reduce(0) { $0 + $1.rows }
    guard try state.allRows().sorted() == after, physical == after.count else {
      throw CrashFinding(description: "\(physical) rows are left after the erasure went on")
    }
  }
  guard try writer.snapshot().allRows().sorted() == after else {
    throw CrashFinding(description: "the sweep took rows away")
  }
}

extension Store {
  /// Erases the entity of a key from history, to the end.
  func forget(_ key: Int64) throws {
    try mask(key)
    try finishPendingErasures()
  }

  /// Hides the entity of a key in every snapshot.
  func mask(_ key: Int64) throws {
    let schema = try KeySchema([KeyColumn("driver_id", .int64)])
    let tail = withUnsafeBytes(of: key.littleEndian) { Array($0) }
    _ = try eraseKeys(KeySelection(schema, tails: [tail]))
  }

  /// Removes what is left of entities that are masked.
  func finishPendingErasures() throws {
    let rewritten = try rewriteErased(timeout: .milliseconds(200))
    if let failure = rewritten.failures.first { throw failure }
    guard try pinsBeforeErasure().ranges.isEmpty else { return }
    let end = try finishErasure(of: rewritten.ids, timeout: .milliseconds(200)) { _ in }
    if let left = end.scan.leftovers.first {
      throw CrashFinding(description: "left of an erasure: \(left.path), \(left.why)")
    }
  }
}
