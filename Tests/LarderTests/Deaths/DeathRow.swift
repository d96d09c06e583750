import LarderColumns
import LarderContract

/// Which of the two views a row is in.
enum DeathView: Int, CaseIterable, Sendable {
  case stats, trips

  var name: String { self == .stats ? "stats" : "trips" }

  static let driver = Entity("driver", joinKeys: [.string("driver_id")])
  static let shop = Entity("shop", joinKeys: [.int64("shop_id")])

  var entities: [Entity] { self == .stats ? [Self.driver] : [Self.driver, Self.shop] }
}

/// A feature of one life: a name that was dropped and came back has another.
enum DeathFeature: Int, CaseIterable, Sendable {
  case value, label, extra, extraAgain, more

  var name: String {
    switch self {
    case .value: "value"
    case .label: "label"
    case .extra, .extraAgain: "extra"
    case .more: "more"
    }
  }

  /// The column in which it is seen.
  var place: Int {
    switch self {
    case .value: 0
    case .label: 1
    case .extra, .extraAgain: 2
    case .more: 3
    }
  }
}

/// A row that was written: everything else about it follows from these.
struct DeathRow: Hashable, Sendable {
  var driver: String
  /// Its shop; 0 in a view without.
  var shop: Int
  /// Seconds since 1970.
  var event: Int
  /// Unlike any other's; greater in later commits.
  var uid: Int
  /// The features that were written, a bit each.
  var written: UInt8

  /// The text that names its key, so that a swap shows.
  var label: String { "\(driver)@\(uid)" }
}

/// A row as a query shows it; -1 stands for null.
struct SeenRow: Hashable, Sendable, CustomStringConvertible {
  var driver: String
  var shop: Int
  var event: Int
  var value: Int
  var label: String
  var extra: Int
  var more: Int

  var description: String {
    "\(driver)/\(shop) at \(event): \(value) \(label) \(extra) \(more)"
  }
}

extension DeathRow {
  /// The row as a view of these features shows it.
  func seen(_ features: [DeathFeature]) -> SeenRow {
    var row = SeenRow(
      driver: driver, shop: shop, event: event, value: -1, label: "", extra: -1, more: -1)
    for feature in features where written & 1 << UInt8(feature.rawValue) != 0 {
      switch feature {
      case .value: row.value = uid
      case .label: row.label = label
      case .extra, .extraAgain: row.extra = uid % 997
      case .more: row.more = uid * 2
      }
    }
    return row
  }
}

extension [DeathRow] {
  /// The rows as a batch for a view as it is defined.
  func batch(_ view: FeatureView) throws(LarderError) -> RecordBatch {
    var columns: [(String, Column)] = []
    for key in view.joinKeys {
      columns.append(
        key.name == "shop_id"
          ? (key.name, .int64(map { Int64($0.shop) }))
          : (key.name, try .string(map(\.driver))))
    }
    columns.append((view.eventTimestamp, .timestamp(map { Int64($0.event) * 1_000_000 })))
    for feature in view.features {
      switch feature.name {
      case "value": columns.append(("value", .int64(map { Int64($0.uid) })))
      case "label": columns.append(("label", try .string(map(\.label))))
      case "extra" where feature.type == .int32:
        columns.append(("extra", .int32(map { Int32($0.uid % 997) })))
      case "extra": columns.append(("extra", .int64(map { Int64($0.uid % 997) })))
      default: columns.append((feature.name, .int64(map { Int64($0.uid * 2) })))
      }
    }
    return try RecordBatch(
      schema: Schema(columns.map { ColumnField($0.0, $0.1.type) }), columns: columns.map(\.1))
  }
}
