import LarderColumns
import LarderContract
import LarderFiles
import LarderOffline
import LarderOnline
import TestSupport

@testable import Larder

/// A random life of definitions, history and online tables beside the model.
struct OnlineLife {
  struct Difference: Error, CustomStringConvertible { var description: String }

  let seed: UInt64
  private(set) var steps = 0
  private(set) var log: [String] = []
  private var random: SeededRandom
  private let disk: SimulatedFileSystem
  private var store: FeatureStore
  private var root = "/s"
  private var model = LifeModel()

  private static let keys: Int64 = 6
  private static let person = Entity("person", joinKeys: [.int64("id")])

  init(seed: UInt64) throws {
    self.seed = seed
    random = SeededRandom(seed: seed)
    disk = SimulatedFileSystem(seed: seed)
    disk.keepLog(false)
    store = try OnlineLife.open(disk, "/s", .create, 0)
    for name in ["a", "b"] {
      let view = newView(name)
      try apply(view)
    }
  }

  private static func open(
    _ disk: SimulatedFileSystem, _ path: String, _ access: StoreAccess, _ opened: Int64
  ) throws -> FeatureStore {
    // Time goes on from process to process.
    let start = 1_700_000_000_000_000 + opened * 1_000_000
    var stored = StoreOptions()
    stored.threads = 1
    stored.lockTimeout = .milliseconds(200)
    var online = OnlineOptions(
      durability: .process, compactAt: nil, lockTimeout: .milliseconds(200))
    online.firstLogFileBytes = 1 << 16
    online.largestLogFileBytes = 1 << 17
    online.preparesAhead = false
    let history = try SegmentOfflineStore(
      at: path, access: access, host: disk.anotherProcess().host(start: start), options: stored)
    return FeatureStore(offline: history, online: try history.makeOnlineStore(online))
  }

  // MARK: A step

  /// Does something at random and compares everything.
  mutating func step() throws {
    steps += 1
    let view = model.world.views.isEmpty ? nil : pick(model.world.views)
    guard let view else {
      try rollback()
      return try compare()
    }
    switch random.int(1...100) {
    case 1...22: try append(view)
    case 23...27: try replace(view)
    case 28...30: try expire(view)
    case 31...38: try rollback()
    case 39...41: try erase(view)
    case 42...55: try put(view)
    case 56...60: try delete(view)
    case 61...76: try materialize(view)
    case 77...80: try materializeRange(view)
    case 81...89: try change(view)
    case 90...91: try compact(view)
    case 92: try fold()
    case 93...94: try reopen()
    case 95: try copy()
    case 96: try dropView(view)
    case 97: try dropTable(view)
    case 98: try compactTable(view)
    default:
      if model.view("c") == nil { try apply(newView("c")) }
    }
    try compare()
  }

  private mutating func note(_ what: String) { log.append("\(steps): \(what)") }
  private mutating func pick<T>(_ from: [T]) -> T { from[random.int(0...from.count - 1)] }

  /// Writes down what the newest commit shows.
  private mutating func committed() throws { model.past[try store.head().id] = model.world }

  // MARK: Definitions

  private mutating func newView(_ name: String) -> LifeModel.View {
    defer { model.nextView += 1 }
    var view = LifeModel.View(
      id: model.nextView, name: name, isEntityless: name == "b", features: [])
    for name in ["x", "y"] { view.features.append(newFeature(name)) }
    return view
  }

  private mutating func newFeature(_ name: String) -> LifeModel.Feature {
    defer { model.nextFeature += 1 }
    return LifeModel.Feature(
      id: model.nextFeature, name: name, type: pick([.int32, .int64, .float32, .string]))
  }

  private func definition(
    _ view: LifeModel.View, formerly: [String: String] = [:]
  ) -> FeatureView {
    FeatureView(
      view.name, entities: view.isEntityless ? [] : [OnlineLife.person],
      features: view.features.map { Field($0.name, $0.type, formerly: formerly[$0.name]) },
      eventTimestamp: "at", createdTimestamp: view.name == "a" ? "known" : nil)
  }

