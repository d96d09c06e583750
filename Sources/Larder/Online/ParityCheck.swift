import LarderColumns
import LarderContract
import LarderOffline
import LarderOnline
import LarderPointInTime

extension FeatureStore {
  /// Compares online tables with history: what a table says at its watermark must be what the
  /// point-in-time join says at that time and commit.
  ///
  /// Keys whose newest row was written directly are counted apart, and so are those that runs since
  /// the watermark brought further.
  ///
  /// - Parameters:
  ///   - views: the views' names; nil for all.
  ///   - sample: how many keys of each view to compare, chosen by `seed`; nil for all.
  ///   - seed: what the sample is drawn with; nil for a random number, which the report names.
  ///   - progress: told how many keys were compared.
  ///   - isCancelled: asked between batches; true ends the comparison with `cancelled`.
  /// - Throws: `notFound` for an unknown view; `unsupported` if the stores are not Larder's own.
  /// - Complexity: O(entities of history) to choose, then O(keys compared).
  public func verifyParity(
    _ views: [String]? = nil, sample: Int? = nil, seed: UInt64? = nil,
    progress: (@Sendable (Int) -> Void)? = nil, isCancelled: (@Sendable () -> Bool)? = nil
  ) throws(LarderError) -> ParityReport {
    guard let online = try requireOnline() as? MappedOnlineStore else {
      throw LarderError(.unsupported, "Parity is checked of Larder's own online store.")
    }
    let history = try segments(for: "Parity with history")
    var chosen = try definitions().featureViews
    if let views {
      chosen = []
      for name in views { chosen.append(try view(named: name)) }
    }
    let watch = MaterializationWatch(progress: progress, isCancelled: isCancelled)
    var report = ParityReport(views: [], seed: seed ?? UInt64.random(in: 0 ... .max))
    for view in chosen {
      var check = ParityCheck(
        view: view, online: online, history: history, sample: sample,
        random: KeySampler(seed: report.seed), watch: watch,
        before: report.views.reduce(0) { $0 + $1.keys })
      // A run that ends meanwhile moves the watermark: then what was compared is another state.
      var patience = 3
      while true {
        try check.run()
        patience -= 1
        if try check.report.watermark == check.watermark() || patience == 0 { break }
      }
      report.views.append(check.report)
    }
    return report
  }
}

/// The comparison of one view.
private struct ParityCheck {
  let view: FeatureView
  let online: MappedOnlineStore
  let history: SegmentOfflineStore
  let sample: Int?
  let random: KeySampler
  let watch: MaterializationWatch
  /// Keys of other views that were compared before.
  let before: Int
  private(set) var report = ParityReport.View(name: "")

  private static let samples = 20

  init(
    view: FeatureView, online: MappedOnlineStore, history: SegmentOfflineStore, sample: Int?,
    random: KeySampler, watch: MaterializationWatch, before: Int
  ) {
    self.view = view
    self.online = online
    self.history = history
    self.sample = sample
    self.random = random
    self.watch = watch
    self.before = before
  }

  /// The watermark of now; nil if nothing was ever materialized.
  func watermark() throws(LarderError) -> OnlineWatermark? {
    do throws(LarderError) { return try online.watermark(of: view) } catch {
      guard error.code == .notFound else { throw error }
      return nil
    }
  }

  /// Compares anew.
  mutating func run() throws(LarderError) {
    report = ParityReport.View(name: view.name)
    report.watermark = try watermark()
    guard let watermark = report.watermark else {
      report.reason = "nothing was materialized yet"
      return
    }
    guard let past = try state(at: watermark.commit) else {
      report.reason =
        "commit \(watermark.commit), up to which it was materialized, is no longer kept, and the "
        + "view has changed since; materialize it again"
      return
    }
    var random = random
    var chosen = KeyReservoir(view, places: sample)
    let keys = try past.pullLatest(view, features: [], from: nil, through: nil)
    do {
      try keys.forEachBatch { batch in
        try watch.check()
        if sample == nil {
          try compare(batch.keys(of: view), past, watermark)
        } else {
          chosen.offer(batch, &random)
        }
      }
    } catch {
      throw LarderError(error, during: "Reading history")
    }
    for batch in try chosen.batches() { try compare(batch, past, watermark) }
    // Keys that only the online table has are found there alone.
    var found: [RecordBatch] = []
    try online.forEachKey(of: view, choosing: sample, random: { random.next() }) { batch in
      found.append(batch)
    }
    for batch in found { try compare(batch, past, watermark) }
  }

