import Larder
import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys
import LarderOffline
import LarderOnline
import LarderPointInTime

/// A store on a simulated machine with something of everything: merged, cold and fresh segments,
/// texts, lists, nulls, keys of one and of two columns, an erasure, tags, a key map, a timeline, and
/// online tables with deletions.
struct FuzzWorld: Sendable {
  let disk: SimulatedFileSystem
  /// Every file and what it holds, by path.
  let files: [String: [UInt8]]

  static let root = "/s"

  /// Built once; a failure to build it is a defect of the harness.
  static let shared: FuzzWorld = {
    do { return try FuzzWorld() } catch { fatalError("the world could not be built: \(error)") }
  }()

  static let stats = FeatureView(
    "stats", entities: [Entity("driver", joinKeys: [.int64("driver_id")])],
    features: [
      Field("count", .int64), Field("rate", .float32), Field("score", .float64),
      Field("ok", .bool), Field("name", .string), Field("note", .string), Field("raw", .bytes),
      Field("words", .list(.string)), Field("rare", .int32), Field("none", .float64),
      Field("steps", .int64), Field("seen", .timestamp(.nanoseconds)), Field("few", .float64),
    ], createdTimestamp: "created")
  static let pairs = FeatureView(
    "pairs",
    entities: [
      Entity("person", joinKeys: [.string("person_id")]),
      Entity("shop", joinKeys: [.int64("shop_id")]),
    ], features: [Field("sum", .int64), Field("label", .string)])
  static let features: [FeatureReference] = [
    "stats:count", "stats:rate", "stats:score", "stats:ok", "stats:name", "stats:note",
    "stats:raw", "stats:words", "stats:rare", "stats:none", "stats:steps", "stats:seen",
    "stats:few", "pairs:sum", "pairs:label",
  ]

  static let online: OnlineOptions = {
    var options = OnlineOptions(compactAt: nil, lockTimeout: .zero)
    options.firstLogFileBytes = 1 << 16
    options.largestLogFileBytes = 1 << 17
    options.preparesAhead = false
    return options
  }()

  static let stored: StoreOptions = {
    var options = StoreOptions()
    options.fold = .off
    options.threads = 1
    options.lockTimeout = .zero
    return options
  }()

  /// Opens a store as a process would.
  static func open(
    _ disk: SimulatedFileSystem, _ access: StoreAccess, start: Int64 = 1_700_000_500_000_000
  ) throws(LarderError) -> FeatureStore {
    let history = try SegmentOfflineStore(
      at: root, access: access, host: disk.host(start: start), options: stored)
    return FeatureStore(offline: history, online: try history.makeOnlineStore(online))
  }

  /// A machine of its own that starts with these files changed and some gone, after a reboot.
  func machine(
    _ changes: [String: [UInt8]], without removed: [String] = []
  ) throws(LarderError) -> SimulatedFileSystem {
    let machine = disk.crash(seed: 3, .everything)
    for path in removed { try machine.remove(path) }
    for (path, bytes) in changes {
      if bytes.count < files[path]?.count ?? 0 {
        try machine.remove(path)
        try machine.open(path, .create).write(bytes, at: 0)
      } else {
        // The same inode, by which indexes and the manifest know their files.
        try machine.open(path, .update).write(bytes, at: 0)
      }
    }
    return machine
  }

  /// The files whose paths fit, in order.
  func paths(_ isWanted: (String) -> Bool) -> [String] { files.keys.filter(isWanted).sorted() }

  // MARK: Building

  init() throws {
    let disk = SimulatedFileSystem(seed: 99)
    let store = try Self.open(disk, .create, start: 1_700_000_000_000_000)
    try store.apply(
      Definitions(
        entities: Self.stats.entities + Self.pairs.entities,
        featureViews: [Self.stats, Self.pairs]))
    for commit in 0..<3 {
      try store.append(try Self.statsRows(900, commit), to: "stats")
      try store.append(try Self.pairRows(60, commit), to: "pairs")
    }
    try store.tag("early")
    try store.compact(["stats"], CompactionOptions(partitions: ["all"]))
    for commit in 3..<5 { try store.append(try Self.statsRows(150, commit), to: "stats") }
    try store.compact(["pairs"], CompactionOptions(partitions: ["all"], isCold: true))
    try store.append(try Self.statsRows(1_200, 5), to: "stats")
    try store.materialize("stats")
    try store.materialize("pairs")
    try store.erase("driver", keys: try RecordBatch(["driver_id": .int64([7])]))
    try store.online("stats").write(
      try RecordBatch([
        "driver_id": .int64([1, 2, 900]), "event_timestamp": .timestamp([9, 9_000_000_000, 4]),
        "count": .int64([5, nil, 6]), "name": .string(["pushed", nil, "x"]),
      ]))
    let tables = try Self.tables(of: store)
    try tables.delete(
      try RecordBatch(["driver_id": .int64([3])]), from: Self.stats,
      at: Timestamp(seconds: 9_000))
    try tables.close()
    try Self.derive(disk)
    self.disk = disk
    var files: [String: [UInt8]] = [:]
    for path in disk.paths { files[path] = disk.contents(of: path) }
    self.files = files
  }

