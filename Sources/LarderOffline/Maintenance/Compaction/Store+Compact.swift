import LarderColumns
import LarderContract
import LarderFiles

extension Store {
  /// Brings the rows of partitions together in few segments.
  ///
  /// Each view is one commit, or none if nothing pays. Appends, online writers and readers go on
  /// meanwhile; earlier snapshots keep their files until they are no longer kept.
  ///
  /// - Parameters:
  ///   - names: views; empty for all.
  ///   - options: what is chosen, and how it is written.
  /// - Throws: `notFound`, `invalidArgument`, `readOnly`, `locked`, `noSpace`, `io`, `corrupt`.
  ///   Views before the one that failed stay compacted.
  @discardableResult
  package func compact(
    _ names: [String] = [], _ options: CompactionOptions = CompactionOptions()
  ) throws(LarderError) -> CompactionReport {
    if let seconds = options.maxSeconds, !(0...CompactionOptions.mostSeconds).contains(seconds) {
      throw LarderError(
        .invalidArgument, "The most seconds of a compaction are 0 to 1,000,000,000, not \(seconds)."
      )
    }
    if options.isDryRun { return try dryRun(names, options) }
    let held = try writerLocks().acquire(.maintenance, timeout: self.options.lockTimeout)
    defer { held.release() }
    let catalog = try settle().catalog
    var report = CompactionReport(views: [], isDryRun: false)
    let deadline = options.maxSeconds.map { ContinuousClock.now + .seconds($0) }
    for view in try chosen(names, in: catalog) {
      report.views.append(try compact(view, options, until: deadline))
    }
    if let space = sweptSpace() {
      report.bytesReturned = space.bytesReturned
      report.bytesWaiting = space.bytesWaiting
      report.waitingUntil = space.waitingUntil
    }
    return report
  }

  private func chosen(
    _ names: [String], in catalog: Catalog
  ) throws(LarderError) -> [Catalog.View] {
    if names.isEmpty { return catalog.views }
    var views: [Catalog.View] = []
    for name in names {
      let view = try catalog.requireView(name)
      if !views.contains(where: { $0.id == view.id }) { views.append(view) }
    }
    return views
  }

  private func dryRun(
    _ names: [String], _ options: CompactionOptions
  ) throws(LarderError) -> CompactionReport {
    let snapshot = try snapshot()
    var report = CompactionReport(views: [], isDryRun: true)
    for view in try chosen(names, in: snapshot.catalog) {
      var segments: [Segment] = []
      for description in snapshot.segments(of: view) {
        segments.append(try snapshot.open(description))
      }
      let plan = try CompactionPlan(
        view, segments, options, now: host.now(), store: self.options)
      let extent = plan.extent
      report.views.append(
        CompactionReport.View(
          name: view.name, before: extent, after: extent, partitions: plan.targets.map(plan.report),
          rowsWritten: plan.targets.isEmpty ? 0 : Rewrite(plan, plan.targets).rows,
          note: plan.note))
    }
    return report
  }

  private func plan(
    _ view: Catalog.View, _ options: CompactionOptions
  ) throws(LarderError) -> (compaction: CompactionPlan, state: StoreState) {
    let state = try settle()
    guard let view = state.catalog.view(id: view.id) else {
      throw LarderError(.notFound, "The view \"\(view.name)\" was dropped meanwhile.")
    }
    var segments: [Segment] = []
    for live in state.segments[view.id] ?? [] {
      segments.append(try cache.segment(live.description))
    }
    let plan = try CompactionPlan(
      view, segments, options, now: host.now(), store: self.options)
    return (plan, state)
  }

