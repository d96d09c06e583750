import LarderColumns
import LarderContract
import LarderFiles

/// The snapshots that someone may still look at: the newest, those that were the newest within the
/// time that is kept, and those that are pinned.
struct LivingSnapshots: Sendable {
  let head: UInt64
  /// The least snapshot that may be pinned again; those from here on all live.
  let oldest: UInt64
  /// Pinned snapshots before `oldest`; all of them while erasures wait for pins to go.
  let pinned: PinnedSnapshots
  /// Snapshots with a tag.
  let tagged: Set<UInt64>
  /// The newest change of erasures when pins were looked up; those of later ones are not known.
  let erasures: UInt64

  func isLiving(_ snapshot: UInt64) -> Bool {
    snapshot >= oldest || snapshot == head || pinned.contains(snapshot)
      || tagged.contains(snapshot)
  }

  /// Whether a snapshot before `oldest` lives in a range of ids.
  func keeps(_ range: Range<UInt64>) -> Bool {
    pinned.ranges.contains { $0.overlaps(range) } || tagged.contains(where: range.contains)
  }

  /// Whether some living snapshot lies in `since ..< until`.
  func names(_ segment: StoreState.RetiredSegment) -> Bool {
    segment.until > oldest || keeps(segment.since..<segment.until)
  }

  /// Leaves out of a state what no living snapshot needs.
  func prune(_ state: inout StoreState) {
    state.retired.removeAll { !names($0) }
    state.history.removeAll { !isLiving($0.id) && $0.id != state.head.id }
    state.erasures.prune(self)
    for id in state.earlier.keys where !isLiving(id) { state.earlier[id] = nil }
  }

  /// Whether some pinned snapshot lies in a range.
  ///
  /// Only what was pinned before an erasure uses the files of before: whoever pins a snapshot later
  /// is shown what took their place.
  func arePinned(_ range: Range<UInt64>) -> Bool {
    pinned.ranges.contains {
      $0.lowerBound < range.upperBound && range.lowerBound < $0.upperBound
    }
  }
}

extension StoreState {
  /// The least snapshot that is kept for its age: a newer one took its place within a time.
  ///
  /// Commits whose times lie ahead of the clock were made while it was wrong, and nobody knows how
  /// old they are. A little is none: commits of one microsecond count on. More than a day is old:
  /// else a clock that once said 2099 would have everything kept until then.
  func oldest(keeping keep: Duration, now: Int64) -> UInt64 {
    let (since, isBelow) = now.subtractingReportingOverflow(keep.clampedMicroseconds)
    let (latest, isBeyond) = now.addingReportingOverflow(86_400_000_000)
    var kept = head.id
    for (index, commit) in history.enumerated().reversed() where index + 1 < history.count {
      let next = history[index + 1]
      let time = next.time.ticks
      let isYoung = (isBelow || min(time, now) > since) && (isBeyond || time <= latest)
      // Where ids are left out, those were given up; a tag may keep what lies before.
      guard isYoung, next.id == commit.id + 1 else { break }
      kept = commit.id
    }
    return kept
  }
}

extension Store {
  /// The living snapshots, once `oldest` was published: pins below it can only go.
  ///
  /// - Throws: `io`, `forked`; then any snapshot may be pinned.
  func living(_ state: StoreState, oldest: UInt64) throws(LarderError) -> LivingSnapshots {
    let reach = state.erasures.isEmpty ? oldest : state.head.id &+ 1
    return LivingSnapshots(
      head: state.head.id, oldest: oldest, pinned: try pins.pinned(below: max(oldest, reach)),
      tagged: Set(state.tags.values), erasures: state.erasures.last)
  }
}

extension Duration {
  /// Whole microseconds, as far as Int64 counts them.
  var clampedMicroseconds: Int64 {
    let (seconds, attoseconds) = components
    let (micros, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
    let (sum, more) = micros.addingReportingOverflow(attoseconds / 1_000_000_000_000)
    return overflow || more ? (seconds < 0 ? .min : .max) : sum
  }
}