  /// Makes the key maps and timelines that only large stores have by themselves.
  private static func derive(_ disk: SimulatedFileSystem) throws {
    let store = try Store.open(
      root, access: .readWrite, host: disk.anotherProcess().host(start: 1_700_000_400_000_000),
      options: stored)
    let snapshot = try store.snapshot()
    for view in snapshot.catalog.views {
      try TimelineBuilder(leastRuns: 1).build(for: view, in: snapshot)
    }
    for set in snapshot.catalog.keySets {
      guard let keys = try snapshot.keyDirectory(of: set.id) else { continue }
      try KeyMap.build(
        from: keys.log, without: keys.retired, as: store.host.makeIdentifier(), in: disk,
        directory: store.layout.keyFolder(set.id))
    }
  }

  static func tables(of store: FeatureStore) throws -> MappedOnlineStore {
    guard let tables = store.onlineStore else {
      throw LarderError(.unsupported, "The online store is not Larder's own.")
    }
    return tables
  }

  /// Rows whose columns get every codec: constants, frames, runs, deltas, patches, dictionaries.
  static func statsRows(_ count: Int, _ commit: Int) throws -> RecordBatch {
    let base = Int64(commit)
    let rows = (0..<Int64(count)).map { $0 }
    func some<T>(_ every: Int64, _ value: (Int64) throws -> T) rethrows -> [T?] {
      try rows.map { $0 % every == 0 ? nil : try value($0) }
    }
    var words = ColumnBuilder(.list(.string))
    var raw = ColumnBuilder(.bytes)
    for row in rows {
      try words.append(
        row % 5 == 0 ? .null : .list([.string("w\(row % 11)"), .null, .string("")]))
      try raw.append(row % 3 == 0 ? .null : .bytes([UInt8(row & 255), 0, 255]))
    }
    let steps = rows.map { $0 / 40 * 12_345_678_901 + base }
    return try RecordBatch([
      "driver_id": .int64(rows.map { ($0 * 7 + base) % 40 }),
      "event_timestamp": .timestamp(rows.map { $0 * 1_000_003 + base * 700_000 }),
      "created": .timestamp(rows.map { $0 % 9 == 0 ? nil : $0 * 1_000_003 + 5_000_000 }),
      "count": .int64(rows.map { $0 % 97 == 0 ? 1 << 50 : $0 % 60 - 30 }),
      "rate": .float32(rows.map { Float($0 % 1_000) / 1_000 }),
      "score": .float64(rows.map { Double($0) * 0.1 + 1 / Double($0 + 3) }),
      "ok": .bool(some(4) { $0 % 3 == 0 }),
      "name": .string(some(6) { "name \($0 % 23)" }),
      "note": .string(rows.map { "note \($0 &* 0x9E37_79B9 &+ base) of \($0)" }),
      "raw": raw.finish(), "words": words.finish(),
      "rare": .int32(rows.map { $0 % 10 == 3 ? Int32($0) : nil }),
      "none": .float64(rows.map { _ in nil }),
      "steps": .int64(steps),
      "seen": .timestamp(rows.map { 1_600_000_000_000_000_000 + $0 * 917_000 }, unit: .nanoseconds),
      "few": .float64(rows.map { [0.5, 1e300, -3.25][Int($0 % 3)] }),
    ])
  }

  static func pairRows(_ count: Int, _ commit: Int) throws -> RecordBatch {
    let rows = (0..<Int64(count)).map { $0 }
    return try RecordBatch([
      "person_id": .string(rows.map { "person \($0 % 17)" + ($0 % 2 == 0 ? " the elder" : "") }),
      "shop_id": .int64(rows.map { $0 % 3 }),
      "event_timestamp": .timestamp(rows.map { $0 * 2_000_000 + Int64(commit) }),
      "sum": .int64(rows.map { $0 * $0 }), "label": .string(rows.map { "l\($0 % 4)" }),
    ])
  }

  /// Keys that are there, keys that are not, and times on both sides of everything.
  static func spine() throws -> RecordBatch {
    let rows = (0..<160 as Range<Int64>).map { $0 }
    return try RecordBatch([
      "driver_id": .int64(rows.map { $0 % 45 }),
      "person_id": .string(rows.map { "person \($0 % 19)" + ($0 % 2 == 0 ? " the elder" : "") }),
      "shop_id": .int64(rows.map { $0 % 4 }),
      "event_timestamp": .timestamp(rows.map { $0 * 9_000_000 - 20_000_000 }),
    ])
  }
}
