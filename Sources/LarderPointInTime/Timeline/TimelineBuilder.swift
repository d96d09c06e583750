import LarderColumns
import LarderEncodings
import LarderFiles
import LarderOffline

/// Writes the timeline of a view's segments into a file, so that the first query of a process
/// need not merge it.
///
/// Never on the way of a commit: it runs after appends and merges, and what it writes may be lost.
package struct TimelineBuilder: DerivedBuilder {
  /// Runs below which a view has no file: merging them takes less than a millisecond.
  private let leastRuns: Int

  /// - Parameter leastRuns: runs below which a view gets no file.
  package init(leastRuns: Int = 20_000) { self.leastRuns = leastRuns }

  /// Whether enough changed since the last file that a new one pays.
  ///
  /// A timeline with a few runs more than its file is merged over it in memory.
  package func isDue(for view: Catalog.View, in snapshot: Snapshot) throws(LarderError) -> Bool {
    let segments = try segments(of: view, in: snapshot)
    let runs = segments.reduce(0) { $0 + $1.entityCount }
    guard runs >= leastRuns else { return false }
    let file = try folder(of: view, in: snapshot).newest(for: segments, except: [])
    let covered = Set(file?.ordinals.compactMap(\.self) ?? [])
    var missing = 0
    for (ordinal, segment) in segments.enumerated() where !covered.contains(ordinal) {
      missing += segment.entityCount
    }
    return missing >= max(leastRuns, (runs - missing) / 4)
  }

  package func build(for view: Catalog.View, in snapshot: Snapshot) throws(LarderError) {
    guard try isDue(for: view, in: snapshot) else { return }
    let segments = try segments(of: view, in: snapshot)
    let folder = folder(of: view, in: snapshot)
    let before = try folder.timelines()
    let path = try write(
      try TimelineMerge(segments).run(), of: segments, into: folder,
      as: snapshot.store.host.makeIdentifier())
    for other in before where other != path { try removeUnlocked(other, folder.files) }
  }

  package func isObsolete(_ path: String, in state: StoreState) throws(LarderError) -> Bool {
    // The path of a file is the layout's: `.../offline/v<id>/<uuid>.timeline`.
    guard let name = path.split(separator: "/").dropLast().last, name.hasPrefix("v"),
      let view = UInt64(name.dropFirst())
    else { return false }
    return state.segments[view] == nil
  }

  package func owns(_ path: String) -> Bool { path.hasSuffix(TimelineFormat.suffix) }

  package func segments(
    in path: String, _ files: any FileSystem
  ) throws(LarderError) -> [FileIdentifier]? {
    let folder = TimelineFolder(files: files, path: "", viewID: 0)
    return try folder.open(path)?.segments.map(\.uuid)
  }

  private func segments(
    of view: Catalog.View, in snapshot: Snapshot
  ) throws(LarderError) -> [Segment] {
    var segments: [Segment] = []
    for description in snapshot.segments(of: view) {
      segments.append(try snapshot.open(description))
    }
    return inOrder(segments)
  }

  private func folder(of view: Catalog.View, in snapshot: Snapshot) -> TimelineFolder {
    TimelineFolder(
      files: snapshot.store.host.files, path: snapshot.store.layout.viewFolder(view.id),
      viewID: view.id)
  }

  /// Writes a timeline, synced with its directory.
  ///
  /// The header comes last, so that an unfinished file is none. The file is locked meanwhile, so
  /// that a sweep does not take it for an orphan.
  ///
  /// - Returns: its path.
  /// - Throws: `noSpace`, `io`: then the file is removed.
  func write(
    _ timeline: EntityTimeline, of segments: [Segment], into folder: TimelineFolder,
    as uuid: FileIdentifier
  ) throws(LarderError) -> String {
    let path = "\(folder.path)/\(uuid)\(TimelineFormat.suffix)"
    let file = try folder.files.open(path, .create)
    do throws(LarderError) {
      guard try file.tryLock(0..<1, .exclusive) else {
        throw LarderError(.locked, "Another process holds a file that was just made.", file: path)
      }
      try write(timeline, of: segments, folder.viewID, uuid, into: file)
      try file.syncData()
      try folder.files.syncDirectory(folder.path)
    } catch {
      // The first failure is what the caller needs; an orphan is swept anyway.
      do throws(LarderError) { try folder.files.remove(path) } catch { _ = error }
      throw error
    }
    return path
  }

  private func write(
    _ timeline: EntityTimeline, of segments: [Segment], _ viewID: UInt64, _ uuid: FileIdentifier,
    into file: any File
  ) throws(LarderError) {
    var format = TimelineFormat(
      uuid: uuid, viewID: viewID,
      segments: segments.map {
        TimelineFormat.Covered(uuid: $0.description.uuid, rows: $0.rows)
      }, ids: timeline.ids, entries: timeline.entryCount)
    let stage = Buffer(uninitializedBytes: TimelineFormat.blockBytes)
    for block in 0..<format.blocks {
      let start = block * TimelineFormat.blockBytes
      let count = min(TimelineFormat.blockBytes, format.bodyBytes - start)
      copyBody(of: timeline, format, start..<start + count, into: stage)
      let bytes = unsafe UnsafeRawBufferPointer(rebasing: stage.bytes[..<count])
      format.sums.append(unsafe XXH3.hash64(bytes, seed: format.blockSeed(block)))
      unsafe try file.write(bytes, at: UInt64(format.bodyStart + start))
    }
    // Without blocks the header alone is the file.
    try file.write(format.encoded, at: 0)
  }

  /// Copies a part of heads and entries, as they follow one another in the file.
  private func copyBody(
    of timeline: EntityTimeline, _ format: TimelineFormat, _ range: Range<Int>,
    into stage: Buffer
  ) {
    let headBytes = format.ids * 8
    let heads = range.clamped(to: 0..<headBytes)
    if !heads.isEmpty {
      unsafe stage.base.copyMemory(
        from: UnsafeRawPointer(timeline.heads.base) + heads.lowerBound, byteCount: heads.count)
    }
    let entries = range.clamped(to: headBytes..<max(headBytes, range.upperBound))
    if !entries.isEmpty {
      unsafe (stage.base + entries.lowerBound - range.lowerBound).copyMemory(
        from: UnsafeRawPointer(timeline.entries.base) + entries.lowerBound - headBytes,
        byteCount: entries.count)
    }
  }

  /// Removes a file that is replaced, unless another process is writing it.
  private func removeUnlocked(_ path: String, _ files: any FileSystem) throws(LarderError) {
    do {
      let file = try files.open(path, .update)
      if try file.tryLock(0..<1, .exclusive) { try files.remove(path) }
    } catch  where error.code == .notFound {
      return
    }
  }
}
