import LarderColumns
import LarderContract
import LarderOffline
import LarderOnline

/// A view as history had it at an online table's watermark.
struct PastView {
  /// Its definition of then.
  let view: ResolvedView
  /// History as of then.
  let history: SegmentOfflineStore

  /// Finds the state; nil if it is no longer kept, and then the reason is told.
  ///
  /// What the view is now stands for it, if the view did not change since.
  init?(
    of view: ResolvedView, at watermark: OnlineWatermark, in history: SegmentOfflineStore,
    newest: Snapshot, reason: inout String?
  ) throws(LarderError) {
    let isForeign =
      newest.relation(to: watermark.commit, chainHash: watermark.chainHash) == .foreign
    if watermark.commit > newest.commit.id || isForeign && watermark.chainHash != 0 {
      reason =
        "it was materialized from commit \(watermark.commit) of a history that this store does not "
        + "have; materialize it again"
      return nil
    }
    var state: SegmentOfflineStore?
    do throws(LarderError) { state = try history.at(watermark.commit) } catch {
      guard error.code == .notFound else { throw error }
      let segments = newest.segments[UInt64(view.table)] ?? []
      if newest.lastRevision(of: UInt64(view.table)) <= watermark.commit,
        segments.allSatisfy({ $0.lastCommit <= watermark.commit })
      {
        state = history.at(newest)
      }
    }
    guard let state, let stored = state.pinned?.catalog.view(id: UInt64(view.table)) else {
      reason =
        "commit \(watermark.commit), up to which it was materialized, is no longer kept, and the "
        + "view has changed since; materialize it again"
      return nil
    }
    self.history = state
    self.view = try ResolvedView(stored)
  }

  /// What the join answers for keys at a time: the features, then the event time.
  func answers(of keys: RecordBatch, at time: Timestamp) throws(LarderError) -> [Column] {
    try HistoryAnswers(view.definition, history).answers(of: keys, at: time)
  }

  /// Those of some keys of which history has no row at all.
  func unknown(of keys: RecordBatch) throws(LarderError) -> RecordBatch {
    let answers = HistoryAnswers(view.definition.withoutTimeToLive, history)
    let events = try answers.events(
      of: keys, at: Timestamp(ticks: .max, unit: view.definition.timeUnit))
    return try keys.rows((0..<keys.count).filter { !events.isValid($0) })
  }
}

/// A view as history has it now.
struct NewestView {
  private let view: ResolvedView
  private let history: SegmentOfflineStore

  init(_ view: ResolvedView, _ history: SegmentOfflineStore) {
    self.view = view
    self.history = history
  }

  /// What the join answers for keys at a time, in the columns of another state of the view: the
  /// features, null where they are gone, then the event time.
  func answers(
    of keys: RecordBatch, at times: Column, as other: ResolvedView
  ) throws(LarderError) -> [Column] {
    let own = try HistoryAnswers(view.definition, history).answers(of: keys, at: times)
    let ids = view.featureIDs ?? []
    var columns: [Column] = []
    for (id, field) in zip(other.featureIDs ?? [], other.definition.features) {
      if let place = ids.firstIndex(of: id) {
        columns.append(own[place])
      } else {
        columns.append(try .of(field.type, [Value](repeating: .null, count: keys.count)))
      }
    }
    return columns + own.suffix(1)
  }
}

/// Compares keys of an online table with what history answers.
struct ParityComparison {
  /// What was found of some keys.
  struct Findings {
    var direct = 0
    var ahead = 0
    var differences: [ParityReport.Difference] = []
  }

  let past: PastView
  let online: MappedOnlineStore
  let newest: NewestView
  let watermark: OnlineWatermark
  /// What was begun since the watermark.
  let begun: HistoryRun
  /// Whether what no commit explains is of a run that goes further than the watermark.
  let hasRowsOfNoCommit: Bool

  private var definition: FeatureView { past.view.definition }

