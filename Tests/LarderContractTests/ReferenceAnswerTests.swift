import LarderColumns
import LarderContract
import TestSupport
import Testing

/// The reference finds its answers by bisection; here the rule is put to every row in turn.
@Suite struct ReferenceAnswerTests {
  @Test func agreesWithThePlainRule() throws {
    for seed in 0..<UInt64(300) {
      var random = SeededRandom(seed: seed)
      let timesToLive: [Duration?] = [nil, .zero, .microseconds(3), .nanoseconds(2_500)]
      let view = FeatureView(
        "v", entities: [Entity("e", joinKeys: [.int64("id")])], features: [],
        timeToLive: timesToLive[random.int(0...3)], eventTimestamp: "at",
        createdTimestamp: random.chance(0.7) ? "known" : nil)
      var history = ReferenceHistory()
      for commit in 1...UInt64(random.int(1...4)) {
        let rows = 0..<random.int(0...12)
        var columns: KeyValuePairs<String, Column> {
          ["id": .int64(rows.map { _ in Int64(random.int(0...1)) }), "at": time(rows, &random)]
        }
        var batch = try RecordBatch(columns)
        if let created = view.createdTimestamp {
          batch = try RecordBatch(
            schema: Schema(batch.schema.fields + [ColumnField(created, .timestamp(.microseconds))]),
            columns: batch.columns + [
              .timestamp(rows.map { _ in random.chance(0.2) ? nil : Int64(random.int(0...9)) })
            ], count: rows.count)
        }
        try history.append(batch, to: view, commit: commit)
      }
      for nanoseconds in stride(from: Int64(-1_000), through: 11_000, by: 500) {
        let asked = Timestamp(ticks: nanoseconds, unit: .nanoseconds)
        for asKnown in [false, true] {
          for id in Int64(0)...2 {
            let found = ReferenceAnswer(
              history, [.int64(id)], at: asked, of: view, asKnown: asKnown)
            let plain = plainAnswer(history, [.int64(id)], asked, view, asKnown: asKnown)
            #expect(
              found.row?.batch == plain.row?.batch && found.row?.row == plain.row?.row
                && found.status == plain.status,
              "seed \(seed), id \(id) at \(nanoseconds) ns, asKnown \(asKnown)")
          }
        }
      }
    }
  }

  private func time(_ rows: Range<Int>, _ random: inout SeededRandom) -> Column {
    .timestamp(rows.map { _ in Int64(random.int(0...9)) })
  }
}

/// The rule, put to each row of the history, whatever its key.
private func plainAnswer(
  _ history: ReferenceHistory, _ key: [Value], _ asked: Timestamp, _ view: FeatureView,
  asKnown: Bool
) -> (row: ReferenceHistory.Row?, status: RetrievalStatus) {
  func instant(_ ticks: Int64) -> Timestamp { Timestamp(ticks: ticks, unit: view.timeUnit) }
  let rows = history.rows.filter { history.keys[$0.key] == key }
  let notLater = rows.filter { instant($0.event) <= asked }
  let alive = notLater.filter { row in
    guard let limit = view.timeToLiveNanoseconds else { return true }
    return asked.exactNanoseconds - instant(row.event).exactNanoseconds <= limit
  }
  let known = alive.filter { row in
    guard asKnown, view.createdTimestamp != nil else { return true }
    return row.created.map { instant($0) <= asked } ?? false
  }
  // Later rows of an equal rank replace earlier ones: committed last wins.
  let best = known.reduce(nil as ReferenceHistory.Row?) { best, row in
    guard let best else { return row }
    if row.event != best.event { return row.event > best.event ? row : best }
    guard let bestCreated = best.created else { return row }
    guard let created = row.created else { return best }
    return created >= bestCreated ? row : best
  }
  if let best { return (best, .present) }
  if rows.isEmpty { return (nil, .noEntity) }
  if notLater.isEmpty { return (nil, .onlyLater) }
  return (nil, alive.isEmpty ? .expired : .notYetKnown)
}
