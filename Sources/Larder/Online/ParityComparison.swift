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
  let view: ResolvedView
  private let history: SegmentOfflineStore

  init(_ view: ResolvedView, _ history: SegmentOfflineStore) {
    self.view = view
    self.history = history
  }

  /// What the join answers for keys at a time: the features, then the event time.
  func answers(of keys: RecordBatch, at time: Timestamp) throws(LarderError) -> [Column] {
    try HistoryAnswers(view.definition, history).answers(of: keys, at: time)
  }

  /// Calls a closure with each row that history has of some keys at one event time each, those that
  /// others took the place of among them.
  ///
  /// - Parameters:
  ///   - wanted: places among the keys.
  ///   - body: told the place, and the row: the features, then the event time.
  /// - Complexity: O(rows between the first and the last of these times).
  func forEachRow(
    of keys: RecordBatch, at events: [Int: Int64],
    _ body: (_ place: Int, _ columns: [Column], _ row: Int) throws(LarderError) -> Void
  ) throws(LarderError) {
    let definition = view.definition
    let names = definition.isEntityless ? [] : definition.joinKeys.map(\.name)
    guard let first = events.values.min(), let last = events.values.max() else { return }
    var places: [Int64: [[Value]: Int]] = [:]
    for (place, event) in events {
      places[event, default: [:]][names.map { keys[$0]?[place] ?? .null }] = place
    }
    let unit = definition.timeUnit
    let job = try history.pullAll(
      definition, features: nil, from: Timestamp(ticks: first, unit: unit),
      through: Timestamp(ticks: last, unit: unit))
    var failure: LarderError?
    do {
      try job.forEachBatch { batch in
        guard let times = batch[definition.eventTimestamp] else { return }
        let columns = definition.features.compactMap { batch[$0.name] } + [times]
        for row in 0..<batch.count {
          guard case .timestamp(let time) = times[row], let known = places[time.ticks],
            let place = known[names.map { batch[$0]?[row] ?? .null }]
          else { continue }
          do throws(LarderError) { try body(place, columns, row) } catch {
            failure = error
            throw error
          }
        }
      }
    } catch {
      if let failure { throw failure }
      throw LarderError(error, during: "Reading history")
    }
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
      if let column = difference(found, origins[row], expected, row, row, definition) {
        doubtful.append((row, column))
      }
    }
    if doubtful.isEmpty { return findings }
    let ahead = try ahead(keys, doubtful.map(\.row))
    findings.ahead += ahead.count
    for (row, column) in doubtful where !ahead.contains(row) {
      findings.differences.append(described(keys, row, column, found, expected))
    }
    return findings
  }

  /// Which of some keys have what came to history since the watermark, by an unfinished run or one of
  /// a given range; as the view is now, since such a run wrote it as the view was by then.
  private func ahead(_ keys: RecordBatch, _ doubtful: [Int]) throws(LarderError) -> Set<Int> {
    if hasRowsOfNoCommit { return Set(doubtful) }
    let definition = newest.view.definition
    let through = watermark.through.floor(in: definition.timeUnit)
    let now = try newest.answers(of: keys, at: watermark.through)
    let origins = try online.origins(of: keys, in: newest.view)
    let found = try online.read(
      keys, from: newest.view, features: nil, at: watermark.through, includeExpired: false)
    var ahead: Set<Int> = []
    var unexplained: [Int: Int64] = [:]
    for row in doubtful {
      let event = origins[row]?.historyEvent
      if let event, event > through {
        ahead.insert(row)
      } else if difference(found, origins[row], now, row, row, definition) == nil {
        ahead.insert(row)
      } else if let event, begun != .none {
        unexplained[row] = event
      }
    }
    // A run of a given range may have brought a row that a later commit took the place of.
    try newest.forEachRow(of: keys, at: unexplained) { (place, columns, row) throws(LarderError) in
      if difference(found, origins[place], columns, place, row, definition) == nil {
        ahead.insert(place)
      }
    }
    return ahead
  }

  /// The first column in which what a key has of history's differs; nil if none does.
  ///
  /// - Parameters:
  ///   - place: the key's place in what was found, and `row` that in what is expected.
  ///   - definition: of the view by which both were read.
  private func difference(
    _ found: OnlineRows, _ origin: RowOrigin?, _ expected: [Column], _ place: Int, _ row: Int,
    _ definition: FeatureView
  ) -> String? {
    var event: Int64?
    if case .timestamp(let time) = expected[definition.features.count][row] { event = time.ticks }
    guard let origin else { return event == nil ? nil : definition.eventTimestamp }
    if origin.isDirect {
      // A table from before rows knew what is history's under a direct write says nothing of it.
      if watermark.chainHash == 0 { return nil }
      if let event, event > origin.event { return definition.eventTimestamp }
    }
    if held(origin, definition) != event { return definition.eventTimestamp }
    guard origin.isThere, event != nil || origin.isDirect else { return nil }
    for (position, field) in definition.features.enumerated() where origin.fromHistory[position] {
      let isSame = sameValue(
        found.features.columns[position][place], expected[position][row])
      if !isSame { return field.name }
    }
    return nil
  }

  /// The event time of history's answer that the table holds, unless it is past the time to live.
  private func held(_ origin: RowOrigin, _ definition: FeatureView) -> Int64? {
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
