import LarderColumns

/// The point-in-time rule itself, written for eyes and not for speed.
struct ReferenceAnswer {
  /// The row that answers, if one does.
  var row: ReferenceHistory.Row?
  /// Why.
  var status: RetrievalStatus

  /// Asks the rows of one key, given in the order in which they were committed.
  ///
  /// - Parameters:
  ///   - rows: every row of the key.
  ///   - time: the time asked for.
  ///   - view: for the unit, the time to live, and whether there is a created column.
  ///   - asKnown: whether a row counts only if it was created by then.
  init(
    _ rows: [ReferenceHistory.Row], at time: Timestamp, of view: FeatureView, asKnown: Bool
  ) {
    let tick = Int128(view.timeUnit.nanosecondsPerTick)
    let asked = time.exactNanoseconds
    let notLater = rows.filter { Int128($0.event) * tick <= asked }
    let alive = notLater.filter { row in
      guard let timeToLive = view.timeToLiveNanoseconds else { return true }
      return Int128(row.event) * tick >= asked - timeToLive
    }
    let known = alive.filter { row in
      guard asKnown, view.createdTimestamp != nil else { return true }
      guard let created = row.created else { return false }
      return Int128(created) * tick <= asked
    }
    row = nil
    for candidate in known {
      guard let best = row else {
        row = candidate
        continue
      }
      // A later row of an equal rank replaces the best so far: committed last wins.
      if ReferenceAnswer.rank(candidate) >= ReferenceAnswer.rank(best) { row = candidate }
    }
    if row != nil {
      status = .present
    } else if rows.isEmpty {
      status = .noEntity
    } else if notLater.isEmpty {
      status = .onlyLater
    } else if alive.isEmpty {
      status = .expired
    } else {
      status = .notYetKnown
    }
  }

  /// The answer for a null key or a null time.
  init() {
    row = nil
    status = .noEntity
  }

  /// By event time, then by created time with null least.
  private static func rank(_ row: ReferenceHistory.Row) -> (Int64, Int, Int64) {
    (row.event, row.created == nil ? 0 : 1, row.created ?? 0)
  }
}
