import LarderColumns

/// The rule of online answers in plain words: no code of the engine's, everything computed again.
struct LifeModel {
  /// A feature: what it is does not hang on its name.
  struct Feature: Equatable {
    var id: Int
    var name: String
    var type: DataType
  }
  /// A view as it is at some commit.
  struct View: Equatable {
    var id: Int
    var name: String
    var isEntityless: Bool
    var features: [Feature]
  }
  /// A row that somebody wrote; features that it does not bring are missing.
  struct Row: Equatable {
    var key: Int64
    var event: Int64
    var created: Int64?
    var values: [Int: Value]?

    func isGreater(than other: Row) -> Bool {
      if event != other.event { return event > other.event }
      if created == other.created { return false }
      guard let created else { return false }
      return other.created.map { created > $0 } ?? true
    }
  }
  /// All that a commit shows: definitions, and rows in the order in which they were committed.
  struct World: Equatable {
    var views: [View] = []
    var rows: [Int: [Row]] = [:]
  }
  /// An online table.
  struct Table {
    var history: [Int64: Row] = [:]
    var direct: [Int64: Row] = [:]
    var through: Int64?
    /// Features that the table has heard of.
    var known: Set<Int> = []
  }

  var world = World()
  /// What commits showed, as far as they may be gone back to.
  var past: [UInt64: World] = [:]
  var tables: [Int: Table] = [:]
  var nextFeature = 1
  var nextView = 1

  func view(_ name: String) -> View? { world.views.first { $0.name == name } }

  // MARK: History

  /// The latest row of a key in a range of event times.
  func answer(_ view: View, _ key: Int64, from: Int64 = .min, through: Int64) -> Row? {
    var best: Row?
    for row in world.rows[view.id] ?? []
    where row.key == key && row.event >= from && row.event <= through {
      if let found = best, found.isGreater(than: row) { continue }
      best = row
    }
    guard var best else { return nil }
    let ids = Set(view.features.map(\.id))
    best.values = best.values?.filter { ids.contains($0.key) }
    return best
  }

  // MARK: Online

  mutating func put(_ view: View, _ row: Row) {
    var table = tables[view.id] ?? Table()
    defer { tables[view.id] = table }
    table.known.formUnion(view.features.map(\.id))
    if let direct = table.direct[row.key] {
      if direct.isGreater(than: row) { return }
      var merged = row
      if row.values != nil {
        if let before = direct.values {
          merged.values?.merge(before) { new, _ in new }
        } else {
          for id in table.known where merged.values?[id] == nil { merged.values?[id] = .null }
        }
      }
      table.direct[row.key] = merged
      return
    }
    if let history = table.history[row.key], history.isGreater(than: row) { return }
    table.direct[row.key] = row
  }

  mutating func setHistory(_ view: View, _ key: Int64, _ row: Row?) {
    var table = tables[view.id] ?? Table()
    table.history[key] = row
    if let row, let direct = table.direct[key], row.isGreater(than: direct) {
      table.direct[key] = nil
    }
    tables[view.id] = table
  }

  /// What a read must give: the event time and the features; nil if the key is not found.
  func online(_ view: View, _ key: Int64) -> (event: Int64, values: [Value])? {
    guard let table = tables[view.id] else { return nil }
    let history = table.history[key]
    guard let served = table.direct[key] ?? history, served.values != nil else { return nil }
    let values = view.features.map { feature -> Value in
      let found = table.direct[key]?.values?[feature.id] ?? history?.values?[feature.id]
      return LifeModel.read(found ?? .null, as: feature.type)
    }
    return (served.event, values)
  }

  /// A value under the type that its feature has now.
  static func read(_ value: Value, as type: DataType) -> Value {
    switch (value, type) {
    case (.int32(let x), .int64): .int64(Int64(x))
    case (.int64(let x), .int32): Int32(exactly: x).map { .int32($0) } ?? .null
    case (.float32(let x), .float64): .float64(Double(x))
    case (.float64(let x), .float32): .float32(Float(x))
    default: value
    }
  }
}