  /// Compares what the table has of history's with the join at the watermark.
  func compare(_ keys: RecordBatch) throws(LarderError) -> Findings {
    let expected = try past.answers(of: keys, at: watermark.through)
    let origins = try online.origins(of: keys, in: past.view)
    let found = try online.read(
      keys, from: past.view, features: nil, at: watermark.through, includeExpired: false)
    var findings = Findings()
    var doubtful: [(row: Int, column: String)] = []
    for row in 0..<keys.count {
      if origins[row]?.isDirect == true { findings.direct += 1 }
      if let column = difference(found, origins[row], expected, row) {
        doubtful.append((row, column))
      }
    }
    if doubtful.isEmpty { return findings }
    // What came since the watermark, by an unfinished run or one of a given range.
    let unit = definition.timeUnit
    let times = [Int64?](repeating: watermark.through.ticks, count: keys.count)
    let now = try newest.answers(
      of: keys, at: .timestamp(times, unit: watermark.through.unit), as: past.view)
    // A run of a given range may have brought a row that is not the newest.
    let own = try newest.answers(
      of: keys, at: .timestamp(origins.map { $0?.historyEvent }, unit: unit), as: past.view)
    let through = watermark.through.floor(in: unit)
    for (row, column) in doubtful {
      if hasRowsOfNoCommit {
        findings.ahead += 1
      } else if let event = origins[row]?.historyEvent, event > through {
        findings.ahead += 1
      } else if difference(found, origins[row], now, row) == nil {
        findings.ahead += 1
      } else if begun != .none, difference(found, origins[row], own, row) == nil {
        findings.ahead += 1
      } else {
        findings.differences.append(described(keys, row, column, found, expected))
      }
    }
    return findings
  }

  /// The first column in which what a key has of history's differs; nil if none does.
  private func difference(
    _ found: OnlineRows, _ origin: RowOrigin?, _ expected: [Column], _ row: Int
  ) -> String? {
    var event: Int64?
    if case .timestamp(let time) = expected[definition.features.count][row] { event = time.ticks }
    guard let origin else { return event == nil ? nil : definition.eventTimestamp }
    if origin.isDirect {
      // A table from before rows knew what is history's under a direct write says nothing of it.
      if watermark.chainHash == 0 { return nil }
      if let event, event > origin.event { return definition.eventTimestamp }
    }
    if held(origin) != event { return definition.eventTimestamp }
    guard origin.isThere, event != nil || origin.isDirect else { return nil }
    for (position, field) in definition.features.enumerated() where origin.fromHistory[position] {
      let isSame = sameValue(
        found.features.columns[position][row], expected[position][row])
      if !isSame { return field.name }
    }
    return nil
  }

  /// The event time of history's answer that the table holds, unless it is past the time to live.
  private func held(_ origin: RowOrigin) -> Int64? {
    guard let event = origin.historyEvent,
      !definition.isExpired(event: event, at: watermark.through)
    else { return nil }
    return event
  }

  /// Whether two values are the same but for a widening of their type.
  private func sameValue(_ found: Value, _ expected: Value) -> Bool {
    if found == expected { return true }
    switch (found, expected) {
    case (.int32(let x), .int64(let y)), (.int64(let y), .int32(let x)): return Int64(x) == y
    case (.float32(let x), .float64(let y)), (.float64(let y), .float32(let x)):
      return Double(x).bitPattern == y.bitPattern
    default: return false
    }
  }

  private func described(
    _ keys: RecordBatch, _ row: Int, _ column: String, _ found: OnlineRows, _ expected: [Column]
  ) -> ParityReport.Difference {
    var key: [String: Value] = [:]
    for (field, column) in zip(keys.schema.fields, keys.columns) { key[field.name] = column[row] }
    let position = definition.features.firstIndex { $0.name == column }
    return ParityReport.Difference(
      key: key, column: column,
      online: position.map { found.features.columns[$0][row] } ?? found.eventTimes[row],
      offline: expected[position ?? definition.features.count][row])
  }
}