  private func compact(
    _ view: Catalog.View, _ options: CompactionOptions, until deadline: ContinuousClock.Instant?
  ) throws(LarderError) -> CompactionReport.View {
    let start = ContinuousClock.now
    var (plan, state) = try plan(view, options)
    let extent = plan.extent
    var report = CompactionReport.View(
      name: view.name, before: extent, after: extent, note: plan.note)
    var done: [ClosedRange<Int64>] = []
    var conflicts = 0
    while true {
      var targets = plan.targets.filter { target in !done.contains { $0.overlaps(target.range) } }
      guard !targets.isEmpty else { break }
      if let deadline {
        guard ContinuousClock.now < deadline else {
          report.note = "\(targets.count) partitions are left for the next time"
          break
        }
        targets = [targets[0]]
      }
      do throws(LarderError) {
        try perform(Rewrite(plan, targets), of: state, options, &report)
      } catch {
        // As `planningAgain`, but for what was chosen by name or by time before.
        guard error.code == .conflict, conflicts < 2 else { throw error }
        conflicts += 1
        (plan, state) = try self.plan(view, options)
        continue
      }
      report.partitions += targets.map(plan.report)
      guard deadline != nil else { break }
      done += targets.map(\.range)
      (plan, state) = try self.plan(view, options)
    }
    if options.partitions.isEmpty, report.partitions.isEmpty || deadline == nil {
      try mergeLeftovers(view, options, &report)
    }
    // Even if nothing was rewritten: an append that was not folded has left nothing derived.
    follow(view, &report)
    report.seconds = seconds(since: start)
    return report
  }

  /// Builds what follows from segments and keys.
  ///
  /// The commits are done: what fails is built later.
  private func follow(_ view: Catalog.View, _ report: inout CompactionReport.View) {
    buildDerived(view.id)
    do {
      report.after = try plan(view, CompactionOptions()).compaction.extent
      if let set = try refresh().catalog.keySet(id: view.keySet) { try buildKeyMap(of: set) }
    } catch {
      report.note = "what follows from the segments is built later: \(error.message)"
    }
  }

  private func perform(
    _ rewrite: Rewrite, of state: StoreState, _ options: CompactionOptions,
    _ report: inout CompactionReport.View
  ) throws(LarderError) {
    let result = try perform(
      rewrite, .compaction, by: CommitPlan(state, rewrite.view, inputs: rewrite.removed),
      profile: options.isCold ? .cold : .hot,
      dropsRepeated: options.dropsRepeated)
    report.commit = result.commit
    report.rowsWritten += result.rows
    report.bytesWritten += result.bytes
    report.rowsRepeated += result.rowsRepeated
  }

  /// Merges what is left over in closed time, 8 segments of one size class at a time.
  private func mergeLeftovers(
    _ view: Catalog.View, _ options: CompactionOptions, _ report: inout CompactionReport.View
  ) throws(LarderError) {
    var conflicts = 0
    while true {
      let (plan, state) = try plan(view, CompactionOptions())
      guard let group = plan.leftovers() else { return }
      do throws(LarderError) {
        try perform(Rewrite(plan.view, merging: group), of: state, options, &report)
      } catch {
        guard error.code == .conflict, conflicts < 2 else { throw error }
        conflicts += 1
        continue
      }
      report.partitions.append(
        CompactionReport.Partition(
          name: "leftovers", segments: group.count, rows: group.reduce(0) { $0 + $1.rows },
          debtRows: 0))
    }
  }

  private func seconds(since start: ContinuousClock.Instant) -> Double {
    let (seconds, attoseconds) = (ContinuousClock.now - start).components
    return Double(seconds) + Double(attoseconds) / 1e18
  }
}

extension CompactionPlan {
  /// What the view's segments amount to.
  var extent: CompactionReport.Extent {
    CompactionReport.Extent(
      segments: segments.count, rows: segments.reduce(0) { $0 + $1.rows },
      bytes: segments.reduce(0) { $0 + $1.description.fileBytes }, debtRows: debtRows)
  }

  /// How a target is told.
  func report(_ target: CompactionTarget) -> CompactionReport.Partition {
    CompactionReport.Partition(
      name: target.name, segments: target.parts.count, rows: target.rows, debtRows: debt(of: target)
    )
  }
}
