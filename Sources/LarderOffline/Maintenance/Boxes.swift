import LarderColumns

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
  /// - Throws: `locked`: another commit came between, and the plan is to be made again.
  package static func check(
    adding outputs: [SegmentDescription], to kept: [SegmentDescription]
  ) throws(LarderError) {
    for (index, output) in outputs.enumerated() {
      let others = outputs[(index + 1)...]
      if let clash = others.first(where: { overlap(output, $0) })
        ?? kept.first(where: { overlap(output, $0) })
      {
        throw LarderError(
          .locked,
          "The segments \(output.uuid) and \(clash.uuid) would share ids, times and commits; the "
            + "store changed while the rewrite was planned. Try again.")
      }
    }
  }
}
