import LarderColumns
import LarderContract

/// A point-in-time join of one view by sorting: nothing of the engine's, for workloads that are too
/// large for the brute force of the reference store.
struct PlainJoin {
  /// Rows of one key, ascending by (event time, created time with null first, arrival).
  private var byKey: [[Value]: [Entry]] = [:]
  private let view: FeatureView

  private struct Entry {
    var event: Timestamp
    var created: Timestamp?
    var arrival: Int
    var row: Int
  }

  /// - Parameters:
  ///   - history: the rows.
  ///   - arrivals: the order in which the rows were committed, as row numbers.
  init(_ view: FeatureView, _ history: RecordBatch, arrivals: [Int]) {
    self.view = view
    let keys = view.joinKeys.compactMap { history[$0.name] }
    guard let events = history[view.eventTimestamp] else { return }
    let created = view.createdTimestamp.flatMap { history[$0] }
    for (arrival, row) in arrivals.enumerated() {
      guard case .timestamp(let event) = events[row] else { continue }
      var known: Timestamp?
      if case .timestamp(let time)? = created?[row] { known = time }
      byKey[keys.map { $0[row] }, default: []].append(
        Entry(event: event, created: known, arrival: arrival, row: row))
    }
    for key in byKey.keys {
      byKey[key]?.sort { a, b in
        if a.event != b.event { return a.event < b.event }
        if a.created != b.created {
          guard let x = a.created else { return true }
          guard let y = b.created else { return false }
          return x < y
        }
        return a.arrival < b.arrival
      }
    }
  }

  /// The row of history that answers a spine row; nil if none does.
  func answer(_ key: [Value], at time: Timestamp) -> Int? {
    guard let entries = byKey[key] else { return nil }
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].event <= time { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    let found = entries[low - 1]
    if let age = view.timeToLiveNanoseconds,
      found.event.exactNanoseconds < time.exactNanoseconds - age
    {
      return nil
    }
    return found.row
  }
}
