import LarderColumns
import LarderFiles

/// The segments that are open: each once, however many queries use it.
///
/// Those of the newest state are kept open; of others only what someone still holds.
final class SegmentCache: Sendable {
  private let layout: StoreLayout
  private let files: any FileSystem
  private let entries = ForkSafeMutex<[FileIdentifier: Entry]>([:])

  private struct Entry: Sendable {
    var kept: Segment?
    weak var held: Segment?
  }

  init(layout: StoreLayout, files: any FileSystem) {
    self.layout = layout
    self.files = files
  }

  /// The open segment of a description.
  func segment(_ description: SegmentDescription) throws(LarderError) -> Segment {
    let uuid = description.uuid
    if PageImage.areTooMany { letUnpackedGo() }
    if let segment = entries.withLock({ $0[uuid]?.kept ?? $0[uuid]?.held }) { return segment }
    let opened = try requirePresent { () throws(LarderError) in
      try Segment(path: layout.segment(description), files: files, expected: description)
    }
    return entries.withLock { entries in
      // Another thread may have been faster; all share one.
      if let other = entries[uuid]?.kept ?? entries[uuid]?.held { return other }
      entries[uuid] = Entry(kept: opened, held: opened)
      return opened
    }
  }

  /// Lets go of cold segments: what their pages were unpacked to goes when the last query that
  /// uses them ends.
  private func letUnpackedGo() {
    entries.withLock { entries in
      for (uuid, entry) in entries where entry.kept?.isUnpacked == true {
        entries[uuid]?.kept = nil
      }
    }
  }

  /// Lets go of segments that the newest state no longer names.
  func keep(only state: StoreState) {
    var live: Set<FileIdentifier> = []
    for segments in state.segments.values {
      for segment in segments { live.insert(segment.description.uuid) }
    }
    entries.withLock { entries in
      for uuid in entries.keys where !live.contains(uuid) {
        entries[uuid]?.kept = nil
        if entries[uuid]?.held == nil { entries[uuid] = nil }
      }
    }
  }
}

/// Opens a file that the manifest names: where it is missing, the store is damaged.
///
/// - Throws: `corrupt` for a missing file; what `open` throws.
func requirePresent<Opened>(
  _ open: () throws(LarderError) -> Opened
) throws(LarderError) -> Opened {
  do throws(LarderError) { return try open() } catch {
    guard error.code == .notFound else { throw error }
    throw LarderError(
      .corrupt, "The file is missing, and the store's manifest names it. Restore it from a copy.",
      file: error.file, systemError: error.systemError)
  }
}
