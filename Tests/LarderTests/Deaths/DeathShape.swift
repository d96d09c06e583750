import Larder
import LarderColumns
import LarderContract
import LarderFiles
import LarderOffline
import LarderOnline

/// A store that cases begin with.
enum DeathShape: String, CaseIterable, Sendable {
  /// A few commits.
  case small
  /// Folded and compacted, so that timelines and key maps are there.
  case folded
  /// With an online table.
  case online
  /// Earlier snapshots go at once but for what a tag keeps; a short manifest.
  case tagged
  /// An erasure that a reader has held up.
  case erasing
  /// A manifest file for every three records, folds after appends, a feature's second life.
  case rotating

  var stored: StoreOptions {
    var options = StoreOptions()
    options.threads = 1
    options.fold = self == .rotating || self == .tagged ? .afterAppend : .off
    if self == .tagged { options.keepSnapshots = .zero }
    if self == .rotating { options.manifestRecords = 3 }
    return options
  }

  static var tables: OnlineOptions {
    var options = OnlineOptions(compactAt: nil)
    options.firstLogFileBytes = 1 << 16
    options.largestLogFileBytes = 1 << 17
    options.preparesAhead = false
    return options
  }

  /// Opens the store as a process of its own.
  ///
  /// - Parameter order: processes of later order have later clocks.
  func open(
    _ process: SimulatedFileSystem, access: StoreAccess = .readWrite, order: Int,
    path: String = "/s", _ broken: DeathBreak = DeathBreak()
  ) throws -> FeatureStore {
    var host = process.host(start: 1_700_000_000_000_000 + Int64(order) * 10_000_000)
    host.files = broken.files(host.files)
    var stored = self.stored
    stored.omitted = broken.omitted
    let history = try SegmentOfflineStore(
      at: path, access: access, host: host, options: stored)
    return FeatureStore(offline: history, online: try history.makeOnlineStore(Self.tables))
  }
}

/// A machine with a store, and what it must show.
struct DeathBase: Sendable {
  let shape: DeathShape
  let disk: SimulatedFileSystem
  let world: DeathWorld

  init(_ shape: DeathShape) throws {
    self.shape = shape
    let machine = SimulatedFileSystem(seed: UInt64(shape.hashSeed))
    machine.keepLog(false)
    machine.setTurns(SimulatedSolitude())
    var builder = DeathBuilder(try shape.open(machine, access: .create, order: 0))
    try builder.build(shape)
    world = builder.world
    try builder.store.onlineStore?.close()
    disk = machine.fork()
  }

  /// The machine again, seen by a fresh process.
  func machine() -> SimulatedFileSystem { disk.forkAlone() }
}

extension DeathShape {
  fileprivate var hashSeed: Int { 100 + (Self.allCases.firstIndex(of: self) ?? 0) }
}

extension SimulatedFileSystem {
  /// A copy of the machine with one live process, which waits for nobody.
  func forkAlone() -> SimulatedFileSystem {
    let copy = fork()
    copy.setTurns(SimulatedSolitude())
    return copy
  }
}

/// Writes a store and the model of it side by side.
private struct DeathBuilder {
  let store: FeatureStore
  var world = DeathWorld()
  private var uid = 0

  init(_ store: FeatureStore) { self.store = store }

  mutating func build(_ shape: DeathShape) throws {
    let features: [DeathFeature] = [.value, .label, .extra]
    try store.apply(
      Definitions(
        entities: [DeathView.driver, DeathView.shop],
        featureViews: DeathView.allCases.map { view in
          FeatureView(
            view.name, entities: view.entities,
            features: [Field("value", .int64), Field("label", .string), Field("extra", .int32)])
        }))
    for view in DeathView.allCases {
      world.views[view.rawValue] = DeathWorld.View(features: features)
    }
    let zoe = DeathCommand.forgettable
    try append(.stats, [("ada", 10), ("bob", 12), (zoe, 14), ("ada", 150)])
    try append(.trips, [("ada", 11), (zoe, 15)])
    if shape == .folded || shape == .rotating || shape == .erasing {
      for round in 0..<(shape == .folded ? 9 : 4) {
        try append(.stats, [("ada", 16 + round), ("cyd", 17 + round), ("eve\(round)", 30)])
      }
    }
    if shape == .folded {
      try store.fold()
      try store.compact(nil, CompactionOptions(partitions: ["all"]))
    }
    if shape == .tagged {
      try store.replace(
        [try batch(.stats, [("bob", 27)], replacing: 13...29)], in: "stats",
        from: Timestamp(seconds: 13), through: Timestamp(seconds: 29))
    }
    try store.tag("kept")
    world.tags.insert("kept")
    world.kept = DeathWorld.Past(views: world.views)
    try append(.stats, [("ada", 34), ("dan", 36), ("bob", 12)])
    if shape == .rotating {
      try perform(.returnFeature)
      try append(.stats, [("ada", 38), ("fay", 39)])
    }
    try append(.trips, [("dan", 37), ("ada", 40)])
    if shape == .online || shape == .erasing {
      try perform(.materialize)
      try append(.stats, [("cyd", 42), (zoe, 33)])
      try perform(.put)
      let row = DeathRow(driver: zoe, shop: 0, event: 900, uid: 9_999, written: 0b111)
      try store.online("stats").write(try [row].batch(try store.view(named: "stats")))
      world.online.put(row)
    }
    if shape == .erasing { try holdUpErasure() }
  }

  /// Masks somebody while a reader of before keeps the rest from being done.
  private mutating func holdUpErasure() throws {
    let job = try store.pullAll("stats")
    let keys = try RecordBatch(["driver_id": .string(["cyd"])])
    let report = try store.erase("driver", keys: keys)
    guard !report.isComplete else { throw DeathFinding("an erasure passed a reader by") }
    withExtendedLifetime(job) {}
    world.erase("cyd")
  }

  private mutating func perform(_ command: DeathCommand) throws {
    _ = try command.run(store, .builder)
    guard case .applied(let after) = command.effect(.builder, on: world) else { return }
    world = after
  }

  private mutating func append(_ view: DeathView, _ rows: [(String, Int)]) throws {
    try store.append(try batch(view, rows, replacing: nil), to: view.name)
  }

  private mutating func batch(
    _ view: DeathView, _ rows: [(String, Int)], replacing range: ClosedRange<Int>?
  ) throws -> RecordBatch {
    let features = world.views[view.rawValue]?.features ?? []
    let made = rows.map { driver, event in
      uid += 1
      return DeathRow(
        driver: driver, shop: view == .stats ? 0 : 1 + uid % 2, event: event, uid: uid,
        written: features.reduce(0) { $0 | 1 << UInt8($1.rawValue) })
    }
    if let range { world.views[view.rawValue]?.rows.removeAll { range.contains($0.event) } }
    world.views[view.rawValue]?.rows += made
    return try made.batch(try store.view(named: view.name))
  }
}
