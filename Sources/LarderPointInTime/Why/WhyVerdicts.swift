import LarderColumns
import LarderContract
import LarderEncodings
import LarderOffline

/// Judges the rows of one key as they come: by event time, created time and commit.
struct WhyVerdicts {
  private struct Row {
    var id: UInt32
    var segment: Int
    var row: Int
    var event: Int64
    var created: Int64?
    var verdict: WhyReport.Verdict
  }

  private let view: FeatureView
  private let time: Timestamp
  private let asKnown: Bool
  private let limit: Int
  /// The last rows that are not later than asked for.
  private var kept: [Row] = []
  /// The first row that is later.
  private var next: Row?
  private var answer: Row?
  private var counts: [WhyReport.Verdict: Int] = [:]

  init(_ view: FeatureView, at time: Timestamp, asKnown: Bool, limit: Int) {
    self.view = view
    self.time = time
    self.asKnown = asKnown
    self.limit = limit
  }

  /// Takes the next row into account.
  mutating func add(
    _ tables: SearchTables, _ segment: Int, _ row: Int, _ id: UInt32
  ) throws(LarderError) {
    let event = try tables.eventTime(segment, row)
    var created: Int64?
    if let times = tables[segment].created {
      try tables[segment].createdColumn?.ensureVerified(rows: row..<row + 1)
      created = unsafe times.time(at: row)
    }
    let verdict = self.verdict(event, created)
    counts[verdict, default: 0] += 1
    let judged = Row(
      id: id, segment: segment, row: row, event: event, created: created, verdict: verdict)
    if verdict == .later {
      if next == nil { next = judged }
      return
    }
    if verdict == .answer { outrank(by: judged) }
    kept.append(judged)
    if kept.count >= limit * 2 { kept.removeFirst(kept.count - limit) }
  }

  /// Rows come in the order of their ranks, so that each that may answer beats those before it.
  private mutating func outrank(by row: Row) {
    defer { answer = row }
    guard let loser = answer else { return }
    if row.event != loser.event {
      let ties = (counts[.earlierCreated] ?? 0) + (counts[.earlierCommit] ?? 0)
      counts[.earlierEvent, default: 0] += 1 + ties
      counts[.earlierCreated] = nil
      counts[.earlierCommit] = nil
    } else if row.created != loser.created {
      counts[.earlierCreated, default: 0] += 1 + (counts[.earlierCommit] ?? 0)
      counts[.earlierCommit] = nil
    } else {
      counts[.earlierCommit, default: 0] += 1
    }
  }

  /// What a row would be if no other came after it.
  private func verdict(_ event: Int64, _ created: Int64?) -> WhyReport.Verdict {
    let tick = Int128(view.timeUnit.nanosecondsPerTick)
    let asked = time.exactNanoseconds
    if Int128(event) * tick > asked { return .later }
    if let timeToLive = view.timeToLiveNanoseconds, Int128(event) * tick < asked - timeToLive {
      return .expired
    }
    if asKnown, view.createdTimestamp != nil {
      guard let created, Int128(created) * tick <= asked else { return .notYetKnown }
    }
    return .answer
  }

  /// The report on all rows.
  consuming func report(_ reader: PullReader) throws(LarderError) -> WhyReport {
    var listed = Array(kept.suffix(limit))
    if let next { listed.append(next) }
    for index in listed.indices where listed[index].verdict == .answer {
      listed[index].verdict = against(listed[index])
    }
    // Every row that might have answered was counted as an answer; all but one lost to it.
    if answer != nil { counts[.answer] = 1 }
    var rows = PulledRows()
    for row in listed.reversed() { rows.append(row.id, row.segment, row.row) }
    let values = try reader.read(rows)
    let keys = view.joinKeys.count
    var candidates: [WhyReport.Candidate] = []
    for (index, row) in listed.reversed().enumerated() {
      let bounds = reader.tables[row.segment].segment.description
      candidates.append(
        WhyReport.Candidate(
          event: Timestamp(ticks: row.event, unit: view.timeUnit),
          created: row.created.map { Timestamp(ticks: $0, unit: view.timeUnit) },
          commits: bounds.firstCommit...bounds.lastCommit, verdict: row.verdict,
          values: (keys..<keys + view.features.count).map { values.columns[$0][index] }))
    }
    return WhyReport(
      view: view.name, time: time, status: status, rule: rule, candidates: candidates,
      counts: counts)
  }

  /// What a row that might have answered is beside the one that does.
  private func against(_ row: Row) -> WhyReport.Verdict {
    guard let answer, row.segment != answer.segment || row.row != answer.row else {
      return .answer
    }
    if row.event != answer.event { return .earlierEvent }
    return row.created != answer.created ? .earlierCreated : .earlierCommit
  }

  private var status: RetrievalStatus {
    if answer != nil { return .present }
    if counts.isEmpty { return .noEntity }
    if counts[.notYetKnown] != nil { return .notYetKnown }
    return counts[.expired] != nil ? .expired : .onlyLater
  }

  private var rule: String {
    switch status {
    case .noEntity: return "The view has no row of this key."
    case .onlyLater: return "Every row of this key is later than the time asked for."
    case .expired:
      return "The newest row that is not later is older than the time to live allows."
    case .notYetKnown:
      return "Rows lie within the time to live, and none had been created by the time asked for."
    case .present: break
    }
    if counts[.earlierCommit] != nil {
      return "Several rows have the greatest event and created time; the one committed last "
        + "answers."
    }
    if counts[.earlierCreated] != nil {
      return "Several rows have the greatest event time; the one of the greatest created time "
        + "answers, none counting as least."
    }
    if counts[.earlierEvent] != nil {
      return "The row of the greatest event time that is not later and within the time to live "
        + "answers."
    }
    return "It is the only row that is not later and within the time to live."
  }
}
