import CLarder
import Larder
import LarderABI
import LarderColumns
import LarderContract
import Synchronization
import Testing

/// Handles are numbers that are looked up: a stale one, another's, or none is an error.
@Suite struct HandleTests {
  typealias Client = InterfaceTests.Client
  private typealias Errors = UnsafeMutablePointer<larder_error>
  private typealias Use = @Sendable (OpaquePointer?, Errors) -> Int32

  /// Every function that takes a store, with arguments that a store would take.
  private static let storeUses: [(String, Use)] = [
    (
      "snapshot",
      { store, error in
        var past: OpaquePointer?
        return larder_snapshot(store, 1, &past, error)
      }
    ),
    (
      "snapshot_tagged",
      { store, error in
        var past: OpaquePointer?
        return larder_snapshot_tagged(store, "t", &past, error)
      }
    ),
    ("apply", { larder_apply($0, Client.definitions, nil, nil, $1) }),
    ("definitions", { larder_definitions($0, nil, $1) }),
    ("drop", { larder_drop($0, "stats", nil, nil, $1) }),
    (
      "append",
      { store, error in
        var rows = ForeignStream([Client.rows([1], [1], trips: nil)], log: ReleaseLog()).make()
        return larder_append(store, "stats", &rows, nil, error)
      }
    ),
    (
      "replace",
      { store, error in
        var rows = ForeignStream([Client.rows([1], [1], trips: nil)], log: ReleaseLog()).make()
        return larder_replace(store, "stats", nil, &rows, nil, error)
      }
    ),
    ("import_files", { larder_import_files($0, "stats", #"{"paths": ["x"]}"#, nil, $1) }),
    (
      "historical_features",
      { store, error in
        var job: OpaquePointer?
        let code = larder_historical_features(
          store, nil,
          #"{"features": ["stats:trips"], "from": "1970-01-01", "through": "1971-01-01"}"#, &job,
          error)
        larder_job_free(job)
        return code
      }
    ),
    (
      "pull",
      { store, error in
        var job: OpaquePointer?
        let code = larder_pull(store, "stats", nil, &job, error)
        larder_job_free(job)
        return code
      }
    ),
    ("why", { larder_why($0, "stats", #"{"at": "2026-01-01"}"#, nil, $1) }),
    ("materialize", { larder_materialize($0, "stats", nil, nil, $1) }),
    (
      "write_online",
      { store, error in
        var rows = ForeignStream([Client.rows([1], [1], trips: nil)], log: ReleaseLog()).make()
        return larder_write_online(store, "stats", &rows, nil, error)
      }
    ),
    ("end_writing", { larder_end_writing($0, $1) }),
    ("tear_down", { larder_tear_down($0, nil, $1) }),
    ("info", { larder_info($0, nil, $1) }),
    ("verify", { larder_verify($0, nil, nil, $1) }),
    ("snapshots", { larder_snapshots($0, nil, $1) }),
    ("tag", { larder_tag($0, "t", nil, nil, $1) }),
    ("remove_tag", { larder_remove_tag($0, "t", $1) }),
    ("rollback", { larder_rollback($0, 1, nil, nil, $1) }),
    ("compact", { larder_compact($0, nil, nil, $1) }),
    ("expire", { larder_expire($0, "stats", #"{"olderThan": 1}"#, nil, $1) }),
    ("vacuum", { larder_vacuum($0, nil, nil, $1) }),
    ("repair", { larder_repair($0, nil, nil, $1) }),
    ("backup", { larder_backup($0, "/nowhere/at/all", nil, $1) }),
    ("finish_erasures", { larder_finish_erasures($0, nil, nil, $1) }),
  ]

  /// Every function that takes a job.
  private static let jobUses: [(String, Use)] = [
    ("explain", { larder_job_explain($0, nil, $1) }),
    (
      "schema",
      { job, error in
        var schema = ArrowSchema()
        defer { if let release = schema.release { release(&schema) } }
        return larder_job_schema(job, &schema, error)
      }
    ),
    (
      "collect",
      { job, error in
        var (schema, rows) = (ArrowSchema(), ArrowArray())
        defer {
          if let release = schema.release { release(&schema) }
          if let release = rows.release { release(&rows) }
        }
        return larder_job_collect(job, &schema, &rows, error)
      }
    ),
    (
      "stream",
      { job, error in
        var stream = ArrowArrayStream()
        defer { if let release = stream.release { release(&stream) } }
        return larder_job_stream(job, &stream, error)
      }
    ),
    ("report", { larder_job_report($0, nil, $1) }),
  ]

  /// What calls came to, by their names.
  private final class Codes: Sendable {
    let found = Mutex<[String: Set<Int32>]>([:])
  }

  private func code(_ code: larder_code) -> Int32 { Int32(bitPattern: code.rawValue) }

  private func expect(
    _ expected: larder_code, of handle: OpaquePointer?, _ uses: [(String, Use)]
  ) {
    for (name, use) in uses {
      var error = larder_error()
      let found = use(handle, &error)
      #expect(found == code(expected), "\(name): \(found)")
      #expect(error.code == found)
    }
  }

  private func jobOf(_ client: Client) throws -> OpaquePointer {
    _ = client.text { larder_apply(client.store, Client.definitions, nil, $0, &client.error) }
    #expect(client.append([Client.rows([1, 2], [1, 2], trips: [1, 2])]) == 0)
    let query = #"{"features": ["stats:trips"]}"#
    return try #require(client.ask(Client.rows([1, 2], [3, 3], trips: nil), query))
  }

  @Test func aStaleHandleIsAnError() throws {
    let client = try Client()
    let job = try jobOf(client)
    let store = client.store
    larder_job_free(job)
    expect(LARDER_CLOSED, of: job, Self.jobUses)
    larder_job_cancel(job)
    larder_job_free(job)
    larder_close(store)
    expect(LARDER_CLOSED, of: store, Self.storeUses)
    larder_close(store)
    // The place is used again, the number is not.
    let others = try (0..<100).map { _ in try Client() }
    #expect(!others.contains { $0.store == store || $0.store == job })
    expect(LARDER_CLOSED, of: store, Self.storeUses)
    larder_close(store)
    #expect(others.allSatisfy { larder_info($0.store, nil, &$0.error) == 0 })
  }

  @Test func whatIsNoHandleIsAnError() throws {
    let client = try Client()
    let job = try jobOf(client)
    expect(LARDER_INVALID_ARGUMENT, of: job, Self.storeUses)
    expect(LARDER_INVALID_ARGUMENT, of: client.store, Self.jobUses)
    larder_close(job)
    larder_job_free(client.store)
    larder_job_cancel(client.store)
    let bits = UInt(bitPattern: client.store)
    var numbers: [UInt] = [1, 2, 8, .max, .max - 1, 0xDEAD_BEEF, UInt(1) << 63]
    numbers += (0..<64).map { bits ^ (1 << $0) }
    numbers += [
      UInt(bitPattern: Unmanaged.passUnretained(client).toOpaque()), bits &+ (1 << 21), bits &+ 2,
    ]
    for number in numbers {
      let handle = OpaquePointer(bitPattern: number)
      var error = larder_error()
      let code = larder_info(handle, nil, &error)
      let allowed = [LARDER_INVALID_ARGUMENT, LARDER_CLOSED].map { self.code($0) }
      #expect(handle == job || allowed.contains(code), "\(number): \(code)")
      if handle != job { larder_close(handle) }
      larder_job_cancel(handle)
    }
    expect(LARDER_INVALID_ARGUMENT, of: nil, Self.storeUses)
    expect(LARDER_INVALID_ARGUMENT, of: nil, Self.jobUses)
    #expect(larder_info(client.store, nil, &client.error) == 0)
    larder_job_free(job)
  }

  @Test func noNumberIsGivenTwice() throws {
    let client = try Client()
    let first = try jobOf(client)
    var seen: Set<OpaquePointer> = [first]
    larder_job_free(first)
    for _ in 0..<2_000 {
      var job: OpaquePointer?
      #expect(larder_pull(client.store, "stats", nil, &job, &client.error) == 0)
      #expect(seen.insert(try #require(job)).inserted)
      larder_job_free(job)
    }
  }

  /// Threads use a store and its jobs while another closes them: each call does its work or says
  /// that they were closed.
  @Test(arguments: 0..<20)
  func closingWhileOthersUse(_ round: Int) async throws {
    let client = try Client()
    let job = try jobOf(client)
    let store = UInt(bitPattern: client.store)
    let codes = Codes()
    let jobNumber = UInt(bitPattern: job)
    let uses = Self.storeUses.count + Self.jobUses.count
    await withTaskGroup(of: Void.self) { group in
      for thread in 0..<4 {
        group.addTask {
          for turn in 0..<uses * 2 {
            let which = (turn * 7 + thread * 5 + round) % uses
            var error = larder_error()
            let isOfStore = which < Self.storeUses.count
            let (name, use) =
              isOfStore ? Self.storeUses[which] : Self.jobUses[which - Self.storeUses.count]
            let code = use(OpaquePointer(bitPattern: isOfStore ? store : jobNumber), &error)
            codes.found.withLock { _ = $0[name, default: []].insert(code) }
          }
        }
      }
      group.addTask {
        for _ in 0..<round * 50 { await Task.yield() }
        larder_close(OpaquePointer(bitPattern: store))
        larder_job_free(OpaquePointer(bitPattern: jobNumber))
      }
    }
    // What a drop, a rollback or an unknown tag beside them may say, and nothing of damage.
    let bad = Set([LARDER_CORRUPT, LARDER_INVALID_ARGUMENT, LARDER_FORKED].map { code($0) })
    for (name, found) in codes.found.withLock({ $0 }) {
      #expect(found.isDisjoint(with: bad), "\(name): \(found)")
    }
    expect(LARDER_CLOSED, of: OpaquePointer(bitPattern: store), Self.storeUses)
  }

  /// What a closed store's and a freed job's rows hold on to stays.
  @Test func rowsOutliveTheirHandles() throws {
    let client = try Client()
    let job = try jobOf(client)
    var stream = ArrowArrayStream()
    #expect(larder_job_stream(job, &stream, &client.error) == 0)
    larder_close(client.store)
    larder_job_free(job)
    var rows = ArrowArray()
    #expect(stream.get_next(&stream, &rows) == 0)
    #expect(rows.length == 2)
    rows.release(&rows)
    stream.release(&stream)
  }
}
