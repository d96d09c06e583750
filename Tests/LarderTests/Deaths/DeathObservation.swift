import Larder
import LarderColumns
import LarderContract

/// All that a store shows of what the model speaks of.
struct DeathObservation {
  /// The features of each view there is, and whether `extra` has 64 bits.
  var features: [Int: [String: DataType]] = [:]
  var rows: [Int: [SeenRow]] = [:]
  /// The answers of a join late in time, by key.
  var answers: [Int: [String: SeenRow]] = [:]
  var tags: Set<String> = []
  /// The rows of `stats` at the tag "kept".
  var kept: [SeenRow]?
  /// What drivers show online: the number and the text; nil if they are not found.
  var online: [String: OnlineSight?] = [:]

  struct OnlineSight: Hashable, CustomStringConvertible {
    var value: Int
    var label: String
    var description: String { "\(value) \(label)" }
  }

  /// Looks at a store.
  ///
  /// - Parameters:
  ///   - drivers: whom to ask for.
  ///   - asksJoins: whether features are asked for at a time too, through timelines and key maps.
  ///   - checksTags: whether tags are looked at.
  init(
    _ store: FeatureStore, drivers: [String], asksJoins: Bool, checksTags: Bool
  ) throws {
    let definitions = try store.definitions()
    for view in DeathView.allCases {
      guard let defined = definitions.featureViews.first(where: { $0.name == view.name })
      else { continue }
      features[view.rawValue] = Dictionary(
        uniqueKeysWithValues: defined.features.map { ($0.name, $0.type) })
      rows[view.rawValue] = try Self.rows(try store.pullAll(view.name).collect())
      if asksJoins { answers[view.rawValue] = try Self.answers(store, defined, drivers) }
    }
    if checksTags {
      tags = Set(try store.snapshots().flatMap(\.tags))
      if tags.contains("kept") {
        kept = try Self.rows(
          try store.snapshot(tagged: "kept").pullAll("stats", features: ["value", "label"])
            .collect())
      }
    }
    if features[DeathView.stats.rawValue] != nil { online = try Self.online(store, drivers) }
  }

  private static func rows(_ batch: RecordBatch) throws -> [SeenRow] {
    var seen: [SeenRow] = []
    seen.reserveCapacity(batch.count)
    for row in 0..<batch.count { seen.append(self.row(batch, row)) }
    return seen.sorted { ($0.value, $0.driver) < ($1.value, $1.driver) }
  }

  private static func row(_ batch: RecordBatch, _ row: Int) -> SeenRow {
    SeenRow(
      driver: text(batch["driver_id"], row) ?? "?", shop: number(batch["shop_id"], row) ?? 0,
      event: (number(batch["event_timestamp"], row) ?? -1_000_000) / 1_000_000,
      value: number(batch["value"], row) ?? -1, label: text(batch["label"], row) ?? "",
      extra: number(batch["extra"], row) ?? -1, more: number(batch["more"], row) ?? -1)
  }

  private static func number(_ column: Column?, _ row: Int) -> Int? {
    switch column?[row] {
    case .int64(let number)?: Int(number)
    case .int32(let number)?: Int(number)
    case .timestamp(let time)?: Int(time.ticks)
    default: nil
    }
  }

  private static func text(_ column: Column?, _ row: Int) -> String? {
    guard case .string(let text)? = column?[row] else { return nil }
    return text
  }

  /// Asks for every driver, in a view with shops for each of both, after all that was written.
  private static func answers(
    _ store: FeatureStore, _ view: FeatureView, _ drivers: [String]
  ) throws -> [String: SeenRow] {
    let shops = view.joinKeys.count == 1 ? [0] : [1, 2]
    let asked = drivers.flatMap { driver in shops.map { (driver, $0) } }
    var columns = [
      ("driver_id", try Column.string(asked.map(\.0))),
      ("event_timestamp", .timestamp(asked.map { _ in 1_000_000_000 })),
    ]
    if shops.count > 1 { columns.append(("shop_id", .int64(asked.map { Int64($0.1) }))) }
    let spine = try RecordBatch(
      schema: Schema(columns.map { ColumnField($0.0, $0.1.type) }), columns: columns.map(\.1))
    let batch = try store.historicalFeatures(
      for: spine,
      features: view.features.map { FeatureReference(view: view.name, feature: $0.name) }
    ).collect()
    var found: [String: SeenRow] = [:]
    for index in 0..<batch.count {
      var seen = row(batch, index)
      seen.event = 0
      found["\(asked[index].0)/\(asked[index].1)"] = seen
    }
    return found
  }

  private static func online(
    _ store: FeatureStore, _ drivers: [String]
  ) throws -> [String: OnlineSight?] {
    let keys = try RecordBatch(["driver_id": .string(drivers)])
    let answer: OnlineRows
    do throws(LarderError) {
      answer = try store.online("stats").read(
        keys, features: ["value", "label"], at: Timestamp(seconds: 100_000))
    } catch {
      // Nothing was materialized or written yet.
      guard error.code == .notFound else { throw error }
      return [:]
    }
    var seen: [String: OnlineSight?] = [:]
    for (row, driver) in drivers.enumerated() {
      guard answer.statuses[row] != .notFound else {
        seen[driver] = .some(nil)
        continue
      }
      seen[driver] = OnlineSight(
        value: number(answer.features["value"], row) ?? -1,
        label: text(answer.features["label"], row) ?? "")
    }
    return seen
  }
}
