import LarderColumns
import LarderContract
import LarderFiles

/// Decides which runs of segments are due to be merged.
///
/// A run is a connected component of overlapping commit intervals; runs are totally ordered. A run's
/// effective class is the largest size class of it and of every newer run; when 8 runs share one
/// below the top they are merged, whole. Merging whole consecutive runs always leaves boxes disjoint.
struct FoldPlan {
  /// One run: its segments, the earlier commit first.
  struct Run: Sendable {
    var segments: [SegmentDescription]
    var commits: ClosedRange<UInt64>
    var rows: Int
  }

  /// Rows below which a run is of the class of that index; the class above all is the top.
  static let classes = [16, 128, 1_000, 8_000, 64_000, top]
  /// Runs of so many rows are not folded.
  static let top = 512_000
  /// Runs of one class that are due.
  static let due = 8

  /// The runs of a view's live segments, oldest first.
  static func runs(of segments: [SegmentDescription]) -> [Run] {
    var runs: [Run] = []
    for segment in segments.sorted(by: { $0.firstCommit < $1.firstCommit }) {
      if let last = runs.last, segment.firstCommit <= last.commits.upperBound {
        runs[runs.count - 1].segments.append(segment)
        runs[runs.count - 1].rows += segment.rows
        runs[runs.count - 1].commits =
          last.commits.lowerBound...max(last.commits.upperBound, segment.lastCommit)
      } else {
        runs.append(
          Run(
            segments: [segment], commits: segment.firstCommit...segment.lastCommit,
            rows: segment.rows))
      }
    }
    for index in runs.indices {
      runs[index].segments.sort {
        ($0.lastCommit, $0.firstCommit) < ($1.lastCommit, $1.firstCommit)
      }
    }
    return runs
  }

  /// The class of a number of rows.
  static func sizeClass(_ rows: Int) -> Int {
    classes.firstIndex { rows < $0 } ?? classes.count
  }

  /// The runs to merge next, oldest first; nil if none are due.
  ///
  /// - Parameter most: rows of a segment at most.
  static func next(_ segments: [SegmentDescription], most: Int) -> [Run]? {
    let runs = runs(of: segments)
    var effective = [Int](repeating: 0, count: runs.count)
    var largest = 0
    for index in runs.indices.reversed() {
      largest = max(largest, sizeClass(runs[index].rows))
      effective[index] = largest
    }
    // The newest, smallest class first: its merge may make the next one due.
    var end = runs.count
    while end > 0 {
      var start = end
      while start > 0 && effective[start - 1] == effective[end - 1] { start -= 1 }
      if effective[start] < classes.count, end - start >= due {
        var chosen: [Run] = []
        var rows = 0
        for run in runs[start..<end] {
          guard rows + run.rows <= most else { break }
          chosen.append(run)
          rows += run.rows
        }
        if chosen.count >= 2 { return chosen }
      }
      end = start
    }
    return nil
  }
}

/// What folding did.
package struct FoldReport: Sendable, Hashable {
  /// Merges committed.
  package var merges = 0
  /// Segments that went.
  package var segmentsRemoved = 0
  /// Rows written again.
  package var rowsWritten = 0
}

extension Store {
  /// Merges small segments of a view, or of all views, as long as merges are due.
  ///
  /// - Parameter wait: whether to wait for the maintenance lock; else nothing is done while another
  ///   holds it.
  /// - Throws: `readOnly`, `locked`, `noSpace`, `io`, `corrupt`. What was merged stays merged.
  @discardableResult
  package func fold(view: String? = nil, wait: Bool = true) throws(LarderError) -> FoldReport {
    let locks = try writerLocks()
    let held: HeldLock
    if wait {
      held = try locks.acquire(.maintenance, timeout: options.lockTimeout)
    } else {
      // A long compaction's inputs are not to be taken from it.
      guard let tried = try locks.tryAcquire(.maintenance) else { return FoldReport() }
      held = tried
    }
    defer { held.release() }
    var report = FoldReport()
    let catalog = try settle().catalog
    let views =
      try view.map { name throws(LarderError) in [try catalog.requireView(name)] }
      ?? catalog.views
    for view in views {
      let before = report.merges
      while try planningAgain({ () throws(LarderError) in try foldOnce(view.id, &report) }) {}
      if report.merges > before { buildDerived(view.id) }
    }
    return report
  }

