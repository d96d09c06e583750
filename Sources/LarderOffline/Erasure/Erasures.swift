import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// What the manifest says of erasures: what is masked, and what earlier snapshots are shown instead
/// of the files they name.
///
/// An erasure has three records. The first retires ids, so that all snapshots hide them at once; it
/// names the next generation of each key log, in which the ids' slots are empty. The second puts
/// segments without the ids' rows in the place of others, for the snapshots before it too. The
/// third says that nothing of the ids is left, and ends the masking.
package struct Erasures: Sendable, Hashable {
  /// The ids that are masked, ascending, by join-key set.
  package var pending: [UInt64: [UInt32]] = [:]
  /// The segments that earlier snapshots name and that others took the place of.
  package var substitutions: [Substitution] = []
  /// Key logs of earlier generations, whose files still hold the keys of pending ids.
  package var retiredLogs: [RetiredLog] = []
  /// The newest commit that changed any of this; 0 if none did.
  package var last: UInt64 = 0

  /// A segment that snapshots in `since ..< until` name, and what they are shown.
  package struct Substitution: Sendable, Hashable {
    package var view: UInt64
    package var uuid: FileIdentifier
    package var since: UInt64
    package var until: UInt64
    /// None if all of its rows were erased.
    package var added: [SegmentDescription]
  }

  /// A key log that snapshots before `until` name.
  package struct RetiredLog: Sendable, Hashable {
    package var set: UInt64
    package var log: KeyLogState
    package var until: UInt64
  }

  /// Whether there is nothing to be masked, shown or waited for.
  package var isEmpty: Bool {
    pending.isEmpty && substitutions.isEmpty && retiredLogs.isEmpty
  }

  /// Whether snapshots that are pinned still use the log's file, or its keys are still needed.
  func isNeeded(_ retired: RetiredLog, _ living: LivingSnapshots) -> Bool {
    pending[retired.set] != nil || living.erasures != last || living.arePinned(0..<retired.until)
  }

  /// Whether snapshots that are pinned still use the file of a substituted segment.
  func isInUse(_ substitution: Substitution, _ living: LivingSnapshots) -> Bool {
    living.erasures != last || living.arePinned(substitution.since..<substitution.until)
  }

  /// Leaves out what no living snapshot needs.
  mutating func prune(_ living: LivingSnapshots) {
    // Pins were looked up as of an older state: they say nothing of a newer erasure.
    guard living.erasures == last else { return }
    substitutions.removeAll {
      $0.until <= living.oldest && !living.keeps($0.since..<$0.until)
    }
    let before = self
    retiredLogs.removeAll { !before.isNeeded($0, living) }
  }

  /// Ends the masking of ids of which nothing is left.
  mutating func finish(_ ids: [UInt64: [UInt32]], at commit: UInt64) {
    for (set, ids) in ids {
      let finished = Set(ids)
      let left = (pending[set] ?? []).filter { !finished.contains($0) }
      pending[set] = left.isEmpty ? nil : left
    }
    last = commit
  }
}

extension StoreState {
  /// Retires ids.
  mutating func apply(_ record: ErasureRecord, at id: UInt64) throws(LarderError) {
    guard Set(record.ids.keys) == Set(record.keyLogs.keys) else {
      throw LarderError(.corrupt, "Record \(id) erases keys without rewriting their key logs.")
    }
    for (set, ids) in record.ids {
      guard catalog.keySet(id: set) != nil, let old = keyLogs[set], let new = record.keyLogs[set],
        new.generation > old.generation, new.count == old.count,
        ids.last.map({ $0 < old.count }) ?? false
      else {
        throw LarderError(.corrupt, "Record \(id) erases keys of k\(set) against the rules.")
      }
      erasures.retiredLogs.append(Erasures.RetiredLog(set: set, log: old, until: id))
      keyLogs[set] = new
      erasures.pending[set] = Array(Set(erasures.pending[set] ?? []).union(ids)).sorted()
    }
    erasures.last = id
  }

  /// Puts segments in the place of others, whether those are live or only earlier snapshots' own.
  mutating func apply(_ record: SubstitutionRecord, at id: UInt64) throws(LarderError) {
    for item in record.items {
      guard item.added.allSatisfy({ $0.viewID == record.view && $0.lastCommit < id }) else {
        throw LarderError(.corrupt, "Record \(id) substitutes \(item.uuid) against the rules.")
      }
      var since = UInt64.max
      var until: UInt64 = 0
      if var live = segments[record.view],
        let index = live.firstIndex(where: { $0.description.uuid == item.uuid })
      {
        since = live[index].since
        until = id
        let first = since
        live.replaceSubrange(
          index...index, with: item.added.map { LiveSegment(description: $0, since: first) })
        segments[record.view] = live.isEmpty ? nil : live
      }
      // A segment that came back may be live and retired.
      while let index = retired.firstIndex(where: { $0.uuid == item.uuid }) {
        let old = retired[index]
        since = min(since, old.since)
        until = max(until, old.until)
        retired.replaceSubrange(
          index...index,
          with: item.added.filter { $0.uuid != item.uuid }.map {
            RetiredSegment(view: record.view, uuid: $0.uuid, since: old.since, until: old.until)
          })
      }
      // Whoever replays may know that no living snapshot names it any more.
      guard since < until else { continue }
      erasures.substitutions.append(
        Erasures.Substitution(
          view: record.view, uuid: item.uuid, since: since, until: until, added: item.added))
    }
    erasures.last = id
  }

  /// Shows an earlier state as erasures since left it.
  mutating func adoptErasures(of newest: StoreState) {
    erasures = newest.erasures
    resolveSubstitutions()
    for (set, log) in keyLogs {
      // Of an earlier generation the file is gone. Keys that came later have no rows here.
      if let other = newest.keyLogs[set], other.generation > log.generation {
        keyLogs[set] = other
      }
    }
  }

  /// Puts in the place of segments what erasures left of them.
  mutating func resolveSubstitutions() {
    guard !erasures.substitutions.isEmpty else { return }
    var substitutes: [FileIdentifier: [SegmentDescription]] = [:]
    for item in erasures.substitutions { substitutes[item.uuid] = item.added }
    for (view, live) in segments {
      let shown = live.flatMap { Self.resolved($0, substitutes) }
      segments[view] = shown.isEmpty ? nil : shown
    }
  }

  /// What took the place of a segment, over any number of erasures.
  private static func resolved(
    _ segment: LiveSegment, _ substitutes: [FileIdentifier: [SegmentDescription]]
  ) -> [LiveSegment] {
    var result: [LiveSegment] = []
    var open = [segment]
    // Each step leaves a name behind; a damaged manifest may name one twice.
    var steps = substitutes.count + 1
    while let next = open.popLast() {
      if steps > 0, let added = substitutes[next.description.uuid] {
        steps -= 1
        open += added.map { LiveSegment(description: $0, since: segment.since) }
      } else {
        result.append(next)
      }
    }
    return result
  }
}
