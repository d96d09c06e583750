import CLarder
import Larder
import LarderABI
import LarderColumns
import LarderContract
import LarderInterchange
import TestSupport
import Testing

/// The interface as a C program sees it.
@Suite struct InterfaceTests {
  /// An open store and the error of the last call.
  final class Client {
    let directory: TemporaryDirectory
    var store: OpaquePointer?
    var error = larder_error()
    let log = ReleaseLog()

    init(_ options: String? = nil) throws {
      directory = try TemporaryDirectory()
      let code = larder_open(directory.path + "/store", options, &store, &error)
      #expect(code == 0, "\(message)")
    }

    deinit { larder_close(store) }

    /// The words of the last failure.
    var message: String {
      withUnsafeBytes(of: &error) { bytes in
        String(decoding: bytes[272...].prefix { $0 != 0 }, as: UTF8.self)
      }
    }
    var column: String {
      withUnsafeBytes(of: &error) { bytes in
        String(decoding: bytes[16..<272].prefix { $0 != 0 }, as: UTF8.self)
      }
    }

    static let definitions = """
      {"entities": [{"name": "driver", "joinKeys": [{"name": "driver_id", "type": "int64"}]}],
       "featureViews": [{"name": "stats", "entities": ["driver"], "timeToLive": "1d",
         "features": [{"name": "trips", "type": "int64"}, {"name": "city", "type": "string"}]}]}
      """

    /// Calls what hands out text, and takes it.
    func text(_ call: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32) -> String? {
      var place: UnsafeMutablePointer<CChar>?
      guard call(&place) == 0, let place else { return nil }
      defer { larder_text_free(place) }
      return String(cString: place)
    }

    /// Drivers with their times in seconds, trips and no city.
    static func rows(_ drivers: [Int64], _ times: [Int64], trips: [Int64]?) -> Foreign {
      var columns = [
        Foreign("l", length: drivers.count, name: "driver_id", [nil, Foreign.bytes(drivers)]),
        Foreign(
          "tss:UTC", length: times.count, name: "event_timestamp", [nil, Foreign.bytes(times)]),
      ]
      if let trips {
        columns.append(
          Foreign("l", length: trips.count, name: "trips", [nil, Foreign.bytes(trips)]))
      }
      return Foreign.batch(columns)
    }

    func append(_ batches: [Foreign]) -> Int32 {
      var stream = ForeignStream(batches, log: log).make()
      return larder_append(store, "stats", &stream, nil, &error)
    }

    /// Asks for features of a spine of one column set.
    func ask(_ spine: Foreign, _ query: String) -> OpaquePointer? {
      var stream = ForeignStream([spine], log: log).make()
      var job: OpaquePointer?
      let code = larder_historical_features(store, &stream, query, &job, &error)
      return code == 0 ? job : nil
    }

    func collect(_ job: OpaquePointer?) throws -> RecordBatch {
      var (schema, array) = (ArrowSchema(), ArrowArray())
      let code = larder_job_collect(job, &schema, &array, &error)
      try #require(code == 0, "\(message)")
      defer { schema.release(&schema) }
      return try importArrow(moving: &array, schema: &schema)
    }
  }

  private func code(_ code: larder_code) -> Int32 { Int32(bitPattern: code.rawValue) }

  @Test func codesAreThoseOfTheEngine() {
    let codes: [(larder_code, LarderError.Code)] = [
      (LARDER_INVALID_ARGUMENT, .invalidArgument), (LARDER_INVALID_INPUT, .invalidInput),
      (LARDER_INCOMPATIBLE_DEFINITION, .incompatibleDefinition), (LARDER_NOT_FOUND, .notFound),
      (LARDER_CORRUPT, .corrupt), (LARDER_UNSUPPORTED_VERSION, .unsupportedVersion),
      (LARDER_LOCKED, .locked), (LARDER_LIMIT_EXCEEDED, .limitExceeded), (LARDER_IO, .io),
      (LARDER_NO_SPACE, .noSpace), (LARDER_PERMISSION_DENIED, .permissionDenied),
      (LARDER_READ_ONLY, .readOnly), (LARDER_OUTCOME_UNKNOWN, .outcomeUnknown),
      (LARDER_POISONED, .poisoned), (LARDER_CANCELLED, .cancelled), (LARDER_FORKED, .forked),
      (LARDER_CLOSED, .closed), (LARDER_NOT_A_STORE, .notAStore),
      (LARDER_ALREADY_EXISTS, .alreadyExists), (LARDER_UNSUPPORTED, .unsupported),
      (LARDER_CONFLICT, .conflict),
    ]
    #expect(codes.count == LarderError.Code.allCases.count)
    for (c, swift) in codes {
      #expect(Int32(bitPattern: c.rawValue) == swift.rawValue)
      #expect(String(cString: larder_code_name(swift.rawValue)) == swift.outcome.pythonException)
    }
    #expect(larder_code_name(0) == nil)
    #expect(larder_code_name(999) == nil)
    #expect(MemoryLayout<larder_error>.size == 2_320)
  }

