import LarderColumns
import LarderContract

/// What a store that history is materialized to must do, rule by rule; others pass.
let historyChecks: [OnlineCheck] = [
  OnlineCheck(name: "a direct write stands over history at equal times, whatever came last") {
    trial in
    guard let store = try trial.materialized() else { return }
    let t = trial.now
    try trial.write([(1, t, 5)], a: [1])
    try trial.gain(store, [(1, t, 5), (2, t, 5)], a: [7, 7], b: ["h", "h"])
    try trial.write([(2, t, 5)], a: [1])
    try trial.expect([1, 2], a: [.int64(1), .int64(1)], b: [.string("h"), .string("h")])
  },
  OnlineCheck(name: "history overtakes a direct write, which does not come back") { trial in
    guard let store = try trial.materialized() else { return }
    let t = trial.now
    try trial.write([(1, t, 5)], a: [1], b: ["d"])
    try trial.gain(store, [(1, t, 6)], a: [7], b: ["h"])
    try trial.expect([1], a: [.int64(7)], b: [.string("h")])
    try store.removeHistory(of: trial.keys([1]), in: trial.view, watermark: nil)
    try trial.expect([1], a: [.null], [.notFound])
  },
  OnlineCheck(name: "features that were never written are history's, also when it goes back") {
    trial in
    guard let store = try trial.materialized() else { return }
    let t = trial.now
    try trial.gain(store, [(1, t - 5, nil)], a: [7], b: ["h"])
    try trial.write([(1, t - 2, nil)], a: [1])
    try trial.gain(store, [(1, t - 4, nil), (1, t - 9, nil)], a: [8, 9], b: ["i", "j"])
    try trial.expect([1], a: [.int64(1)], b: [.string("i")])
    try trial.replace(store, [(1, t - 8, nil)], a: [6], b: ["k"])
    try trial.expect([1], a: [.int64(1)], b: [.string("k")])
    try store.removeHistory(of: trial.keys([1]), in: trial.view, watermark: nil)
    try trial.expect([1], a: [.int64(1)], b: [.null], [.present])
    try trial.replace(store, [(1, t - 1, nil)], a: [5], b: ["l"])
    try trial.expect([1], a: [.int64(5)], b: [.string("l")])
  },
  OnlineCheck(name: "history goes back where nothing was written") { trial in
    guard let store = try trial.materialized() else { return }
    let t = trial.now
    try trial.gain(store, [(1, t, nil), (2, t, nil)], a: [7, 7], b: ["h", "h"])
    try trial.replace(store, [(1, t - 50, nil)], a: [3], b: [nil])
    try trial.gain(store, [(1, t - 60, nil)], a: [9], b: ["i"])
    try store.removeHistory(of: trial.keys([2, 3]), in: trial.view, watermark: nil)
    try trial.expect(
      [1, 2, 3], a: [.int64(3), .null, .null], b: [.null, .null, .null],
      [.present, .notFound, .notFound])
    try trial.write([(2, t - 90, nil)], a: [1])
    try trial.expect([2], a: [.int64(1)], b: [.null], [.present])
  },
  OnlineCheck(name: "a deletion stands over history, and history over an earlier one") { trial in
    guard let store = try trial.materialized() else { return }
    let t = trial.now
    try trial.gain(store, [(1, t - 5, nil), (2, t - 5, nil)], a: [7, 7], b: ["h", "h"])
    // The view has a created time, which a deletion's is now: it is greater at equal times.
    try trial.delete(1, at: t - 5)
    try trial.delete(2, at: t - 6)
    try trial.expect([1, 2], a: [.null, .int64(7)], [.notFound, .present])
    try trial.gain(store, [(1, t - 6, nil)], a: [8], b: ["i"])
    try trial.expect([1], a: [.null], [.notFound])
    // What follows a deletion has nothing of before it.
    try trial.write([(1, t - 4, nil)], a: [1])
    try trial.gain(store, [(1, t - 5, nil)], a: [9], b: ["k"])
    try trial.expect([1], a: [.int64(1)], b: [.null])
    try trial.gain(store, [(1, t - 3, nil)], a: [9], b: ["l"])
    try trial.expect([1], a: [.int64(9)], b: [.string("l")])
  },
  OnlineCheck(name: "under a direct write, what of history's is past the time to live is null") {
    trial in
    guard let store = try trial.materialized() else { return }
    let t = trial.now
    try trial.gain(store, [(1, t - 100, nil)], a: [7], b: ["h"])
    try trial.write([(1, t, nil)], a: [1])
    try trial.expect([1], a: [.int64(1)], b: [.string("h")])
    trial.clock.advance(microseconds: 1)
    try trial.expect([1], a: [.int64(1)], b: [.null])
    try trial.expect([1], a: [.int64(1)], b: [.string("h")], at: t)
    try trial.expect([1], a: [.int64(1)], b: [.string("h")], includeExpired: true)
  },
]

extension OnlineTrial {
  /// The store with its table, if it is one that history is materialized to.
  fileprivate func materialized() throws -> (any WatermarkedOnlineStore)? {
    guard let store = store as? any WatermarkedOnlineStore else { return nil }
    try make()
    return store
  }

  fileprivate func keys(_ keys: [Int64]) throws -> RecordBatch {
    try RecordBatch(["driver_id": .int64(keys)])
  }

  fileprivate func gain(
    _ store: any WatermarkedOnlineStore, _ rows: [(key: Int64, event: Int64, known: Int64?)],
    a: [Int64?], b: [String?]
  ) throws {
    try store.writeBatch(try batch(rows, a: a, b: b), to: view, watermark: nil, progress: nil)
  }

  fileprivate func replace(
    _ store: any WatermarkedOnlineStore, _ rows: [(key: Int64, event: Int64, known: Int64?)],
    a: [Int64?], b: [String?]
  ) throws {
    try store.replaceHistory(try batch(rows, a: a, b: b), in: view, watermark: nil)
  }
}
