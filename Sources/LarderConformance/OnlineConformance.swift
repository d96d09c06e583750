import LarderColumns
import LarderContract

/// Checks an online store against the contract and throws at the first difference.
///
/// Cases written by hand come first, then random ones against the in-memory reference.
///
/// ```swift
/// try checkOnlineStore { clock in MyOnlineStore(now: { clock.now }) }
/// ```
///
/// - Parameters:
///   - randomCases: how many random cases to run.
///   - seed: the seed of the first random case; the n-th has `seed + n`.
///   - makeStore: makes an empty store that reads the time from the clock it is given.
/// - Throws: `ConformanceFailure`, whose description names the case or its seed; what the store
///   throws where it should not, unchanged.
public func checkOnlineStore(
  randomCases: Int = 50, seed: UInt64 = 1,
  makeStore: (ConformanceClock) throws -> any OnlineStore
) throws {
  for check in onlineChecks {
    let clock = ConformanceClock()
    let trial = OnlineTrial(store: try makeStore(clock), clock: clock)
    do { try check.body(trial) } catch let failure as ConformanceFailure {
      throw ConformanceFailure(description: "\(check.name): \(failure)")
    }
  }
  for index in 0..<max(0, randomCases) {
    var run = OnlineCase(seed: seed &+ UInt64(index))
    let store = try makeStore(run.clock)
    try run.begin(store)
    for _ in 0..<40 { try run.step(store) }
  }
}

/// A clock that stands still until it is set.
public final class ConformanceClock: Sendable {
  private let microseconds = ForkSafeMutex<Int64>(1_700_000_000_000_000)

  /// Makes a clock that shows some time in 2023.
  public init() {}

  /// What the clock shows.
  public var now: Timestamp { Timestamp(microseconds: microseconds.withLock { $0 }) }

  /// Moves the clock on.
  public func advance(microseconds: Int64) {
    self.microseconds.withLock { $0 &+= microseconds }
  }
}

/// A check written by hand.
struct OnlineCheck: Sendable {
  var name: String
  var body: @Sendable (OnlineTrial) throws -> Void
}

/// A store under test, and words for using it.
struct OnlineTrial: Sendable {
  let store: any OnlineStore
  let clock: ConformanceClock
  /// Rows live for 100 us; keys are `driver_id`, features `a` and `b`.
  let view = FeatureView(
    "stats", entities: [Entity("driver", joinKeys: [.int64("driver_id")])],
    features: [Field("a", .int64), Field("b", .string)], timeToLive: .microseconds(100),
    eventTimestamp: "at", createdTimestamp: "known")

  /// The clock's time in microseconds.
  var now: Int64 { clock.now.ticks }

  func make() throws {
    try store.update(
      keeping: [view], deleting: [], entitiesToKeep: [], entitiesToDelete: [], partial: true)
  }

  /// Writes rows with the features that `a` and `b` bring.
  func write(
    _ rows: [(key: Int64, event: Int64, known: Int64?)], a: [Int64?]? = nil, b: [String?]? = nil
  ) throws {
    try store.writeBatch(try batch(rows, a: a, b: b), to: view, progress: nil)
  }

  /// Rows with the features that `a` and `b` bring.
  func batch(
    _ rows: [(key: Int64, event: Int64, known: Int64?)], a: [Int64?]? = nil, b: [String?]? = nil
  ) throws -> RecordBatch {
    var fields = [
      ColumnField("driver_id", .int64), ColumnField("at", .timestamp(.microseconds)),
      ColumnField("known", .timestamp(.microseconds)),
    ]
    var columns: [Column] = [
      .int64(rows.map(\.key)), .timestamp(rows.map(\.event)), .timestamp(rows.map(\.known)),
    ]
    if let a {
      fields.append(ColumnField("a", .int64))
      columns.append(.int64(a))
    }
    if let b {
      fields.append(ColumnField("b", .string))
      columns.append(try .string(b))
    }
    return try RecordBatch(schema: Schema(fields), columns: columns)
  }

  func delete(_ key: Int64, at: Int64?) throws {
    try store.delete(
      RecordBatch(["driver_id": .int64([key])]), from: view,
      at: at.map(Timestamp.init(microseconds:)))
  }

  /// Reads keys and compares feature `a`, and the statuses if they are given.
  func expect(
    _ keys: [Int64?], a: [Value], b: [Value]? = nil, _ statuses: [OnlineStatus]? = nil,
    at: Int64? = nil, includeExpired: Bool = false
  ) throws {
    let rows = try store.read(
      RecordBatch(["driver_id": .int64(keys)]), from: view, features: ["b", "a"],
      at: at.map(Timestamp.init(microseconds:)), includeExpired: includeExpired)
    let found =
      rows.features.count == keys.count ? keys.indices.map { rows.features.columns[1][$0] } : []
    guard found == a else {
      throw ConformanceFailure(description: "a: expected \(a), found \(found)")
    }
    if let b {
      let found = keys.indices.map { rows.features.columns[0][$0] }
      guard found == b else {
        throw ConformanceFailure(description: "b: expected \(b), found \(found)")
      }
    }
    if let statuses, rows.statuses != statuses {
      throw ConformanceFailure(
        description: "expected the statuses \(statuses), found \(rows.statuses)")
    }
  }

  /// Fails unless a call throws an error of a code.
  func expectError(_ code: LarderError.Code, _ body: () throws -> Void) throws {
    do { try body() } catch let error as LarderError where error.code == code { return }
    throw ConformanceFailure(description: "expected an error of the code \(code)")
  }
}
