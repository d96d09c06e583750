import LarderColumns
import LarderContract
import LarderFiles

/// Segments that go, and the ranges of time into which their rows are written again.
struct Rewrite {
  /// Rows of some inputs in a range of time.
  struct Part {
    /// In the order in which their rows win ties, the least first.
    var inputs: [Segment]
    var range: ClosedRange<Int64>
    var partition: Range<Int64>?
    /// About how many.
    var rows: Int
  }

  let view: Catalog.View
  /// All of their rows that stay lie in `parts`.
  var removed: [SegmentDescription] = []
  var parts: [Part] = []
  /// Rows before this event time do not stay; nil if all do.
  var cutoff: Int64?

  /// Brings targets together: every segment whose time meets one goes, one output takes its rows in
  /// the target, and what lies between targets stays in its own commits' interval.
  ///
  /// Boxes stay disjoint: an output shares no time with anything that stays, and neighbouring
  /// remainders are put together only where nothing else lies in the box of both.
  init(_ plan: CompactionPlan, _ targets: [CompactionTarget]) {
    view = plan.view
    func meets(_ bounds: SegmentDescription) -> Bool {
      targets.contains {
        bounds.minEvent <= $0.range.upperBound && bounds.maxEvent >= $0.range.lowerBound
      }
    }
    let inputs = plan.segments.filter { meets($0.description) }.sorted {
      let (a, b) = ($0.description, $1.description)
      return (a.lastCommit, a.firstCommit) < (b.lastCommit, b.firstCommit)
    }
    removed = inputs.map(\.description)
    let kept = plan.segments.map(\.description).filter { !meets($0) }
    var from = Int64.min
    for target in targets {
      if target.range.lowerBound > from {
        addRemainders(of: inputs, in: from...(target.range.lowerBound - 1), kept)
      }
      let members = inputs.filter { Self.part(of: $0, in: target.range) != nil }
      parts.append(
        Part(
          inputs: members, range: target.range, partition: target.partition, rows: target.rows))
      if target.range.upperBound == .max { return }
      from = target.range.upperBound + 1
    }
    addRemainders(of: inputs, in: from...Int64.max, kept)
  }

  /// Merges segments whole.
  init(_ view: Catalog.View, merging inputs: [Segment]) {
    self.view = view
    removed = inputs.map(\.description)
    parts = [
      Part(
        inputs: inputs, range: .min ... .max, partition: nil,
        rows: inputs.reduce(0) { $0 + $1.rows })
    ]
  }

  /// Leaves the rows before a time behind: segments that lie before it go, and what those hold
  /// besides that reach beyond it is written again, each in its own interval and partition.
  init(_ view: Catalog.View, _ segments: [Segment], leavingOutBefore cutoff: Int64) {
    self.view = view
    self.cutoff = cutoff
    for segment in segments where segment.description.minEvent < cutoff {
      let bounds = segment.description
      removed.append(bounds)
      if bounds.maxEvent >= cutoff {
        parts.append(
          Part(
            inputs: [segment], range: cutoff ... .max, partition: bounds.partition,
            rows: segment.rows))
      }
    }
  }

  /// Rows to be written, roughly.
  var rows: Int { removed.reduce(0) { $0 + $1.rows } }

  private static func part(
    of segment: Segment, in range: ClosedRange<Int64>
  ) -> ClosedRange<Int64>? {
    let bounds = segment.description
    guard bounds.minEvent <= range.upperBound, bounds.maxEvent >= range.lowerBound else {
      return nil
    }
    return max(bounds.minEvent, range.lowerBound)...min(bounds.maxEvent, range.upperBound)
  }

  private mutating func addRemainders(
    of inputs: [Segment], in gap: ClosedRange<Int64>, _ kept: [SegmentDescription]
  ) {
    var rest: [(box: Box, segment: Segment)] = []
    for input in inputs {
      guard let events = Self.part(of: input, in: gap) else { continue }
      rest.append((Box(input.description, events: events), input))
    }
    let boxes = kept.map { Box($0, events: $0.minEvent...$0.maxEvent) }
    var done: [Box] = []
    while let first = rest.first {
      var group = [first.segment]
      var box = first.box
      rest.removeFirst()
      while let next = rest.first {
        let both = box.joined(with: next.box)
        guard !boxes.contains(where: both.overlaps), !done.contains(where: both.overlaps),
          !rest.dropFirst().contains(where: { both.overlaps($0.box) })
        else { break }
        box = both
        group.append(next.segment)
        rest.removeFirst()
      }
      done.append(box)
      parts.append(
        Part(
          inputs: group, range: gap, partition: nil, rows: group.reduce(0) { $0 + $1.rows }))
    }
  }
}

/// Bounds of a segment to be, which may be wider than its rows will need.
struct Box {
  var ids: ClosedRange<UInt32>
  var events: ClosedRange<Int64>
  var commits: ClosedRange<UInt64>

