import LarderColumns
import LarderContract
import LarderOffline
import LarderOnline
import LarderPointInTime

extension FeatureStore {
  /// Compares online tables with history: what a table says at its watermark must be what the
  /// point-in-time join says at that time and commit.
  ///
  /// Of keys of which a direct write is served, what they have of history's is compared. Keys that
  /// runs since the watermark brought further are counted apart.
  ///
  /// - Parameters:
  ///   - views: the views' names; nil for all.
  ///   - sample: how many keys of each view to compare, chosen by `seed`; nil for all.
  ///   - seed: what the sample is drawn with; nil for a random number, which the report names.
  ///   - progress: told how many keys were compared.
  ///   - isCancelled: asked between batches; true ends the comparison with `cancelled`.
  /// - Throws: `notFound` for an unknown view.
  /// - Complexity: O(entities of history) to choose, then O(keys compared).
  public func verifyParity(
    _ views: [String]? = nil, sample: Int? = nil, seed: UInt64? = nil,
    progress: (@Sendable (Int) -> Void)? = nil, isCancelled: (@Sendable () -> Bool)? = nil
  ) throws(LarderError) -> ParityReport {
    let online = try requireOnline()
    let history = offlineStore
    let newest = try history.snapshot()
    var chosen: [ResolvedView] = []
    for name in views ?? newest.catalog.views.map(\.name) {
      chosen.append(try ResolvedView(try newest.catalog.requireView(name)))
    }
    let watch = MaterializationWatch(progress: progress, isCancelled: isCancelled)
    var report = ParityReport(views: [], seed: seed ?? UInt64.random(in: 0 ... .max))
    for view in chosen {
      var check = ParityCheck(
        view: view, online: online, history: history, sample: sample,
        random: KeySampler(seed: report.seed), watch: watch,
        before: report.views.reduce(0) { $0 + $1.keys })
      // A run that ends meanwhile moves the watermark: then what was compared is another state.
      var attempts = 3
      while true {
        try check.run()
        attempts -= 1
        if try check.report.watermark == check.watermark() || attempts == 0 { break }
      }
      report.views.append(check.report)
    }
    return report
  }
}

/// The comparison of one view.
private struct ParityCheck {
  /// The view as it is now.
  let view: ResolvedView
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
    view: ResolvedView, online: MappedOnlineStore, history: SegmentOfflineStore, sample: Int?,
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
    try online.knownWatermark(of: view)
  }

  /// Compares again.
  mutating func run() throws(LarderError) {
    report = ParityReport.View(name: view.name)
    report.watermark = try watermark()
    guard let watermark = report.watermark else {
      report.reason = "nothing was materialized yet"
      return
    }
    let newest = try history.snapshot()
    report.isBehind = newest.isBeyond(watermark, view: view.table)
    guard
      let past = try PastView(
        of: view, at: watermark, in: history, newest: newest, reason: &report.reason)
    else { return }
    let comparison = ParityComparison(
      past: past, online: online, newest: NewestView(view, history.at(newest)),
      watermark: watermark, begun: try online.begunRun(of: view),
      hasRowsOfNoCommit: try hasRowsOfNoCommit())
    var random = random
    var chosen = KeyReservoir(past.view.definition, places: sample)
    let keys = try past.history.pullLatest(
      past.view.definition, features: [], from: nil, through: nil)
    do {
      try keys.forEachBatch { batch in
        try watch.check()
        if sample == nil {
          try compare(batch.keys(of: past.view.definition), comparison)
        } else {
          chosen.offer(batch, &random)
        }
      }
    } catch {
      throw LarderError(error, during: "Reading history")
    }
    for batch in try chosen.batches() { try compare(batch, comparison) }
    // Keys that only the online table has are found there alone.
    var found: [RecordBatch] = []
    try online.forEachKey(of: past.view, choosing: sample, random: { random.next() }) { batch in
      found.append(batch)
    }
    for batch in found { try compare(try past.unknown(of: batch), comparison) }
  }

  /// Whether the table may have rows that neither the watermark's commit nor the newest explains:
  /// where values are recomputed and that is not finished, or where history was changed after rows
  /// had been brought further than the watermark says.
  private func hasRowsOfNoCommit() throws(LarderError) -> Bool {
    switch try online.begunRun(of: view) {
    case .none: false
    case .gaining: report.isBehind
    case .rebuilding: true
    }
  }

  private mutating func compare(
    _ keys: RecordBatch, _ comparison: ParityComparison
  ) throws(LarderError) {
    try watch.check()
    if keys.count == 0 { return }
    let found = try comparison.compare(keys)
    report.keys += keys.count
    report.directKeys += found.direct
    report.aheadKeys += found.ahead
    report.differences += found.differences.count
    let room = ParityCheck.samples - report.samples.count
    report.samples += found.differences.prefix(max(0, room))
    watch.progress?(before + report.keys)
  }
}
