import LarderColumns
import LarderFiles
import LarderKeys
import Synchronization

/// A search for what is left of erased entities, and what it found.
package struct ErasureScan: Sendable {
  /// Files looked at.
  package var files = 0
  /// Bytes of them.
  package var bytes: UInt64 = 0
  /// What is left; empty if nothing is.
  package var leftovers: [Leftover] = []

  /// A file that holds, or may hold, something of erased entities.
  package struct Leftover: Sendable, Hashable {
    package var path: String
    package var why: String

    package init(_ path: String, _ why: String) {
      self.path = path
      self.why = why
    }
  }

  package init() {}

  /// Notes that a file was looked at.
  package mutating func note(bytes: UInt64) {
    files += 1
    self.bytes += bytes
  }

  package mutating func add(_ path: String, _ why: String) {
    leftovers.append(Leftover(path, why))
  }
}

extension Store {
  /// Looks at every file of history for what is left of retired ids.
  ///
  /// Not what should be there is asked, but what is: all names in the folders, whether a snapshot
  /// names them or not. The caller holds the maintenance lock and has swept.
  ///
  /// - Parameters:
  ///   - spareLogs: whether the key logs of before may still be there: the list of what is left to do.
  /// - Throws: `io`.
  /// - Complexity: O(entities) of the segments concerned.
  func search(
    for ids: [UInt64: [UInt32]], in state: StoreState, spareLogs: Bool, _ scan: inout ErasureScan
  ) throws(LarderError) {
    try searchKeys(ids, state, spareLogs: spareLogs, &scan)
    try searchSegments(ids, state, &scan)
    for number in try manifest.numbers() {
      guard let first = try manifest.firstCommit(of: number) else { continue }
      let path = manifest.path(number)
      scan.note(bytes: try host.files.status(of: path)?.bytes ?? 0)
      if first < state.erasures.last {
        scan.add(path, "it tells the times of segments that held the entities")
      }
    }
  }

  private func searchKeys(
    _ ids: [UInt64: [UInt32]], _ state: StoreState, spareLogs: Bool, _ scan: inout ErasureScan
  ) throws(LarderError) {
    for set in state.catalog.keySets {
      guard let erased = ids[set.id], let log = state.keyLogs[set.id] else { continue }
      let folder = layout.keyFolder(set.id)
      for generation in try KeyFolder.generations(in: host.files, directory: folder) {
        let path = KeyFolder.logPath(folder, generation: generation)
        scan.note(bytes: try host.files.status(of: path)?.bytes ?? 0)
        if generation < log.generation, !spareLogs {
          scan.add(path, "it is the key log of before")
        }
      }
      for path in try KeyFolder.maps(in: host.files, directory: folder) {
        scan.note(bytes: try host.files.status(of: path)?.bytes ?? 0)
      }
      for path in try KeyFolder.foreignMaps(
        in: host.files, directory: folder, current: log.generation)
      {
        scan.add(path, "it is a key map of before")
      }
      let current = try KeyLog.open(
        in: host.files, directory: folder, identity: keyIdentity(set.id, state.fileIdentity),
        schema: try set.schema(), state: log)
      for id in erased where id < log.count {
        if unsafe try current.tail(of: id) != nil {
          scan.add(
            KeyFolder.logPath(folder, generation: log.generation), "the slot of a key is not empty")
        }
      }
    }
  }

