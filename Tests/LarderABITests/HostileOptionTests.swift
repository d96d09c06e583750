import CLarder
import Foundation
import LarderABI
import TestSupport
import Testing

/// Every number of every option of the C interface, at its ends and beyond: a code, never a trap.
@Suite struct HostileOptionTests {
  typealias Client = InterfaceTests.Client
  private typealias Call = @Sendable (Client, String) -> Int32

  private static let spine = Client.rows([1, 2], [3, 3], trips: nil)

  /// Asks, and answers in one piece and as a stream.
  private static func answer(_ client: Client, _ job: OpaquePointer?) -> Int32 {
    defer { larder_job_free(job) }
    guard let job else { return client.error.code }
    var (schema, rows) = (ArrowSchema(), ArrowArray())
    let code = larder_job_collect(job, &schema, &rows, &client.error)
    if let release = schema.release { release(&schema) }
    if let release = rows.release { release(&rows) }
    var stream = ArrowArrayStream()
    if larder_job_stream(job, &stream, &client.error) == 0 {
      var rows = ArrowArray()
      if stream.get_next(&stream, &rows) == 0, let release = rows.release { release(&rows) }
      stream.release(&stream)
    }
    return code
  }

  private static let open: Call = { client, options in
    var store: OpaquePointer?
    let code = larder_open(client.directory.path + "/store", options, &store, &client.error)
    if code != 0 { return code }
    var rows = ForeignStream([Client.rows([5], [5], trips: [1])], log: ReleaseLog()).make()
    var failure = larder_error()
    _ = larder_append(store, "stats", &rows, nil, &failure)
    _ = larder_materialize(store, "stats", nil, nil, &failure)
    larder_close(store)
    return code
  }
  private static let ask: Call = { client, options in
    answer(client, client.ask(spine, #"{"features": ["stats:*"], "# + options.dropFirst()))
  }
  private static let pull: Call = { client, options in
    var job: OpaquePointer?
    _ = larder_pull(client.store, "stats", options, &job, &client.error)
    return answer(client, job)
  }
  private static func keys(
    _ use: (inout ArrowSchema, inout ArrowArray) -> Int32
  ) -> Int32 {
    let log = ReleaseLog()
    let keys = Foreign.batch([
      Foreign("l", length: 1, name: "driver_id", [nil, Foreign.bytes([Int64(1)])])
    ])
    var (schema, rows) = (keys.makeSchema(log), keys.makeArray(log))
    defer { schema.release(&schema) }
    return use(&schema, &rows)
  }
  private static let messages: Call = { client, options in
    keys { schema, rows in
      var (text, length) = (UnsafeMutablePointer<CChar>?.none, Int64(0))
      let code = larder_read_online_messages(
        client.store, #"{"features": ["stats:trips"], "# + options.dropFirst(), &schema, &rows,
        &text, &length, &client.error)
      if code == 0 { larder_text_free(text) }
      return code
    }
  }
  private static let forget: Call = { client, options in
    keys { schema, rows in
      larder_forget(client.store, "driver", options, &schema, &rows, nil, &client.error)
    }
  }
  private static let why: Call = { client, options in
    larder_why(
      client.store, "stats",
      #"{"key": {"driver_id": 1}, "at": "2026-01-01T00:00:00Z", "# + options.dropFirst(), nil,
      &client.error)
  }

  /// The members that are numbers, and what reads them.
  private static let members: [(name: String, call: Call)] = [
    ("lockTimeout", open), ("keepSnapshots", open), ("appendBufferBytes", open),
    ("threads", open), ("threads", ask), ("memoryBytes", ask), ("memoryBytes", pull),
    ("valueFields", messages), ("timeout", forget), ("limit", why),
    ("maxSeconds", { larder_compact($0.store, $1, nil, &$0.error) }),
    ("olderThan", { larder_expire($0.store, "stats", $1, nil, &$0.error) }),
    ("keep", { larder_vacuum($0.store, $1, nil, &$0.error) }),
    ("timeout", { larder_finish_erasures($0.store, $1, nil, &$0.error) }),
    ("commit", { larder_tag($0.store, "t", $1, nil, &$0.error) }),
  ]

  private static let values: [String] = [
    "0", "1", "-1", "-0", "0.5", "1e-320", "1e12", "1.1e12", "1e30", "1e400", "-1e400",
    "2147483648", "9223372036854775807", "9223372036854775808", "18446744073709551616",
    String(repeating: "9", count: 5_000), "\"0s\"", "\"9223372036854775807s\"",
    "\"9223372036854775807w\"", "\"9223372036854775808ns\"", "\"inf\"", "\"nan\"", "\"-1s\"",
    "\"\"", "true", "[]", "[1e30]", "[9223372036854775807]", "[-1]", "{}",
    String(repeating: "[", count: 200_000),
  ]

  private func client() throws -> Client {
    let client = try Client()
    _ = client.text { larder_apply(client.store, Client.definitions, nil, $0, &client.error) }
    #expect(client.append([Client.rows([1, 2], [1, 2], trips: [1, 2])]) == 0)
    #expect(larder_materialize(client.store, "stats", nil, nil, &client.error) == 0)
    #expect(larder_end_writing(client.store, &client.error) == 0)
    return client
  }

  @Test func everyNumberAtItsEnds() throws {
    let client = try client()
    var (taken, refused) = (0, 0)
    for (name, call) in Self.members {
      for value in Self.values {
        client.error = larder_error()
        let code = call(client, #"{""# + name + #"": "# + value + "}")
        if code == 0 {
          taken += 1
          continue
        }
        refused += 1
        // Of what an option cannot be the message says which; a commit may not be there, a budget
        // not suffice.
        let isKnown = [1, 2, 4, 7, 8].contains(code)
        #expect(isKnown, "\(name) \(value.prefix(40)): \(code) \(client.message)")
      }
    }
    #expect(taken > 60 && refused > 250, "\(taken) taken, \(refused) refused")
    let report = client.text { larder_verify(client.store, #"{"deep": true}"#, $0, &client.error) }
    #expect(report?.contains("\"findings\":[]") == true)
  }

  /// The table above names every number that the code asks options for.
  @Test func noNumberIsForgotten() throws {
    let folder = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Sources/LarderABI")
    var found: Set<String> = []
    for file in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
      guard file.hasSuffix(".swift") else { continue }
      let text = try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
      for match in text.matches(of: /\.(?:count|counts|duration)\("(\w+)"/) {
        found.insert(String(match.output.1))
      }
    }
    let named = Set(Self.members.map(\.name))
    #expect(found == named, "\(found.symmetricDifference(named))")
  }

  /// Numbers that are arguments.
  @Test(arguments: [999, 1 << 32, 1 << 63, .max - 1, .max])
  func commitsThatAreNot(_ commit: UInt64) throws {
    let client = try client()
    var past: OpaquePointer?
    #expect(larder_snapshot(client.store, commit, &past, &client.error) == 4)
    #expect(larder_rollback(client.store, commit, nil, nil, &client.error) == 4)
  }

  /// Schemas that nest deep, of every kind that nests.
  @Test(arguments: ["+l", "+L", "+s", "+w:1", "dictionary"], [63, 64, 65, 300])
  func schemasThatNestDeep(_ kind: String, _ depth: Int) throws {
    let client = try client()
    var column = Foreign("l", length: 1, name: "x", [nil, Foreign.bytes([Int64(1)])])
    for _ in 0..<depth {
      switch kind {
      case "dictionary":
        column = Foreign(
          "i", length: 1, name: "x", [nil, Foreign.bytes([Int32(0)])], dictionary: [column])
      case "+l", "+L":
        let ends = kind == "+l" ? Foreign.bytes([Int32(0), 1]) : Foreign.bytes([Int64(0), 1])
        column = Foreign(kind, length: 1, name: "x", [nil, ends], children: [column])
      default: column = Foreign(kind, length: 1, name: "x", [nil], children: [column])
      }
    }
    let keys = Foreign("l", length: 1, name: "driver_id", [nil, Foreign.bytes([Int64(1)])])
    let time = Foreign(
      "tss:UTC", length: 1, name: "event_timestamp", [nil, Foreign.bytes([Int64(9)])])
    let code = client.append([Foreign.batch([keys, time, column])])
    #expect([1, 2, 8, 20].contains(code), "\(code) \(client.message)")
  }
}
