import LarderColumns

/// Where the rows of a pull come from.
enum PullSource {
  case latest(LatestCursor)
  case all(RunCursor)

  mutating func next(_ limit: Int, into rows: inout PulledRows) throws(LarderError) -> Bool {
    switch self {
    case .latest(var cursor):
      let hasMore = try cursor.next(limit, into: &rows)
      self = .latest(cursor)
      return hasMore
    case .all(var cursor):
      let hasMore = try cursor.next(limit, into: &rows)
      self = .all(cursor)
      return hasMore
    }
  }
}
