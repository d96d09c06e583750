import LarderColumns
import LarderFiles
import LarderOffline

/// The timelines of the newest sets of segments that were asked, so that each is found, or merged,
/// once.
package final class TimelineCache: Sendable {
  private struct Entry: Sendable {
    var segments: [FileIdentifier]
    var timeline: EntityTimeline
  }
  private let entries = ForkSafeMutex<[Entry]>([])
  private let capacity: Int
  /// Rows that were looked up without a timeline, by the last segments that were asked so.
  private let probed = ForkSafeMutex<(segments: [FileIdentifier], rows: Int)>(([], 0))
  /// Files that turned out to be damaged.
  private let refused = ForkSafeMutex<Set<String>>([])

  /// Makes an empty cache.
  ///
  /// - Parameter capacity: sets of segments to keep; the one unused longest goes first.
  package init(capacity: Int = 64) { self.capacity = capacity }

  /// The timeline of segments: at hand, from a file, or merged in memory.
  ///
  /// - Parameters:
  ///   - segments: in the order of their ordinals.
  ///   - folder: where files of timelines are; nil for none.
  /// - Throws: as `TimelineMerge`; `io`.
  func timeline(
    of segments: [Segment], in folder: TimelineFolder?
  ) throws(LarderError) -> EntityTimeline {
    let names = segments.map(\.description.uuid)
    if let known = find(names) { return known }
    let file = try folder?.newest(for: segments, except: refused.withLock { $0 })
    let made: EntityTimeline
    if let file, file.ordinals == segments.indices.map(Optional.some) {
      made = EntityTimeline(file.timeline)
    } else {
      let base = file.map {
        TimelineMerge.Base(timeline: EntityTimeline($0.timeline), ordinals: $0.ordinals)
      }
      made = try merge(segments, over: base)
    }
    entries.withLock { entries in
      entries.append(Entry(segments: names, timeline: made))
      if entries.count > capacity { entries.removeFirst() }
    }
    return made
  }

  /// Merges over a base, or without it if it is damaged.
  private func merge(
    _ segments: [Segment], over base: TimelineMerge.Base?
  ) throws(LarderError) -> EntityTimeline {
    guard let base else { return try TimelineMerge(segments).run() }
    do {
      return try TimelineMerge(segments, over: base).run()
    } catch {
      guard refuse(error) else { throw error }
      return try TimelineMerge(segments).run()
    }
  }

  /// Whether the timeline of segments is there.
  func holds(_ segments: [Segment]) -> Bool { find(segments.map(\.description.uuid)) != nil }

  /// Notes that rows were looked up in segments without a timeline.
  func noteProbed(_ rows: Int, of segments: [Segment]) {
    let names = segments.map(\.description.uuid)
    probed.withLock { $0 = (names, $0.segments == names ? $0.rows + rows : rows) }
  }

  /// How many rows were looked up in segments without a timeline.
  func probedRows(of segments: [Segment]) -> Int {
    let names = segments.map(\.description.uuid)
    return probed.withLock { $0.segments == names ? $0.rows : 0 }
  }

  /// The path of the file that has the timeline of all these segments; nil if there is none.
  ///
  /// - Throws: `io`, `permissionDenied`.
  func file(of segments: [Segment], in folder: TimelineFolder?) throws(LarderError) -> String? {
    let file = try folder?.newest(for: segments, except: refused.withLock { $0 })
    return file.flatMap {
      $0.ordinals == segments.indices.map(Optional.some) ? $0.timeline.path : nil
    }
  }

  /// Whether an error says that a timeline's file is damaged; then it is used no more.
  func refuse(_ error: LarderError) -> Bool {
    guard error.code == .corrupt, let path = error.file, path.hasSuffix(TimelineFormat.suffix)
    else { return false }
    refused.withLock { _ = $0.insert(path) }
    entries.withLock { entries in entries.removeAll { $0.timeline.file?.path == path } }
    return true
  }

  private func find(_ names: [FileIdentifier]) -> EntityTimeline? {
    entries.withLock { entries in
      guard let index = entries.firstIndex(where: { $0.segments == names }) else { return nil }
      let entry = entries.remove(at: index)
      entries.append(entry)
      return entry.timeline
    }
  }
}
