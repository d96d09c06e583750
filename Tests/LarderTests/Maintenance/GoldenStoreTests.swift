import Glibc
import Larder
import LarderColumns
import LarderContract
import LarderFiles
import LarderOnline
import Testing

/// A store of the format's first version, which every later version of Larder opens.
///
/// After a change of an unreleased format, run the tests once with LARDER_WRITE_GOLDEN_STORE=1: the
/// fixture is made again, with its answers. Once the format is released, it never changes.
@Suite struct GoldenStoreTests {
  private static let folder: String = {
    let parts = #filePath.split(separator: "/").dropLast(4)
    return "/" + parts.joined(separator: "/") + "/fixtures/store-v1"
  }()

  private static let person = Entity("person", joinKeys: [.string("person_id")])
  private static let shop = Entity("shop", joinKeys: [.int64("shop_id")])
  private static let view = FeatureView(
    "people", entities: [person],
    features: [
      Field("flag", .bool), Field("small", .int32), Field("large", .int64),
      Field("single", .float32), Field("double", .float64), Field("text", .string),
      Field("raw", .bytes), Field("day", .date), Field("words", .list(.string)),
    ], timeToLive: .seconds(86_400), createdTimestamp: "created", timeUnit: .nanoseconds)
  private static let visits = FeatureView(
    "visits", entities: [person, shop], features: [Field("amount", .float64)])

  @Test func opensAndAnswersAsItDid() throws {
    if getenv("LARDER_WRITE_GOLDEN_STORE") != nil { try Self.write() }
    let store = try FeatureStore(at: Self.folder + "/my.larder", access: .readOnly)
    #expect(try store.verify(deep: true).findings.isEmpty)
    let system = POSIXFileSystem()
    for (name, text) in try Self.answers(store) {
      let file = try system.open("\(Self.folder)/\(name).txt", .read)
      let kept = try file.readExactly(Int(try file.status().bytes), at: 0)
      #expect(text == String(decoding: kept, as: UTF8.self), "\(name)")
    }
  }

  // MARK: What is asked

  private static func answers(_ store: FeatureStore) throws -> [(name: String, text: String)] {
    let spine = try RecordBatch([
      "person_id": .string(["ada", "bob", "eve", "nobody", nil, "bob"]),
      "shop_id": .int64([1, 2, 1, 1, 1, 3]),
      "event_timestamp": .timestamp([
        3_600_000_000, 3_600_000_001, 200_000_000_000, 5, 3_600_000_000, 7_200_000_000,
      ]),
    ])
    let join = try store.historicalFeatures(
      for: spine, features: ["people:*", "visits:amount"],
      options: RetrievalOptions(withEventTimes: true)
    ).collect()
    let keys = try RecordBatch(["person_id": .string(["ada", "bob", "gone", "nobody"])])
    let online = try store.online("people").read(
      keys, at: Timestamp(seconds: 7_200), includeExpired: true)
    var latest = "status, event time, features\n"
    for row in 0..<keys.count {
      let values = view.features.map { "\(online.features[$0.name]?[row] ?? .null)" }
      latest +=
        "\(online.statuses[row]), \(online.eventTimes[row]), \(values.joined(separator: ", "))\n"
    }
    return [
      ("join", text(join)), ("people", text(try store.pullAll("people").collect())),
      ("visits", text(try store.pullAll("visits").collect())), ("online", latest),
    ]
  }

  private static func text(_ batch: RecordBatch) -> String {
    var text = batch.schema.fields.map { "\($0.name) \($0.type)" }.joined(separator: ", ") + "\n"
    for row in 0..<batch.count {
      text += batch.columns.map { "\($0[row])" }.joined(separator: ", ") + "\n"
    }
    return text
  }

  // MARK: How it was made

  private static func write() throws {
    let system = POSIXFileSystem()
    if try system.status(of: folder) != nil { try FileTree.remove(folder) }
    try system.makeDirectory(folder)
    let path = folder + "/my.larder"
    do {
      let store = try FeatureStore(
        at: path, access: .create, options: StoreOptions(fold: .off))
      try store.apply(Definitions(entities: [person, shop], featureViews: [view, visits]))
      for commit in 0..<9 { try store.append(try people(commit), to: "people") }
      try store.append(try people(9), to: "people")
      try store.fold("people")
      try store.append(
        try RecordBatch([
          "person_id": .string(["ada", "bob", "gone"]), "shop_id": .int64([1, 2, 1]),
          "event_timestamp": .timestamp([1, 3_600_000_000, 2]),
          "amount": .float64([0.1, -0.0, .infinity]),
        ]), to: "visits")
      try store.materialize("people", through: Timestamp(seconds: 7_200))
      try store.erase("person", keys: try RecordBatch(["person_id": .string(["gone"])]))
      try store.onlineStore?.close()
    }
    // Derived, and of this machine.
    for name in try system.names(in: path + "/online/v1") where name.hasSuffix(".index") {
      try system.remove("\(path)/online/v1/\(name)")
    }
    let store = try FeatureStore(at: path, access: .readOnly)
    for (name, text) in try answers(store) {
      try system.open("\(folder)/\(name).txt", .create).write(Array(text.utf8), at: 0)
    }
  }

  private static func people(_ commit: Int) throws -> RecordBatch {
    let names = ["ada", "bob", "gone", "ada"]
    let base = Int64(commit) * 400_000_000_000
    var words = ColumnBuilder(.list(.string))
    for row in 0..<4 {
      if row == 1 {
        words.appendNull()
      } else {
        try words.append(.list([.string("w\(row)"), .null, .string("")]))
      }
    }
    var raw = ColumnBuilder(.bytes)
    for row in 0..<4 { try raw.append(bytes: [UInt8(row), 0, 255]) }
    let events = (0..<4).map { base + Int64($0) }
    let created = [base + 7, base + 7, nil, base + 7]
    return try RecordBatch([
      "person_id": .string(names), "event_timestamp": .timestamp(events, unit: .nanoseconds),
      "created": .timestamp(created, unit: .nanoseconds), "flag": .bool([true, false, nil, true]),
      "small": .int32([1, nil, -3, .max]), "large": .int64([.min, 2, nil, Int64(commit)]),
      "single": .float32([0.1, .nan, nil, -0.0]), "double": .float64([1e300, 0.1, 2.5, nil]),
      "text": .string(["", "é", nil, "x\(commit)"]), "raw": raw.finish(),
      "day": .date((0..<4).map { Int32($0 * 1_000 - commit) }),
      "words": words.finish(),
    ])
  }
}

/// A directory and everything in it.
private enum FileTree {
  static func remove(_ path: String) throws {
    let system = POSIXFileSystem()
    for name in try system.names(in: path) {
      let inner = path + "/" + name
      if try system.status(of: inner)?.kind == .directory {
        try remove(inner)
      } else {
        try system.remove(inner)
      }
    }
    try system.removeDirectory(path)
  }
}