  private func searchSegments(
    _ ids: [UInt64: [UInt32]], _ state: StoreState, _ scan: inout ErasureScan
  ) throws(LarderError) {
    var named: [String: (segment: SegmentDescription, set: UInt64)] = [:]
    var failures: [LarderError] = []
    for (segment, set) in try retiredDescriptions(in: state, &failures) {
      named[segment.fileName] = (segment, set)
    }
    for failure in failures { scan.add(failure.file ?? layout.offline, failure.message) }
    for (view, live) in state.segments {
      guard let set = state.catalog.view(id: view)?.keySet else { continue }
      for segment in live { named[segment.description.fileName] = (segment.description, set) }
    }
    let gone = Set(state.erasures.substitutions.map { "\($0.uuid).seg" })
    for view in try viewFolders() {
      let folder = layout.viewFolder(view)
      for name in try names(in: folder) {
        let path = "\(folder)/\(name)"
        guard let status = try host.files.status(of: path) else { continue }
        scan.note(bytes: status.bytes)
        if name.hasSuffix(".seg") {
          if let known = named[name] {
            try search(known.segment, for: ids[known.set] ?? [], path, &scan)
          } else if gone.contains(name) {
            scan.add(path, "it was rewritten, and is still there")
          } else if try lockForRemoval(path) != nil {
            if try !isNamed(name) { scan.add(path, "nobody names it") }
          } else {
            let set = state.catalog.view(id: view)?.keySet
            try searchHeld(
              path, for: set.map { ids[$0] ?? [] } ?? ids.values.flatMap(\.self), &scan)
          }
        } else if try !isCurrentTimeline(path, state) {
          scan.add(path, "it was derived from segments that held the entities")
        }
      }
    }
  }

  /// Looks into a file that nobody names and somebody holds: it is being written, with new ids alone,
  /// or a sweep is about to remove it, and has not yet.
  private func searchHeld(
    _ path: String, for ids: [UInt32], _ scan: inout ErasureScan
  ) throws(LarderError) {
    do throws(LarderError) {
      let segment = try Segment(path: path, files: host.files, expected: nil)
      let index = try segment.entityIndex()
      if ids.contains(where: { index.position(of: $0) != nil }) {
        scan.add(path, "another process is about to remove it")
      }
      withExtendedLifetime(segment) {}
    } catch {
      // Not whole yet, or gone by now.
      guard error.code == .corrupt || error.code == .notFound else { throw error }
    }
  }

  private func search(
    _ description: SegmentDescription, for ids: [UInt32], _ path: String, _ scan: inout ErasureScan
  ) throws(LarderError) {
    guard ids.contains(where: { $0 >= description.minID && $0 <= description.maxID }) else {
      return
    }
    do throws(LarderError) {
      let index = try cache.segment(description).entityIndex()
      if ids.contains(where: { index.position(of: $0) != nil }) {
        scan.add(path, "it holds rows of them")
      }
    } catch {
      guard error.code == .corrupt else { throw error }
      scan.add(path, error.message)
    }
  }

  /// Whether the newest state names a segment: one that is committed meanwhile is a new one.
  private func isNamed(_ name: String) throws(LarderError) -> Bool {
    let state = try refresh()
    for live in state.segments.values {
      if live.contains(where: { $0.description.fileName == name }) { return true }
    }
    return state.retired.contains { "\($0.uuid).seg" == name }
  }

  /// The views that have a folder, dropped ones included.
  private func viewFolders() throws(LarderError) -> [UInt64] {
    try host.files.names(in: layout.offline).compactMap { name in
      name.hasPrefix("v") ? UInt64(name.dropFirst()) : nil
    }.sorted()
  }

  /// Whether a file beside segments follows from live ones alone, or is none that was derived.
  private func isCurrentTimeline(
    _ path: String, _ state: StoreState
  ) throws(LarderError) -> Bool {
    guard let owner = derived.withLock({ $0 }).first(where: { $0.owns(path) }) else { return true }
    guard let covered = try owner.segments(in: path, host.files) else {
      return try host.files.status(of: path) == nil
    }
    var live: Set<FileIdentifier> = []
    for segments in state.segments.values {
      for segment in segments { live.insert(segment.description.uuid) }
    }
    return live.isSuperset(of: covered)
  }

  /// Removes files that follow from segments which are no longer live.
  func removeSpentTimelines(_ state: StoreState) throws(LarderError) {
    for view in try viewFolders() {
      let folder = layout.viewFolder(view)
      for name in try names(in: folder) where !name.hasSuffix(".seg") {
        let path = "\(folder)/\(name)"
        if try isCurrentTimeline(path, state) { continue }
        // Whoever writes one holds it.
        guard let lock = try lockForRemoval(path) else { continue }
        try host.files.remove(path)
        withExtendedLifetime(lock) {}
      }
    }
  }
}
