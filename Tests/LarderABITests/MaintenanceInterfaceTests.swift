import CLarder
import Foundation
import LarderABI
import LarderColumns
import TestSupport
import Testing

/// Snapshots, retention, erasure and copies as a C program sees them.
@Suite struct MaintenanceInterfaceTests {
  typealias Client = InterfaceTests.Client

  private func code(_ code: larder_code) -> Int32 { Int32(bitPattern: code.rawValue) }

  /// A client with the view and one commit of two drivers.
  private func client() throws -> Client {
    let client = try Client()
    try #require(larder_apply(client.store, Client.definitions, nil, nil, &client.error) == 0)
    try #require(client.append([Client.rows([1, 2], [100, 100], trips: [10, 20])]) == 0)
    return client
  }

  /// How many rows of history a store shows.
  private func rows(_ client: Client, of store: OpaquePointer? = nil) throws -> Int {
    let info = client.text { larder_info(store ?? client.store, $0, &client.error) }
    return try number("rows", in: info)
  }

  /// The first number of a name in JSON.
  private func number(_ name: String, in json: String?) throws -> Int {
    let json = try #require(json)
    let place = try #require(json.range(of: "\"\(name)\":"), "\(json)")
    return try #require(Int(json[place.upperBound...].prefix { $0.isNumber }), "\(json)")
  }