  @Test func historyGoesInAndAnswersComeOut() throws {
    let client = try Client()
    let changes = client.text {
      larder_apply(client.store, Client.definitions, nil, $0, &client.error)
    }
    #expect(changes?.contains("\"kind\":\"addedView\"") == true)
    let again = client.text {
      larder_apply(client.store, Client.definitions, nil, $0, &client.error)
    }
    #expect(again == "[]")
    #expect(
      client.append([
        Client.rows([1, 2], [100, 100], trips: [10, 20]),
        Client.rows([1], [200], trips: [11]),
      ]) == 0)
    #expect(client.log.streams == 1 && client.log.arrays == 2 && client.log.schemas == 1)
    let job = client.ask(
      Client.rows([2, 1, 1, 9, 1], [150, 250, 150, 150, 99], trips: nil),
      "{\"features\": [\"stats:*\"], \"withStatus\": true, \"withEventTimes\": true}")
    try #require(job != nil, "\(client.message)")
    let plan = client.text { larder_job_explain(job, $0, &client.error) }
    #expect(plan?.contains("stats") == true)
    let answer = try client.collect(job)
    #expect(
      answer.schema.fields.map(\.name) == [
        "driver_id", "event_timestamp", "trips", "city", "stats__event_timestamp",
        "stats__status",
      ])
    let trips = (0..<5).map { answer.columns[2][$0] }
    #expect(trips == [.int64(20), .int64(11), .int64(10), .null, .null])
    let statuses = (0..<5).map { answer.columns[5][$0] }
    #expect(
      statuses == [
        .string("present"), .string("present"), .string("present"), .string("noEntity"),
        .string("onlyLater"),
      ])
    let report = client.text { larder_job_report(job, $0, &client.error) }
    #expect(report?.contains("\"matchedRows\":3") == true)
    larder_job_free(job)
    #expect(client.log.streams == 2 && client.log.arrays == 2, "the answer holds the spine's rows")
    _ = consume answer
    #expect(client.log.arrays == 3)
    let info = client.text { larder_info(client.store, $0, &client.error) }
    #expect(info?.contains("\"rows\":3") == true)
    let checked = client.text { larder_verify(client.store, nil, $0, &client.error) }
    #expect(checked?.contains("\"findings\":[]") == true)
  }

  @Test func streamsGiveBatchesInOrderAndMayBeLeft() throws {
    let client = try Client()
    #expect(larder_apply(client.store, Client.definitions, nil, nil, &client.error) == 0)
    #expect(client.append([Client.rows([1], [100], trips: [10])]) == 0)
    let rows = 200_000
    let spine = Client.rows(
      [Int64](repeating: 1, count: rows), (0..<rows).map { Int64($0 % 200) }, trips: nil)
    for batches in [Int.max, 1, 0] {
      let job = client.ask(spine, "{\"features\": [\"stats:trips\"]}")
      var stream = ArrowArrayStream()
      #expect(larder_job_stream(job, &stream, &client.error) == 0)
      larder_job_free(job)
      let reader = try ArrowStreamReader(moving: &stream)
      var seen = 0
      var taken = 0
      while taken < batches, let batch = try reader.nextBatch() {
        #expect(batch.columns[2][0] == (seen % 200 >= 100 ? .int64(10) : .null))
        seen += batch.count
        taken += 1
      }
      if batches == .max {
        #expect(seen == rows)
        #expect(try reader.nextBatch() == nil)
      }
    }
    let job = client.ask(spine, "{\"features\": [\"stats:trips\"]}")
    larder_job_cancel(job)
    var (schema, array) = (ArrowSchema(), ArrowArray())
    #expect(
      larder_job_collect(job, &schema, &array, &client.error)
        == Int32(bitPattern: LARDER_CANCELLED.rawValue))
    #expect(array.release == nil)
    larder_job_free(job)
  }

  @Test func failuresSayWhere() throws {
    let client = try Client()
    #expect(larder_apply(client.store, Client.definitions, nil, nil, &client.error) == 0)
    // The second batch holds the bad row: nothing of the first is kept.
    var bad = Client.rows([5, 6], [100, 101], trips: nil)
    bad.children[1].nulls = 1
    bad.children[1].buffers[0] = [0b01]
    #expect(
      client.append([Client.rows([1, 2, 3], [1, 2, 3], trips: nil), bad])
        == code(LARDER_INVALID_INPUT))
    #expect(client.error.row == 4)
    #expect(client.column == "event_timestamp")
    #expect(client.message.contains("event_timestamp"))
    #expect(client.log.arrays == 2 && client.log.streams == 1)
    let info = client.text { larder_info(client.store, $0, &client.error) }
    #expect(info?.contains("\"rows\":0") == true)
    var stream = ForeignStream([bad], log: client.log).make()
    #expect(
      larder_append(client.store, "stast", &stream, nil, &client.error) == code(LARDER_NOT_FOUND))
    #expect(client.message.contains("stats"))
    #expect(stream.release == nil && client.log.streams == 2)
    var second: OpaquePointer?
    #expect(
      larder_open(
        client.directory.path + "/none", "{\"access\": \"readOnly\"}", &second,
        &client.error) == code(LARDER_NOT_FOUND))
    #expect(
      larder_open(client.directory.path, "{\"acess\": \"readOnly\"}", &second, &client.error)
        == code(LARDER_INVALID_ARGUMENT))
    #expect(client.message.contains("access"))
    #expect(larder_open(nil, nil, &second, nil) == code(LARDER_INVALID_ARGUMENT))
    #expect(
      larder_apply(client.store, "{\"views\": []}", nil, nil, &client.error)
        == code(LARDER_INVALID_INPUT))
    #expect(client.ask(bad, "{\"features\": [\"stats:nope\"]}") == nil)
    #expect(client.error.code == code(LARDER_NOT_FOUND))
    #expect(second == nil)
  }

  @Test func theLatestValuesAreRead() throws {
    let client = try Client()
    #expect(larder_apply(client.store, Client.definitions, nil, nil, &client.error) == 0)
    let now = Timestamp.now.floor(in: .seconds)
    #expect(client.append([Client.rows([1, 2], [now - 9, now - 90_000], trips: [10, 20])]) == 0)
    let report = client.text {
      larder_materialize(client.store, "stats", nil, $0, &client.error)
    }
    #expect(report?.contains("\"rows\":2") == true, "\(client.message)")
    var written: Int64 = -1
    var stream = ForeignStream(
      [Client.rows([3], [now - 8], trips: [30])], log: client.log
    ).make()
    #expect(
      larder_write_online(client.store, "stats", &stream, &written, &client.error) == 0,
      "\(client.message)")
    #expect(written == 1)
    let keys = Foreign.batch([
      Foreign("i", length: 5, name: "driver_id", [nil, Foreign.bytes([Int32(3), 9, 2, 1, 3])])
    ])
    var (keyArray, keySchema) = (keys.makeArray(client.log), keys.makeSchema(client.log))
    var (schema, array) = (ArrowSchema(), ArrowArray())
    let code = larder_read_online(
      client.store, "{\"features\": [\"stats:trips\"]}", &keySchema, &keyArray, &schema, &array,
      &client.error)
    try #require(code == 0, "\(client.message)")
    #expect(keyArray.release == nil)
    keySchema.release(&keySchema)
    let answer = try importArrow(moving: &array, schema: &schema)
    schema.release(&schema)
    #expect(
      answer.schema.fields.map(\.name) == ["trips", "stats__event_timestamp", "stats__status"])
    #expect(
      (0..<5).map { answer.columns[0][$0] } == [.int64(30), .null, .null, .int64(10), .int64(30)])
    #expect(
      (0..<5).map { answer.columns[2][$0] } == [
        .string("present"), .string("notFound"), .string("outsideMaxAge"), .string("present"),
        .string("present"),
      ])
  }

  @Test func messagesAreNotMadeOfWhatHoldsNone() throws {
    let client = try Client()
    #expect(larder_apply(client.store, Client.definitions, nil, nil, &client.error) == 0)
    let now = Timestamp.now.floor(in: .seconds)
    #expect(client.append([Client.rows([1], [now - 9], trips: [10])]) == 0)
    _ = client.text { larder_materialize(client.store, "stats", nil, $0, &client.error) }
    func ask(_ field: Int) -> Int32 {
      let keys = Foreign.batch([
        Foreign("i", length: 1, name: "driver_id", [nil, Foreign.bytes([Int32(1)])])
      ])
      var (keyArray, keySchema) = (keys.makeArray(client.log), keys.makeSchema(client.log))
      defer { keySchema.release(&keySchema) }
      var messages: UnsafeMutablePointer<CChar>?
      var length: Int64 = 0
      let query = "{\"features\": [\"stats:trips\"], \"valueFields\": [\(field)]}"
      let code = larder_read_online_messages(
        client.store, query, &keySchema, &keyArray, &messages, &length, &client.error)
      larder_text_free(messages)
      return code
    }
    #expect(ask(4) == 0, "\(client.message)")
    #expect(ask(0) == code(LARDER_INVALID_ARGUMENT))
    #expect(client.message.contains("stats:trips"), "\(client.message)")
    #expect(ask(1 << 29 - 1) == 0, "\(client.message)")
    #expect(ask(1 << 29) == code(LARDER_INVALID_ARGUMENT))
  }
}
