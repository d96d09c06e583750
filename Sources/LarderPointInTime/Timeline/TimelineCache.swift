import LarderColumns
import LarderFiles
import LarderOffline
import Synchronization

/// The timelines of the newest sets of segments that were asked, so that each is merged once.
package final class TimelineCache: Sendable {
  private struct Entry: Sendable {
    var segments: [FileIdentifier]
    var timeline: EntityTimeline
  }
  private let entries = Mutex<[Entry]>([])
  private let capacity: Int

  /// Makes an empty cache.
  ///
  /// - Parameter capacity: sets of segments to keep; the one unused longest goes first.
  package init(capacity: Int = 64) { self.capacity = capacity }

  /// The timeline of segments, in the order of their ordinals.
  ///
  /// - Throws: as `EntityTimeline.init`.
  func timeline(of segments: [Segment]) throws(LarderError) -> EntityTimeline {
    let names = segments.map(\.description.uuid)
    if let known = find(names) { return known }
    let merged = try EntityTimeline(merging: segments)
    entries.withLock { entries in
      entries.append(Entry(segments: names, timeline: merged))
      if entries.count > capacity { entries.removeFirst() }
    }
    return merged
  }

  /// Whether the timeline of segments is there.
  func holds(_ segments: [Segment]) -> Bool { find(segments.map(\.description.uuid)) != nil }

  private func find(_ names: [FileIdentifier]) -> EntityTimeline? {
    entries.withLock { entries in
      guard let index = entries.firstIndex(where: { $0.segments == names }) else { return nil }
      let entry = entries.remove(at: index)
      entries.append(entry)
      return entry.timeline
    }
  }
}
