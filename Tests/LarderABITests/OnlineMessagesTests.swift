import CLarder
import Larder
import LarderABI
import LarderColumns
import LarderContract
import TestSupport
import Testing

/// The latest values as Feast's messages, and writers that take turns.
@Suite struct OnlineMessagesTests {
  typealias Client = InterfaceTests.Client

  /// A store with driver 1 at ten seconds ago, and that time.
  static func written() throws -> (Client, Int64) {
    let client = try Client("{\"lockTimeout\": 0.2}")
    try #require(larder_apply(client.store, Client.definitions, nil, nil, &client.error) == 0)
    let time = Timestamp.now.floor(in: .seconds) - 10
    #expect(client.append([Client.rows([1], [time], trips: [300])]) == 0)
    let report = client.text {
      larder_materialize(client.store, "stats", nil, $0, &client.error)
    }
    try #require(report != nil, "\(client.message)")
    return (client, time)
  }

  /// Asks for messages of some keys.
  static func ask(
    _ client: Client, _ drivers: [Int64], _ query: String
  ) -> (code: Int32, bytes: [UInt8]) {
    let keys = Foreign.batch([
      Foreign("l", length: drivers.count, name: "driver_id", [nil, Foreign.bytes(drivers)])
    ])
    var (array, schema) = (keys.makeArray(client.log), keys.makeSchema(client.log))
    defer { schema.release(&schema) }
    var place: UnsafeMutablePointer<CChar>?
    var length: Int64 = -1
    let code = larder_read_online_messages(
      client.store, query, &schema, &array, &place, &length, &client.error)
    #expect(array.release == nil)
    guard code == 0, let place else { return (code, []) }
    defer { larder_text_free(place) }
    let bytes = UnsafeRawBufferPointer(start: place, count: Int(length))
    return (code, Array(bytes))
  }

  private static func varint(_ value: Int64) -> [UInt8] {
    var (rest, bytes) = (UInt64(bitPattern: value), [UInt8]())
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }

  private static func message(_ field: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    [field << 3 | 2] + varint(Int64(bytes.count)) + bytes
  }

  @Test func aVectorForEachFeatureWithStatusesAndTimes() throws {
    let (client, time) = try Self.written()
    let query = "{\"features\": [\"stats:trips\", \"stats:city\"], \"valueFields\": [4, 2]}"
    for _ in 0..<3 {
      let (code, found) = Self.ask(client, [1, 9, 1], query)
      try #require(code == 0, "\(client.message)")
      let moment = Self.message(3, [0x08] + Self.varint(time) + [0x10, 0])
      let tail = Self.message(2, [1, 3, 1]) + moment + Self.message(3, []) + moment
      let value = Self.message(1, [4 << 3] + Self.varint(300))
      let empty = Self.message(1, [])
      let trips = value + empty + value + tail
      let city = empty + empty + empty + tail
      #expect(found == Self.message(2, trips) + Self.message(2, city))
    }
  }

  @Test func aQueryIsLookedUpAnewWhenDefinitionsChange() throws {
    let (client, _) = try Self.written()
    let query = "{\"features\": [\"stats:trips\"], \"valueFields\": [4]}"
    #expect(Self.ask(client, [1], query).code == 0)
    let without = Client.definitions.replacing(
      "{\"name\": \"trips\", \"type\": \"int64\"}, ", with: "")
    try #require(
      larder_apply(client.store, without, "{\"dropping\": true}", nil, &client.error) == 0,
      "\(client.message)")
    #expect(Self.ask(client, [1], query).code == Int32(LARDER_NOT_FOUND.rawValue))
    try #require(larder_apply(client.store, Client.definitions, nil, nil, &client.error) == 0)
    #expect(Self.ask(client, [1], query).code == 0, "\(client.message)")
  }

  @Test func whatIsWrongIsSaidAndKeysAreReleased() throws {
    let (client, _) = try Self.written()
    for (query, word) in [
      ("{\"features\": [\"stats:trips\"]}", "valueFields"),
      ("{\"features\": [\"stats:trips\"], \"valueFields\": [4, 4]}", "valueFields"),
      ("{\"features\": [\"stats:trip\"], \"valueFields\": [4]}", "trips"),
      ("{\"features\": [\"stats:trips\"], \"valueFields\": [4]", "query"),
    ] {
      let (code, _) = Self.ask(client, [1], query)
      #expect(code != 0)
      #expect(client.message.contains(word), "\(client.message)")
    }
    var place: UnsafeMutablePointer<CChar>?
    #expect(
      larder_read_online_messages(client.store, "{}", nil, nil, &place, nil, &client.error) != 0)
    #expect(place == nil)
  }

  @Test func writersTakeTurns() throws {
    let (client, time) = try Self.written()
    var second: OpaquePointer?
    try #require(
      larder_open(
        client.directory.path + "/store", "{\"lockTimeout\": 0.2}", &second, &client.error) == 0,
      "\(client.message)")
    defer { larder_close(second) }
    func write(_ store: OpaquePointer?) -> Int32 {
      var stream = ForeignStream(
        [Client.rows([2], [time + 1], trips: [20])], log: client.log
      ).make()
      return larder_write_online(store, "stats", &stream, nil, &client.error)
    }
    let locked = Int32(LARDER_LOCKED.rawValue)
    #expect(write(second) == locked)
    for _ in 0..<2 { #expect(larder_end_writing(client.store, &client.error) == 0) }
    #expect(write(second) == 0, "\(client.message)")
    #expect(write(client.store) == locked)
    #expect(larder_end_writing(second, &client.error) == 0)
    #expect(write(client.store) == 0, "\(client.message)")
    #expect(larder_end_writing(nil, &client.error) != 0)
  }
}