  @Test func tagsKeepAndRollbackRestores() throws {
    let client = try client()
    let tagged = client.text { larder_tag(client.store, "gold", nil, $0, &client.error) }
    let first = try number("commit", in: tagged)
    #expect(client.append([Client.rows([3], [100], trips: [30])]) == 0)
    #expect(try rows(client) == 3)
    let list = client.text { larder_snapshots(client.store, $0, &client.error) }
    #expect(list?.contains("\"tags\":[\"gold\"]") == true)
    var past: OpaquePointer?
    #expect(larder_snapshot_tagged(client.store, "gold", &past, &client.error) == 0)
    #expect(try rows(client, of: past) == 2)
    larder_close(past)
    past = nil
    #expect(
      larder_snapshot_tagged(client.store, "golf", &past, &client.error) == code(LARDER_NOT_FOUND))
    #expect(client.message.contains("gold"))
    #expect(past == nil)
    let number = UInt64(first)
    let plan = client.text {
      larder_rollback(client.store, number, "{\"dryRun\": true}", $0, &client.error)
    }
    #expect(plan?.contains("\"commit\":null") == true)
    #expect(plan?.contains("\"rowsBefore\":3,\"rowsAfter\":2") == true)
    #expect(try rows(client) == 3)
    #expect(larder_rollback(client.store, number, nil, nil, &client.error) == 0)
    #expect(try rows(client) == 2)
    #expect(larder_remove_tag(client.store, "gold", &client.error) == 0)
    #expect(larder_remove_tag(client.store, "gold", &client.error) == code(LARDER_NOT_FOUND))
    let at = "{\"commit\": \(first)}"
    #expect(larder_tag(client.store, "again", at, nil, &client.error) == 0)
    // A number, a tag and a time name a commit alike.
    let list2 = client.text { larder_snapshots(client.store, $0, &client.error) }
    let newest = try #require(list2?.components(separatedBy: "\"commit\":").last)
    let time = try #require(
      newest.components(separatedBy: "\"time\":\"").last?.prefix { $0 != "\"" })
    let head = try #require(Int(newest.prefix { $0.isNumber }))
    for (name, number) in [("\(first)", first), ("again", first), (String(time), head)] {
      let found = client.text { larder_find_commit(client.store, name, $0, &client.error) }
      #expect(try self.number("commit", in: found) == number, "\(name)")
      let given = "{\"commit\": \"\(name)\"}"
      let tagged = client.text { larder_tag(client.store, "third", given, $0, &client.error) }
      #expect(try self.number("commit", in: tagged) == number, "\(name)")
    }
    for wrong in ["agian", "1969-01-01", "99999", ""] {
      #expect(
        larder_find_commit(client.store, wrong, nil, &client.error) == code(LARDER_NOT_FOUND))
    }
    #expect(
      larder_tag(client.store, "12", nil, nil, &client.error) == code(LARDER_INVALID_ARGUMENT))
  }

  @Test func oldRowsExpireAndTheirSpaceComesBack() throws {
    let client = try client()
    #expect(client.append([Client.rows([1, 2], [900_000, 900_001], trips: [1, 2])]) == 0)
    #expect(
      larder_expire(client.store, "stats", nil, nil, &client.error)
        == code(LARDER_INVALID_ARGUMENT))
    let options = "{\"olderThan\": \"1d\", \"dryRun\": true}"
    let plan = client.text { larder_expire(client.store, "stats", options, $0, &client.error) }
    #expect(try number("rows", in: plan) == 2)
    #expect(try rows(client) == 4)
    let made = client.text {
      larder_expire(client.store, "stats", "{\"olderThan\": 86400}", $0, &client.error)
    }
    #expect(try number("rowsLeft", in: made) == 2)
    #expect(try rows(client) == 2)
    let freed = client.text { larder_vacuum(client.store, nil, $0, &client.error) }
    #expect(try number("filesRemoved", in: freed) > 0)
    let again = client.text {
      larder_vacuum(client.store, "{\"keep\": \"1h\"}", $0, &client.error)
    }
    #expect(try number("filesRemoved", in: again) == 0)
  }

  @Test func aCopyIsAStoreOfItsOwn() throws {
    let client = try client()
    let path = client.directory.path + "/copy"
    let made = client.text { larder_backup(client.store, path, $0, &client.error) }
    #expect(try number("rows", in: made) == 2)
    #expect(larder_backup(client.store, path, nil, &client.error) == code(LARDER_ALREADY_EXISTS))
    #expect(client.append([Client.rows([3], [100], trips: [30])]) == 0)
    var copy: OpaquePointer?
    #expect(larder_open(path, "{\"access\": \"readOnly\"}", &copy, &client.error) == 0)
    #expect(try rows(client, of: copy) == 2)
    let checked = client.text { larder_verify(copy, "{\"deep\": true}", $0, &client.error) }
    #expect(checked?.contains("\"findings\":[]") == true)
    larder_close(copy)
    let repaired = client.text { larder_repair(client.store, nil, $0, &client.error) }
    #expect(repaired?.contains("\"findings\":[]") == true)
  }

  @Test func whoIsForgottenIsGoneWithACertificate() throws {
    let client = try client()
    let keys = Foreign.batch([
      Foreign("l", length: 2, name: "driver_id", [nil, Foreign.bytes([Int64(1), 77])])
    ])
    var schema = keys.makeSchema(client.log)
    defer { schema.release(&schema) }
    var array = keys.makeArray(client.log)
    let released = client.log.arrays
    #expect(
      larder_forget(client.store, "diver", nil, &schema, &array, nil, &client.error)
        == code(LARDER_NOT_FOUND))
    #expect(client.message.contains("driver"))
    #expect(array.release == nil && client.log.arrays == released + 1)
    array = keys.makeArray(client.log)
    let plan = client.text {
      larder_forget(
        client.store, "driver", "{\"dryRun\": true}", &schema, &array, $0, &client.error)
    }
    #expect(plan?.contains("\"complete\":false") == true)
    #expect(try rows(client) == 2)
    array = keys.makeArray(client.log)
    let certificate = client.text {
      larder_forget(
        client.store, "driver", "{\"timeout\": 1}", &schema, &array, $0, &client.error)
    }
    #expect(try number("requested", in: certificate) == 2)
    #expect(try number("count", in: certificate) == 1)
    #expect(certificate?.contains("\"complete\":true") == true)
    #expect(certificate?.contains("\"removed\":true") == true)
    #expect(try rows(client) == 1)
    let rest = client.text { larder_finish_erasures(client.store, nil, $0, &client.error) }
    #expect(rest == "null")
    let earlier = client.text {
      larder_finish_erasures(client.store, "{\"patience\": 1}", $0, &client.error)
    }
    #expect(earlier == nil)
    #expect(client.message.contains("\"patience\" of the options is called \"timeout\" now"))
    #expect(client.append([Client.rows([1], [100], trips: [11])]) == 0)
    #expect(try rows(client) == 2)
  }

  @Test func filesAreReadByTheEngine() throws {
    let client = try client()
    let path = client.directory.path + "/rows.csv"
    try "id,event_timestamp,trips,more\n5,1970-01-02T00:00:00Z,50,x\n6,1970-01-02T00:00:00Z,60,y\n"
      .write(toFile: path, atomically: true, encoding: .utf8)
    let options = "{\"paths\": [\"\(path)\"], \"columns\": {\"driver_id\": \"id\"}}"
    let added = client.text {
      larder_import_files(client.store, "stats", options, $0, &client.error)
    }
    #expect(try number("rows", in: added) == 2)
    #expect(try rows(client) == 4)
    let replacing = String(options.dropLast()) + ", \"replace\": true}"
    #expect(larder_import_files(client.store, "stats", replacing, nil, &client.error) == 0)
    #expect(try rows(client) == 2)
    try "id,event_timestamp,trips\n7,1970-01-02T00:00:00Z,70\n8,,80\n"
      .write(toFile: path, atomically: true, encoding: .utf8)
    #expect(
      larder_import_files(client.store, "stats", replacing, nil, &client.error)
        == code(LARDER_INVALID_INPUT))
    #expect(client.column == "event_timestamp" && client.message.contains("rows.csv"))
    #expect(try rows(client) == 2)
    #expect(
      larder_import_files(client.store, "stats", "{}", nil, &client.error)
        == code(LARDER_INVALID_ARGUMENT))
    #expect(
      larder_import_files(
        client.store, "stats", "{\"paths\": [\"/nowhere.csv\"]}", nil, &client.error)
        == code(LARDER_NOT_FOUND))
  }
}
