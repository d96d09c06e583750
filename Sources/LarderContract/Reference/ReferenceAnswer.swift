import LarderColumns

/// The point-in-time rule itself, written for eyes and not for speed.
package struct ReferenceAnswer {
  /// The row that answers, if one does.
  package var row: ReferenceHistory.Row?
  /// Why.
  package var status: RetrievalStatus

  /// Asks the rows of one key.
  ///
  /// - Parameters:
  ///   - history: the view's rows.
  ///   - key: the values of the join keys.
  ///   - time: the time asked for.
  ///   - view: for the unit, the time to live, and whether there is a created column.
  ///   - asKnown: whether a row counts only if it was created by then.
  /// - Complexity: O(log(rows of the key)), and O(rows) where many were not known yet.
  package init(
    _ history: ReferenceHistory, _ key: [Value], at time: Timestamp, of view: FeatureView,
    asKnown: Bool
  ) {
    let tick = Int128(view.timeUnit.nanosecondsPerTick)
    let asked = time.exactNanoseconds
    // Ranked by event time first: those not too late are a prefix, those not too old a suffix.
    let rows = history.rows(of: key)
    let notLater = rows.prefix(
      rows.leadingCount { Int128(history.rows[$0].event) * tick <= asked })
    var alive = notLater
    if let timeToLive = view.timeToLiveNanoseconds {
      alive = notLater.dropFirst(
        rows.leadingCount { Int128(history.rows[$0].event) * tick < asked - timeToLive })
    }
    let answer = alive.last { position in
      guard asKnown, view.createdTimestamp != nil else { return true }
      guard let created = history.rows[position].created else { return false }
      return Int128(created) * tick <= asked
    }
    row = answer.map { history.rows[$0] }
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
}

extension Array {
  /// How many elements from the start on fulfil a condition that no later one fulfils.
  fileprivate func leadingCount(_ condition: (Element) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if condition(self[middle]) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