  init(_ segment: SegmentDescription, events: ClosedRange<Int64>) {
    ids = segment.minID...segment.maxID
    commits = segment.firstCommit...segment.lastCommit
    self.events = events
  }

  func overlaps(_ other: Box) -> Bool {
    ids.overlaps(other.ids) && events.overlaps(other.events) && commits.overlaps(other.commits)
  }

  func joined(with other: Box) -> Box {
    var box = self
    box.ids = min(ids.lowerBound, other.ids.lowerBound)...max(ids.upperBound, other.ids.upperBound)
    box.events =
      min(
        events.lowerBound, other.events.lowerBound)...max(
        events.upperBound, other.events.upperBound)
    box.commits =
      min(
        commits.lowerBound, other.commits.lowerBound)...max(
        commits.upperBound, other.commits.upperBound)
    return box
  }
}

/// What a rewrite wrote.
struct RewriteResult {
  var commit: Commit
  var added: [SegmentDescription]
  /// Rows that the outputs leave out because later ones repeat them.
  var rowsRepeated = 0
  var bytes: UInt64 { added.reduce(0) { $0 + $1.fileBytes } }
  var rows: Int { added.reduce(0) { $0 + $1.rows } }
}

extension Store {
  /// Writes rows again and commits it, if the sums of all columns stayed the same.
  ///
  /// The caller holds the maintenance lock. Appends may go on: their rows are of later commits.
  ///
  /// - Parameter plan: what it was planned by.
  /// - Throws: `locked` if an input is gone; `notFound` if the view is; `corrupt` if the outputs do
  ///   not add up; `noSpace`, `io`. Nothing was changed then, unless the outcome is unknown.
  @discardableResult
  func perform(
    _ rewrite: Rewrite, _ reason: ManifestRecord.EditReason, by plan: CommitPlan,
    profile: SegmentProfile = .hot,
    dropsRepeated: Bool = false
  ) throws(LarderError) -> RewriteResult {
    let view = rewrite.view
    let output = SegmentOutput(self, view: view, commits: 0...0, profile: profile)
    do {
      let present = rewrite.parts.reduce(into: Set<UInt32>()) { present, part in
        for input in part.inputs { present.formUnion(input.features.map(\.fieldID)) }
      }
      let fields = view.fields.filter { present.contains($0.id) }
      let (whole, expired) = try sums(of: rewrite, fields)
      var sums = whole
      let merge = SegmentMerge(self, view: view)
      for part in rewrite.parts {
        var shares = try RangeRows(
          part.inputs, in: part.range, rows: part.rows, most: options.segmentRows)
        while let share = try shares.nextShare() {
          try merge.write(
            share, partition: part.partition, dropsRepeated: dropsRepeated, into: output, &sums)
        }
      }
      let added = output.descriptions
      var written = ContentSums()
      for description in added {
        let segment = try Segment(
          path: layout.segment(description), files: host.files, expected: description)
        try written.add(segment, fields: fields, hasCreated: hasCreated(view))
      }
      try sums.check(written, fields: fields)
      try output.syncFolder()
      let repeated = whole.rows - sums.rows
      let commit = try commitRewrite(
        reason, plan, removing: rewrite.removed, adding: added, leavingOut: expired + repeated)
      output.release()
      return RewriteResult(commit: commit, added: added, rowsRepeated: repeated)
    } catch {
      if error.code != .outcomeUnknown { output.abandon() }
      throw error
    }
  }

  /// What the columns of a rewrite's outputs must add up to.
  ///
  /// - Returns: that, and how many rows do not stay.
  private func sums(
    of rewrite: Rewrite, _ fields: [Catalog.StoredField]
  ) throws(LarderError) -> (sums: ContentSums, expired: Int) {
    let hasCreated = hasCreated(rewrite.view)
    var sums = ContentSums()
    var expired = 0
    for removed in rewrite.removed {
      if let cutoff = rewrite.cutoff, removed.maxEvent < cutoff {
        expired += removed.rows
        continue
      }
      let segment = try cache.segment(removed)
      try sums.add(segment, fields: fields, hasCreated: hasCreated)
      guard let cutoff = rewrite.cutoff, removed.minEvent < cutoff else { continue }
      var shares = try RangeRows(
        [segment], in: .min...(cutoff - 1), rows: removed.rows, most: options.segmentRows)
      while let share = try shares.nextShare() {
        let rows = try MergedRows(
          share, fields: fields, unit: rewrite.view.definition.timeUnit, hasCreated: hasCreated)
        try sums.remove(Array(0..<UInt32(rows.count)), of: rows)
        expired += rows.count
      }
    }
    return (sums, expired)
  }

  private func hasCreated(_ view: Catalog.View) -> Bool {
    view.definition.createdTimestamp != nil
  }
}