  /// History as of a commit, or as of now if the view did not change since; nil if neither is.
  private func state(at commit: UInt64) throws(LarderError) -> SegmentOfflineStore? {
    do throws(LarderError) { return try history.at(commit) } catch {
      guard error.code == .notFound else { throw error }
    }
    let head = try history.snapshot()
    let segments = try head.history(of: view).segments
    guard segments.allSatisfy({ $0.description.lastCommit <= commit }) else { return nil }
    return try history.at(head.commit.id)
  }

  private mutating func compare(
    _ keys: RecordBatch, _ past: SegmentOfflineStore, _ watermark: OnlineWatermark
  ) throws(LarderError) {
    try watch.check()
    let expected = try join(keys, past, watermark.through)
    let found = try online.read(
      keys, from: view, features: nil, at: watermark.through, includeExpired: false)
    let origins = try online.origins(of: keys, in: view)
    report.keys += keys.count
    watch.progress?(before + report.keys)
    var doubtful: [(row: Int, column: String)] = []
    for row in 0..<keys.count {
      if origins[row] == .direct {
        report.directKeys += 1
      } else if let column = difference(found, expected, row) {
        doubtful.append((row, column))
      }
    }
    if doubtful.isEmpty { return }
    // What came since the watermark, by an unfinished run or one of a given range.
    let newest = try join(keys, history, watermark.through)
    for (row, column) in doubtful {
      if case .timestamp(let event) = found.eventTimes[row], event > watermark.through {
        report.aheadKeys += 1
        continue
      }
      if difference(found, newest, row) == nil {
        report.aheadKeys += 1
        continue
      }
      report.differences += 1
      guard report.samples.count < ParityCheck.samples else { continue }
      report.samples.append(sample(keys, row, column, found, expected))
    }
  }

  /// What history says of keys at a time: the features, then the event time.
  private func join(
    _ keys: RecordBatch, _ state: SegmentOfflineStore, _ time: Timestamp
  ) throws(LarderError) -> [Column] {
    let name = view.joinKeys.contains { $0.name == "event_timestamp" } ? "at" : "event_timestamp"
    let times = [Int64?](repeating: time.ticks, count: keys.count)
    let spine = RecordBatch(
      unchecked: Schema(keys.schema.fields + [ColumnField(name, .timestamp(time.unit))]),
      columns: keys.columns + [.timestamp(times, unit: time.unit)], count: keys.count)
    let job = try state.historicalFeatures(
      for: spine, views: [view], features: [FeatureReference(view: view.name, feature: nil)],
      options: RetrievalOptions(timestamp: name, fullFeatureNames: true, withEventTimes: true))
    return Array(try job.collect().columns.dropFirst(spine.columns.count))
  }

  /// The first column in which a row differs; nil if none does.
  private func difference(_ found: OnlineRows, _ expected: [Column], _ row: Int) -> String? {
    let isAnswer = found.statuses[row] == .present || found.statuses[row] == .nullValue
    let event = isAnswer ? found.eventTimes[row] : .null
    if expected[view.features.count][row] != event { return view.eventTimestamp }
    guard isAnswer else { return nil }
    for (position, field) in view.features.enumerated()
    where found.features.columns[position][row] != expected[position][row] {
      return field.name
    }
    return nil
  }

  private func sample(
    _ keys: RecordBatch, _ row: Int, _ column: String, _ found: OnlineRows, _ expected: [Column]
  ) -> ParityReport.Difference {
    var key: [String: Value] = [:]
    for (field, column) in zip(keys.schema.fields, keys.columns) { key[field.name] = column[row] }
    let position = view.features.firstIndex { $0.name == column }
    return ParityReport.Difference(
      key: key, column: column,
      online: position.map { found.features.columns[$0][row] } ?? found.eventTimes[row],
      offline: expected[position ?? view.features.count][row])
  }
}

extension RecordBatch {
  /// The join-key columns of a view.
  fileprivate func keys(of view: FeatureView) -> RecordBatch {
    let names = view.isEntityless ? [] : view.joinKeys.map(\.name)
    let wanted = schema.fields.indices.filter { names.contains(schema.fields[$0].name) }
    return RecordBatch(
      unchecked: Schema(wanted.map { schema.fields[$0] }), columns: wanted.map { columns[$0] },
      count: count)
  }
}
