import Larder

/// A view under the name by which a demo's query uses it.
struct DemoSource {
  var name: String
  var view: FeatureView
  var projection: Projection?

  /// The views that a query's features name, in the order of their first naming.
  static func sources(of query: DemoQuery, in views: [FeatureView]) -> [DemoSource] {
    var sources: [DemoSource] = []
    for reference in query.features {
      if sources.contains(where: { $0.name == reference.view }) { continue }
      let projection = query.projections.first { $0.alias == reference.view }
      let viewName = projection?.view ?? reference.view
      guard let view = views.first(where: { $0.name == viewName }) else { continue }
      sources.append(DemoSource(name: reference.view, view: view, projection: projection))
    }
    return sources
  }

  /// The spine's column for a join key.
  func column(of key: JoinKey) -> String { projection?.joinKeys[key.name] ?? key.name }

  /// How many spine rows have a match, found the slow and obvious way: for each spine row, look
  /// through all event times of its key.
  func plainCount(
    _ spine: RecordBatch, _ timestamp: String, _ store: FeatureStore
  ) throws(LarderError) -> Int {
    let history = try store.pullAll(view.name).collect()
    let keys = view.isEntityless ? [] : view.joinKeys
    var times: [[Value]: [Int128]] = [:]
    for row in 0..<history.count {
      let key = keys.map { history[$0.name]?[row] ?? .null }
      guard case .timestamp(let time) = history[view.eventTimestamp]?[row] else { continue }
      times[key, default: []].append(time.exactNanoseconds)
    }
    var matched = 0
    for row in 0..<spine.count {
      guard case .timestamp(let time) = spine[timestamp]?[row] else { continue }
      let key = keys.map { spine[column(of: $0)]?[row] ?? .null }
      if key.contains(.null) { continue }
      let latest = time.exactNanoseconds
      let earliest = view.timeToLiveNanoseconds.map { latest - $0 } ?? .min
      let isMatch = times[key]?.contains { $0 <= latest && $0 >= earliest }
      if isMatch == true { matched += 1 }
    }
    return matched
  }
}
