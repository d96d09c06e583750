import LarderColumns
import LarderContract

/// The rule that keeps ties decidable: a segment is a closed box of ids, event times and commits, and
/// the live segments of a view are pairwise disjoint boxes.
///
/// Then two rows of one id and time lie in segments whose commit intervals are disjoint, and the
/// later interval wins.
package enum Boxes {
  /// Whether two segments share an id, an event time and a commit.
  package static func overlap(_ a: SegmentDescription, _ b: SegmentDescription) -> Bool {
    a.minID <= b.maxID && b.minID <= a.maxID
      && a.minEvent <= b.maxEvent && b.minEvent <= a.maxEvent
      && a.firstCommit <= b.lastCommit && b.firstCommit <= a.lastCommit
  }

  /// Two segments that overlap, if there are any.
  ///
  /// - Complexity: O(n log n + pairs that overlap in time).
  package static func firstOverlap(
    _ segments: [SegmentDescription]
  ) -> (SegmentDescription, SegmentDescription)? {
    let sorted = segments.sorted { $0.minEvent < $1.minEvent }
    for (index, segment) in sorted.enumerated() {
      for other in sorted[(index + 1)...] {
        if other.minEvent > segment.maxEvent { break }
        if overlap(segment, other) { return (segment, other) }
      }
    }
    return nil
  }

  /// Refuses a plan whose outputs clash with one another or with what stays.
  ///
  /// - Throws: `conflict`: another commit came between, and the plan is to be made again.
  package static func check(
    adding outputs: [SegmentDescription], to kept: [SegmentDescription]
  ) throws(LarderError) {
    for (index, output) in outputs.enumerated() {
      let others = outputs[(index + 1)...]
      if let clash = others.first(where: { overlap(output, $0) })
        ?? kept.first(where: { overlap(output, $0) })
      {
        throw LarderError(
          .conflict,
          "The segments \(output.uuid) and \(clash.uuid) would share ids, times and commits; the "
            + "store changed while the rewrite was planned. Try again.")
      }
    }
  }
}

extension Boxes {
  /// Refuses an edit whose inputs are no longer live or whose outputs clash.
  ///
  /// - Throws: `conflict`: another commit came between, and the plan is to be made again.
  static func checkEdit(
    adding added: [SegmentDescription], removing removed: [SegmentDescription], view: UInt64,
    in state: StoreState, limit: Int = Limits.segments
  ) throws(LarderError) {
    let gone = Set(removed.map(\.uuid))
    let live = state.segments[view] ?? []
    let kept = live.filter { !gone.contains($0.description.uuid) }.map(\.description)
    guard kept.count + gone.count == live.count else {
      throw LarderError(
        .conflict,
        "A segment to be rewritten is no longer live; another process rewrote it. Try "
          + "again.")
    }
    guard state.liveSegments - gone.count + added.count <= limit else {
      throw LarderError(
        .limitExceeded, "The store would have more than \(limit) segments; compact it.")
    }
    try check(adding: added, to: kept)
  }
}

extension Snapshot {
  /// Checks what must hold between the segments of each view: boxes are disjoint, and no commit is
  /// later than the snapshot.
  ///
  /// - Throws: `corrupt` with the first pair or segment that breaks the rule.
  package func checkInvariants() throws(LarderError) {
    for (view, segments) in segments {
      if let (a, b) = Boxes.firstOverlap(segments) {
        throw LarderError(
          .corrupt, "The segments \(a.uuid) and \(b.uuid) of v\(view) share ids, times and commits."
        )
      }
      if let late = segments.first(where: { $0.lastCommit > commit.id }) {
        throw LarderError(
          .corrupt,
          "The segment \(late.uuid) of v\(view) is of commit \(late.lastCommit), after \(commit.id)."
        )
      }
    }
  }
}
