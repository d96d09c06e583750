import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

@testable import LarderOffline

/// A row as tests think of it: the number makes it unique.
struct TestRow: Hashable, Comparable, CustomStringConvertible {
  var key: Int64
  var event: Int64
  var created: Int64?
  var value: Int64

  static func < (a: Self, b: Self) -> Bool { a.value < b.value }
  var description: String { "(\(key) @\(event) c\(created.map(String.init) ?? "-") = \(value))" }
}

/// A store of one or two views on a simulated disk.
enum Fixture {
  static let driver = Entity("driver", joinKeys: [.int64("driver_id")])

  static func view(
    _ name: String = "stats", partition: PartitionWidth = .auto, features: [Field]? = nil
  ) -> FeatureView {
    FeatureView(
      name, entities: [driver], features: features ?? [Field("value", .int64)],
      eventTimestamp: "event", createdTimestamp: "created", partition: partition)
  }

  static func definitions(_ views: FeatureView...) -> Definitions {
    Definitions(featureViews: views)
  }

  static func options(fold: FoldPolicy = .off) -> StoreOptions {
    var options = StoreOptions()
    options.fold = fold
    options.threads = 1
    options.lockTimeout = .milliseconds(200)
    return options
  }

  static func batch(_ rows: [TestRow]) throws(LarderError) -> RecordBatch {
    try RecordBatch([
      "driver_id": .int64(rows.map(\.key)),
      "event": .timestamp(rows.map(\.event)),
      "created": .timestamp(rows.map(\.created)),
      "value": .int64(rows.map(\.value)),
    ])
  }

  /// Rows of a commit: a few keys, times around the commit's, ties included.
  static func rows(_ count: Int, from value: Int64, keys: Int64 = 5) -> [TestRow] {
    (0..<Int64(count)).map { index in
      let value = value + index
      return TestRow(
        key: (value * 7) % keys, event: (value * 13) % 50 * 1_000_000,
        created: value % 3 == 0 ? nil : value, value: value)
    }
  }
}

extension Snapshot {
  /// Every row of a view, read back segment by segment.
  func allRows(_ name: String = "stats") throws -> [TestRow] {
    let view = try catalog.requireView(name)
    return try segments(of: view).flatMap { try rows(of: $0, view) }
  }

  /// The rows of a segment, in its order.
  func rows(of description: SegmentDescription, _ view: Catalog.View) throws -> [TestRow] {
    guard let keys = try keyDirectory(of: view.keySet), let field = view.field(named: "value")
    else { return [] }
    let segment = try open(description)
    let all = 0..<segment.rows
    let ids = try segment.decodeIDs(rows: all)
    let events = try segment.decodeEvents(rows: all)
    let created = try segment.decodeCreated(rows: all)
    let values = try segment.decode(fieldID: field.id, rows: all, as: field.type)
    var rows: [TestRow] = []
    for row in all {
      guard let tail = unsafe try keys.log.tail(of: ids.values(as: UInt32.self)[row]),
        case .int64(let value) = values[row]
      else { continue }
      var time: Int64?
      if case .timestamp(let stamp)? = created?[row] { time = stamp.ticks }
      rows.append(
        TestRow(
          key: unsafe tail.loadUnaligned(as: Int64.self),
          event: unsafe events.values(as: Int64.self)[row], created: time, value: value))
    }
    return rows
  }
}
