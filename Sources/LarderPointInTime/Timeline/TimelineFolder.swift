import LarderColumns
import LarderFiles
import LarderOffline

/// The folder of a view's segments, in which its timelines lie too.
struct TimelineFolder: Sendable {
  let files: any FileSystem
  let path: String
  let viewID: UInt64

  /// A file, and for each segment that it covers the ordinal among those that are asked; nil for
  /// those that are not.
  struct Found {
    var timeline: TimelineFile
    var ordinals: [Int?]
  }

  /// The file that covers most rows of some segments; nil if there is none that covers half.
  ///
  /// Timelines are derived: those that are damaged or of another set of segments are passed over.
  ///
  /// - Parameters:
  ///   - segments: in the order of their ordinals.
  ///   - refused: paths of files that are known to be damaged.
  /// - Throws: `io` and `permissionDenied`, which say nothing about a timeline.
  func newest(
    for segments: [Segment], except refused: Set<String>
  ) throws(LarderError) -> Found? {
    var ordinals: [TimelineFormat.Covered: Int] = [:]
    for (ordinal, segment) in segments.enumerated() {
      let covered = TimelineFormat.Covered(uuid: segment.description.uuid, rows: segment.rows)
      ordinals[covered] = ordinal
    }
    var best: Found?
    var most = 0
    for path in try timelines() where !refused.contains(path) {
      guard let file = try open(path), file.viewID == viewID else { continue }
      let found = file.segments.map { ordinals[$0] }
      var rows = 0
      for (segment, ordinal) in zip(file.segments, found) where ordinal != nil {
        rows += segment.rows
      }
      guard rows > most else { continue }
      best = Found(timeline: file, ordinals: found)
      most = rows
    }
    // Going through a large file for a few runs costs more than the other segments' indexes.
    if most < segments.reduce(0, { $0 + $1.rows }) / 2 { return nil }
    return best
  }

  /// The paths of the files that are called timelines.
  func timelines() throws(LarderError) -> [String] {
    do {
      return try files.names(in: path).filter { $0.hasSuffix(TimelineFormat.suffix) }
        .sorted().map { "\(path)/\($0)" }
    } catch  where error.code == .notFound {
      return []
    }
  }

  /// A file; nil if it is not a whole timeline, or gone meanwhile.
  func open(_ path: String) throws(LarderError) -> TimelineFile? {
    do { return try TimelineFile(path, in: files) } catch {
      switch error.code {
      case .corrupt, .unsupportedVersion, .notFound: return nil
      default: throw error
      }
    }
  }
}

extension ViewHistory {
  /// Where the view's timelines lie; nil where there are only segments.
  var timelines: TimelineFolder? {
    guard let pin, let view = segments.first?.description.viewID else { return nil }
    return TimelineFolder(
      files: pin.store.host.files, path: pin.store.layout.viewFolder(view), viewID: view)
  }
}