  /// Whether a merge of a view is due.
  func isFoldDue(_ view: UInt64) throws(LarderError) -> Bool {
    let live = try refresh().segments[view] ?? []
    guard live.count >= FoldPlan.due else { return false }
    return FoldPlan.next(live.map(\.description), most: options.segmentRows) != nil
  }

  private func foldOnce(_ id: UInt64, _ report: inout FoldReport) throws(LarderError) -> Bool {
    let state = try settle()
    guard let view = state.catalog.view(id: id), let live = state.segments[id],
      let runs = FoldPlan.next(live.map(\.description), most: options.segmentRows),
      let first = runs.first, let last = runs.last
    else { return false }
    let inputs = runs.flatMap(\.segments)
    let hull = first.commits.lowerBound...last.commits.upperBound
    let output = SegmentOutput(self, view: view, commits: hull)
    do {
      var segments: [Segment] = []
      for input in inputs { segments.append(try cache.segment(input)) }
      try SegmentMerge(self, view: view).whole(segments, commits: hull, into: output)
      try output.syncFolder()
      try commitRewrite(
        .fold, CommitPlan(state, view, inputs: inputs), removing: inputs,
        adding: output.descriptions)
    } catch {
      if error.code != .outcomeUnknown { output.abandon() }
      throw error
    }
    output.release()
    report.merges += 1
    report.segmentsRemoved += inputs.count
    report.rowsWritten += output.descriptions.reduce(0) { $0 + $1.rows }
    return true
  }

  /// Does a rewrite, from its plan on, once more if what it read changed before its commit.
  ///
  /// The maintenance lock keeps segments still; what changes are definitions, and the files of a view
  /// that was dropped may go. An append elsewhere changes nothing that is compared.
  ///
  /// - Throws: what the rewrite throws; `conflict` if it changed each of three times.
  func planningAgain<T>(_ rewrite: () throws(LarderError) -> T) throws(LarderError) -> T {
    for _ in 0..<2 {
      let head = try refresh().head.id
      do { return try rewrite() } catch {
        let mayBeGone = error.code == .corrupt || error.code == .notFound
        guard error.code == .conflict || mayBeGone, try refresh().head.id != head else {
          throw error
        }
      }
    }
    return try rewrite()
  }

  /// Commits that some segments take the place of others, if that still holds.
  ///
  /// - Parameters:
  ///   - plan: what the outputs were made from.
  ///   - leftOut: rows of the inputs that were to be left out.
  /// - Returns: the commit.
  /// - Throws: `corrupt` if rows went missing on the way; `conflict` if the plan no longer holds.
  @discardableResult
  func commitRewrite(
    _ reason: ManifestRecord.EditReason, _ plan: CommitPlan,
    removing inputs: [SegmentDescription], adding outputs: [SegmentDescription],
    leavingOut leftOut: Int = 0
  ) throws(LarderError) -> Commit {
    let view = plan.view
    let rowsIn = inputs.reduce(0) { $0 + $1.rows }
    let rowsOut = outputs.reduce(0) { $0 + $1.rows }
    guard rowsIn - leftOut == rowsOut else {
      throw LarderError(
        .corrupt,
        "A merge of \(rowsIn) rows, of which \(leftOut) were to go, wrote \(rowsOut); it was given "
          + "up.",
        file: layout.viewFolder(view.id))
    }
    let omitsComparing = options.omitted.contains(.comparing)
    return try commit { state throws(LarderError) in
      if !omitsComparing { try plan.checkRewrite(state) }
      try Boxes.checkEdit(adding: outputs, removing: inputs, view: view.id, in: state)
      return .edit(
        ManifestRecord.Edit(
          reason: reason, view: view.id, removed: inputs.map(\.uuid), added: outputs))
    }.state.head
  }
}
