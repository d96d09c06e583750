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
  /// Every row of a view, read back segment by segment and checked for its order.
  func allRows(_ name: String = "stats") throws -> [TestRow] {
    let view = try catalog.requireView(name)
    guard let keys = try keyDirectory(of: view.keySet) else { return [] }
    var rows: [TestRow] = []
    for description in segments(of: view) {
      let segment = try open(description)
      let all = 0..<segment.rows
      let events = try segment.decodeEvents(rows: all)
      let times = unsafe events.values(as: Int64.self)
      let created = try segment.decodeCreated(rows: all)
      guard let field = view.field(named: "value") else { continue }
      let values = try segment.decode(fieldID: field.id, rows: all, as: field.type)
      let idBuffer = try segment.decodeIDs(rows: all)
      let idValues = unsafe idBuffer.values(as: UInt32.self)
      for row in all {
        guard let tail = unsafe try keys.log.tail(of: idValues[row]) else { continue }
        let key = unsafe tail.loadUnaligned(as: Int64.self)
        var time: Int64?
        if case .timestamp(let stamp)? = created?[row] { time = stamp.ticks }
        guard case .int64(let value) = values[row] else { continue }
        rows.append(TestRow(key: key, event: unsafe times[row], created: time, value: value))
      }
    }
    return rows
  }
}
