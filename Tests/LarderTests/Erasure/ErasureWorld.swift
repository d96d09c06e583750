import Larder
import LarderColumns
import LarderContract
import TestSupport
import Testing

/// A store with entities of which a third is marked: their ids, texts and floats occur nowhere else.
struct ErasureWorld {
  let seed: UInt64
  static let count = 1_500
  static let commits = 9

  static let person = Entity("person", joinKeys: [.string("person_id")])
  static let device = Entity("device", joinKeys: [.int64("device_id")])
  static let shop = Entity("shop", joinKeys: [.int64("shop_id")])

  /// A view of a few rows for small tests.
  static let small = FeatureView(
    "small", entities: [person], features: [Field("value", .int64)])

  static let features = [
    Field("note", .string), Field("score", .float64), Field("level", .float32),
    Field("words", .list(.string)), Field("hits", .int64),
  ]
  static let views = [
    FeatureView("people", entities: [person], features: features, createdTimestamp: "created"),
    FeatureView("visits", entities: [person, shop], features: features),
    FeatureView("devices", entities: [device], features: features),
    FeatureView("repairs", entities: [device, shop], features: features),
  ]

  static func isMarked(_ index: Int) -> Bool { index % 3 == 0 }
  static func personID(_ index: Int) -> String {
    isMarked(index) ? "MARKED-person-\(index)" : "person-\(index)"
  }
  static func deviceID(_ index: Int) -> Int64 {
    isMarked(index) ? 0x5EC2_E7A1_0000_0000 + Int64(index) : Int64(index)
  }
  static func note(_ index: Int, _ commit: Int) -> String {
    isMarked(index) ? "MARKED-note-\(index % 7)" : "note-\(commit)"
  }
  /// Marked floats are the greatest of all, so that a bound that stayed would show.
  static func score(_ index: Int, _ commit: Int) -> Double {
    isMarked(index) ? 9.0e12 + Double(index) / 8 : Double(index + commit) / 4
  }

  /// Rows of all entities, some more than once; every commit has late ones.
  func batch(_ view: FeatureView, _ commit: Int) throws -> RecordBatch {
    var random = SeededRandom(seed: seed &+ UInt64(commit))
    var rows: [Int] = []
    for index in 0..<Self.count where commit == 0 || random.chance(0.3) { rows.append(index) }
    let events = rows.map { _ in Int64(random.int(0...(commit * 20 + 30))) * 1_000_000 }
    var lists = ColumnBuilder(.list(.string))
    for row in rows { try lists.append(.list([.string(Self.note(row, commit)), .null])) }
    var columns: [(String, Column)] = []
    for key in view.joinKeys.map(\.name) {
      switch key {
      case "person_id": columns.append((key, try .string(rows.map(Self.personID))))
      case "device_id": columns.append((key, .int64(rows.map(Self.deviceID))))
      default: columns.append((key, .int64(rows.map { Int64($0 % 5) })))
      }
    }
    columns.append(("event_timestamp", .timestamp(events)))
    if view.createdTimestamp != nil { columns.append(("created", .timestamp(events))) }
    columns.append(("note", try .string(rows.map { Self.note($0, commit) })))
    columns.append(("score", .float64(rows.map { Self.score($0, commit) })))
    columns.append(("level", .float32(rows.map { Float(Self.score($0, commit)) })))
    columns.append(("words", lists.finish()))
    columns.append(("hits", .int64(rows.map { Self.isMarked($0) ? 0x5EC2_E7A1_1111 : Int64($0) })))
    return try RecordBatch(
      schema: Schema(columns.map { ColumnField($0.0, $0.1.type) }), columns: columns.map(\.1))
  }

  /// Appends, merges, replacements, a dropped feature, a dropped view, online tables and pushes.
  func build(at path: String) throws -> FeatureStore {
    let store = try FeatureStore(
      at: path, access: .create,
      options: StoreOptions(fold: .off, onlineDurability: .process))
    try store.apply(
      Definitions(
        entities: [Self.person, Self.device, Self.shop],
        featureViews: Self.views + [
          FeatureView("gone", entities: [Self.person], features: Self.features)
        ]))
    for commit in 0..<Self.commits {
      for view in Self.views { try store.append(try batch(view, commit), to: view.name) }
      if commit == 3 {
        try store.append(
          try batch(FeatureView("gone", entities: [Self.person], features: Self.features), 1),
          to: "gone")
        for view in Self.views { try store.materialize(view.name) }
      }
      if commit == 5 { try store.drop(view: "gone") }
    }
    try store.replace(
      [try batch(Self.views[2], 0)], in: "devices", from: Timestamp(seconds: 0),
      through: Timestamp(seconds: 30))
    try store.fold()
    for view in Self.views { try store.materialize(view.name) }
    // Keys that only the online table has.
    try store.online("people").write(
      try RecordBatch([
        "person_id": .string([Self.personID(0), Self.personID(3), "MARKED-person-online"]),
        "event_timestamp": .timestamp([5, 900_000_000_000, 7]),
        "created": .timestamp([5, 6, 7]),
        "note": .string(["MARKED-pushed", "MARKED-x", "MARKED-y"]),
      ]))
    return store
  }

  func markedPeople() throws -> RecordBatch {
    let marked = (0..<Self.count).filter(Self.isMarked).map(Self.personID)
    return try RecordBatch(["person_id": .string(marked + ["MARKED-person-online"])])
  }

  func markedDevices() throws -> RecordBatch {
    try RecordBatch([
      "device_id": .int64((0..<Self.count).filter(Self.isMarked).map(Self.deviceID))
    ])
  }

  /// All others are still there, in history and online.
  func expectTheOthers(in store: FeatureStore) throws {
    for view in Self.views {
      let latest = try store.pullLatest(view.name).collect()
      let unmarked = (0..<Self.count).filter { !Self.isMarked($0) }
      #expect(latest.count == unmarked.count, "\(view.name)")
    }
    let keys = try RecordBatch([
      "person_id": .string([Self.personID(1), Self.personID(0), Self.personID(3)])
    ])
    let answer = try store.online("people").read(keys, features: ["score"])
    #expect(answer.statuses == [.present, .notFound, .notFound])
  }

  // MARK: Small stores

  static func rows(_ people: [Int], value: Int) throws -> RecordBatch {
    try RecordBatch([
      "person_id": .string(people.map { "somebody-\($0)" }),
      "event_timestamp": .timestamp(people.map { _ in Int64(value) * 1_000_000 }),
      "value": .int64(people.map { _ in Int64(value) }),
    ])
  }

  static func keys(_ people: [Int]) throws -> RecordBatch {
    try RecordBatch(["person_id": .string(people.map { "somebody-\($0)" })])
  }

  /// The people of all rows of a store.
  static func people(_ store: FeatureStore) throws -> [Int] {
    let rows = try store.pullAll("small").collect()
    return (0..<rows.count).compactMap { row in
      guard case .string(let text)? = rows["person_id"]?[row] else { return nil }
      return Int(text.dropFirst(9))
    }
  }
}