  private mutating func apply(
    _ view: LifeModel.View, formerly: [String: String] = [:]
  ) throws {
    note("apply \(view.name) \(view.features.map { "\($0.name):\($0.type)#\($0.id)" })")
    try store.apply(definition(view, formerly: formerly), dropping: true)
    if let place = model.world.views.firstIndex(where: { $0.name == view.name }) {
      model.world.views[place] = view
    } else {
      model.world.views.append(view)
    }
    try committed()
  }

  private mutating func change(_ old: LifeModel.View) throws {
    var view = old
    let place = random.int(0...view.features.count - 1)
    let free = ["x", "y", "z", "w"].filter { name in !view.features.contains { $0.name == name } }
    switch random.int(1...5) {
    case 1 where !free.isEmpty:
      // Renamed; at times another feature takes the name at once.
      let before = view.features[place].name
      let name = pick(free)
      view.features[place].name = name
      try apply(view, formerly: [name: before])
      if random.chance(0.5) {
        view.features.append(newFeature(before))
        try apply(view)
      }
    case 2 where view.features.count > 1:
      let gone = view.features.remove(at: place)
      try apply(view)
      if random.chance(0.4) {
        view.features.append(newFeature(gone.name))
        try apply(view)
      }
    case 3:
      switch view.features[place].type {
      case .int32: view.features[place].type = .int64
      case .float32: view.features[place].type = .float64
      default: return
      }
      try apply(view)
    case 4:
      view.features.shuffle(using: &random)
      try apply(view)
    default:
      if let name = free.first {
        view.features.append(newFeature(name))
        try apply(view)
      }
    }
  }

  private mutating func dropView(_ view: LifeModel.View) throws {
    note("drop view \(view.name)")
    try store.drop(view: view.name)
    model.world.views.removeAll { $0.id == view.id }
    try committed()
  }

  // MARK: History

  private mutating func value(_ type: DataType) -> Value {
    if random.chance(0.15) { return .null }
    let number = random.int(0...999)
    return switch type {
    case .int32: .int32(Int32(number))
    case .int64: .int64(random.chance(0.2) ? Int64(number) << 40 : Int64(number))
    case .float32: .float32(Float(number) / 4)
    case .float64: .float64(Double(number) / 3)
    default: .string("t\(number)")
    }
  }

  private mutating func row(_ view: LifeModel.View, partial: Bool) -> LifeModel.Row {
    var row = LifeModel.Row(
      key: view.isEntityless ? 0 : Int64(random.int(1...Int(OnlineLife.keys))),
      event: Int64(random.int(1...40)), created: nil, values: [:])
    if view.name == "a", random.chance(0.7) { row.created = Int64(random.int(1...3)) }
    for feature in view.features where !partial || random.chance(0.5) {
      row.values?[feature.id] = value(feature.type)
    }
    return row
  }

  /// Rows as a batch; all of them bring the features of the first.
  private func batch(_ rows: [LifeModel.Row], _ view: LifeModel.View) throws -> RecordBatch {
    var fields: [ColumnField] = []
    var columns: [Column] = []
    func add(_ name: String, _ type: DataType, _ values: [Value]) throws {
      fields.append(ColumnField(name, type))
      columns.append(try .of(type, values))
    }
    func time(_ seconds: Int64) -> Value {
      .timestamp(Timestamp(microseconds: seconds * 1_000_000))
    }
    if !view.isEntityless { try add("id", .int64, rows.map { .int64($0.key) }) }
    try add("at", .timestamp(.microseconds), rows.map { time($0.event) })
    if view.name == "a" {
      try add("known", .timestamp(.microseconds), rows.map { $0.created.map(time) ?? .null })
    }
    for feature in view.features where rows.first?.values?[feature.id] != nil {
      try add(feature.name, feature.type, rows.map { $0.values?[feature.id] ?? .null })
    }
    return try RecordBatch(schema: Schema(fields), columns: columns, count: rows.count)
  }

  private mutating func rows(_ view: LifeModel.View, _ count: ClosedRange<Int>) -> [LifeModel.Row] {
    (0..<random.int(count)).map { _ in row(view, partial: false) }
  }

  private mutating func append(_ view: LifeModel.View) throws {
    let rows = rows(view, 1...4)
    note("append \(view.name) \(rows)")
    try store.append(try batch(rows, view), to: view.name)
    model.world.rows[view.id, default: []] += rows
    try committed()
  }

  private mutating func replace(_ view: LifeModel.View) throws {
    let isWhole = random.chance(0.5)
    let from = isWhole ? 0 : Int64(random.int(1...40))
    let through = isWhole ? 100 : from + 10
    let rows = rows(view, 1...3).filter { $0.event >= from && $0.event <= through }
    note("replace \(view.name) \(from)...\(through) by \(rows)")
    try store.replace(
      rows.isEmpty ? [] : [try batch(rows, view)], in: view.name,
      from: isWhole ? nil : Timestamp(seconds: from),
      through: isWhole ? nil : Timestamp(seconds: through))
    model.world.rows[view.id, default: []].removeAll { $0.event >= from && $0.event <= through }
    model.world.rows[view.id, default: []] += rows
    try committed()
  }

  private mutating func expire(_ view: LifeModel.View) throws {
    let age = Int64(random.int(5...30))
    note("expire \(view.name) \(age)")
    try store.expire(view.name, olderThan: .seconds(age))
    if let newest = model.world.rows[view.id]?.map(\.event).max() {
      model.world.rows[view.id]?.removeAll { $0.event < newest - age }
    }
    try committed()
  }

  private mutating func rollback() throws {
    guard let commit = model.past.keys.sorted().suffix(12).randomElement(using: &random),
      let world = model.past[commit]
    else { return }
    note("rollback to \(commit)")
    do throws(LarderError) { try store.rollback(to: commit) } catch {
      // A copy keeps no earlier state, and folds and vacuums may pass.
      guard error.code == .notFound else { throw error }
      model.past[commit] = nil
      return
    }
    model.world = world
    try committed()
  }

  private mutating func erase(_ view: LifeModel.View) throws {
    guard !view.isEntityless else { return }
    let key = Int64(random.int(1...Int(OnlineLife.keys)))
    note("forget \(key)")
    try store.erase("person", keys: try RecordBatch(["id": .int64([key])]))
    func erase(_ world: inout LifeModel.World) {
      let named = world.rows.keys
      for id in named where id != 0 { world.rows[id]?.removeAll { $0.key == key } }
    }
    erase(&model.world)
    for commit in Array(model.past.keys) { erase(&model.past[commit, default: .init()]) }
    for id in Array(model.tables.keys) {
      model.tables[id]?.history[key] = nil
      model.tables[id]?.direct[key] = nil
    }
    for view in model.world.views where model.tables[view.id] != nil {
      let through = try watermark(view)
      model.tables[view.id]?.through = through
    }
    try committed()
  }

  private mutating func compact(_ view: LifeModel.View) throws {
    note("compact \(view.name)")
    try store.compact(view.name)
    try committed()
  }

  private mutating func fold() throws {
    note("fold")
    try store.fold()
    try committed()
  }

  private mutating func reopen() throws {
    note("close and open")
    try store.close()
    store = try OnlineLife.open(disk, root, .readWrite, Int64(steps))
  }

  private mutating func copy() throws {
    let path = "\(root)c"
    note("back up and go on in the copy")
    try store.backup(to: path)
    try store.close()
    root = path
    store = try OnlineLife.open(disk, root, .readWrite, Int64(steps))
    model.past = [:]
    // What a copy has of views that are gone is nobody's.
    let living = Set(model.world.views.map(\.id))
    model.tables = model.tables.filter { living.contains($0.key) }
    try committed()
  }

  // MARK: Online

  private mutating func put(_ view: LifeModel.View) throws {
    let row = row(view, partial: random.chance(0.6))
    note("put \(view.name) \(row)")
    try store.online(view.name).write(try batch([row], view))
    model.put(view, row)
  }

  private mutating func delete(_ view: LifeModel.View) throws {
    guard model.tables[view.id] != nil else { return }
    var row = row(view, partial: false)
    row.values = nil
    note("delete \(view.name) \(row)")
    try store.online(view.name).delete(try batch([row], view))
    model.put(view, row)
  }

  private func watermark(_ view: LifeModel.View) throws -> Int64? {
    try store.online(view.name).statistics().watermark.map { $0.through.floor(in: .seconds) }
  }

  private func keys(_ view: LifeModel.View) -> [Int64] {
    view.isEntityless ? [0] : Array(1...OnlineLife.keys)
  }

  private mutating func materialize(_ view: LifeModel.View) throws {
    let through = Int64(random.int(1...45))
    let full = random.chance(0.15)
    note("materialize \(view.name) through \(through)\(full ? ", full" : "")")
    let report = try store.materialize(
      view.name, through: Timestamp(seconds: through), full: full)
    var table = model.tables[view.id] ?? LifeModel.Table()
    table.known.formUnion(view.features.map(\.id))
    model.tables[view.id] = table
    if let last = table.through, through < last, !full { return }
    model.tables[view.id]?.through = through
    for key in keys(view) {
      let answer = model.answer(view, key, through: through)
      // What a run of a range brought further is ahead until a run passes it or takes all again.
      if let held = table.history[key], held.event > through, !report.isRebuilt { continue }
      model.setHistory(view, key, answer)
    }
  }

  private mutating func materializeRange(_ view: LifeModel.View) throws {
    let from = Int64(random.int(1...40))
    let through = from + Int64(random.int(0...15))
    note("materialize \(view.name) \(from)...\(through)")
    try store.materialize(
      view.name, from: Timestamp(seconds: from), through: Timestamp(seconds: through))
    model.tables[view.id, default: LifeModel.Table()].known.formUnion(view.features.map(\.id))
    for key in keys(view) {
      guard let found = model.answer(view, key, from: from, through: through) else { continue }
      if let held = model.tables[view.id]?.history[key], held.isGreater(than: found) { continue }
      model.setHistory(view, key, found)
    }
  }

  private mutating func dropTable(_ view: LifeModel.View) throws {
    note("drop the table of \(view.name)")
    try store.online(view.name).drop()
    model.tables[view.id] = nil
  }

  private mutating func compactTable(_ view: LifeModel.View) throws {
    guard model.tables[view.id] != nil else { return }
    note("compact the table of \(view.name)")
    try store.online(view.name).compact()
  }

  // MARK: What must be

  private func compare() throws {
    for name in ["a", "b", "c"] {
      guard let view = model.view(name) else {
        try expectNotFound("view \(name)") { _ = try store.online(name) }
        continue
      }
      let online = try store.online(name)
      guard model.tables[view.id] != nil else {
        try expectNotFound("table of \(name)") { _ = try online.statistics() }
        continue
      }
      try compare(view, online)
    }
    let parity = try store.verifyParity(seed: 1)
    for view in parity.views {
      if view.differences > 0 { throw failure("parity of \(view.name): \(view.samples)") }
      guard let mark = view.watermark, let reason = view.reason else { continue }
      do throws(LarderError) { _ = try store.snapshot(at: mark.commit) } catch { continue }
      throw failure("parity of \(view.name) says: \(reason)")
    }
  }

  private func compare(_ view: LifeModel.View, _ online: OnlineView) throws {
    let keys = keys(view)
    let asked =
      view.isEntityless
      ? RecordBatch(unchecked: Schema([]), columns: [], count: 1)
      : try RecordBatch(["id": .int64(keys)])
    let found = try online.read(asked)
    for (row, key) in keys.enumerated() {
      let expected = model.online(view, key)
      var shown: (event: Int64, values: [Value])?
      if found.statuses[row] != .notFound, case .timestamp(let time) = found.eventTimes[row] {
        shown = (time.floor(in: .seconds), found.features.columns.map { $0[row] })
      }
      guard expected?.event == shown?.event, expected?.values == shown?.values else {
        throw failure(
          "\(view.name) \(key): expected \(String(describing: expected)), "
            + "found \(String(describing: shown))")
      }
    }
  }

  private func expectNotFound(_ what: String, _ body: () throws -> Void) throws {
    do { try body() } catch let error as LarderError where error.code == .notFound { return }
    throw failure("the \(what) is there")
  }

  private func failure(_ what: String) -> Difference {
    Difference(description: "seed \(seed), step \(steps): \(what)")
  }
}
