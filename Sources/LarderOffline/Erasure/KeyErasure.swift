import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// What the first step of an erasure found and did.
package struct KeyErasure: Sendable {
  /// The commit from which on the ids are unknown in every snapshot; nil if none were found.
  package var commit: Commit?
  /// The ids found, ascending, by join-key set.
  package var ids: [UInt64: [UInt32]] = [:]
  /// The files that held the keys.
  package var files: [HeldFile] = []
}

/// A file that held something of what was erased.
package struct HeldFile: Sendable, Hashable {
  package var path: String
  package var inode: UInt64
  package var device: UInt64
  /// What it is, in words: "segment", "key log".
  package var kind: String
  /// Rows of erased ids in it; of keys, how many.
  package var rows: Int
  /// The names of what took its place.
  package var substitutes: [String]

  package init(
    path: String, inode: UInt64, device: UInt64, kind: String, rows: Int,
    substitutes: [String] = []
  ) {
    self.path = path
    self.inode = inode
    self.device = device
    self.kind = kind
    self.rows = rows
    self.substitutes = substitutes
  }
}

extension Store {
  /// The ids of a selection's entities, by join-key set.
  ///
  /// - Throws: `corrupt`, `io`.
  /// - Complexity: O(selection) in the selection's own set, O(keys) in wider ones.
  package func findKeys(
    _ selection: KeySelection, in state: StoreState
  ) throws(LarderError) -> [UInt64: [UInt32]] {
    var found: [UInt64: [UInt32]] = [:]
    for set in state.catalog.keySets {
      guard let log = state.keyLogs[set.id],
        let matcher = selection.matcher(among: try set.schema())
      else { continue }
      let directory = try directory(
        of: set, store: state.fileIdentity, at: log, erasures: state.erasures)
      var ids: [UInt32] = []
      if matcher.isExact {
        for tail in selection.allTails {
          let id = try Self.id(of: tail, in: directory)
          if id < log.count { ids.append(id) }
        }
      } else {
        for id in 0..<log.count where !directory.retired.contains(id) {
          guard let tail = unsafe try directory.log.tail(of: id) else { continue }
          if unsafe try matcher.matches(tail) { ids.append(id) }
        }
      }
      if !ids.isEmpty { found[set.id] = ids.sorted() }
    }
    return found
  }

  private static func id(
    of tail: [UInt8], in directory: KeyDirectory
  ) throws(LarderError) -> UInt32 {
    var result: Result<UInt32, LarderError> = .success(.max)
    unsafe tail.withUnsafeBytes { bytes in
      do throws(LarderError) {
        result = .success(unsafe try directory.id(of: bytes))
      } catch { result = .failure(error) }
    }
    return try result.get()
  }

  /// Retires the ids of a selection's entities: they are unknown in every snapshot from now on, and
  /// their keys leave the key logs.
  ///
  /// Keys that are appended again get fresh ids.
  ///
  /// - Throws: `readOnly`, `locked`, `corrupt`, `noSpace`, `io`: nothing was retired then;
  ///   `outcomeUnknown`.
  /// - Complexity: O(keys) of the sets that hold some.
  package func eraseKeys(_ selection: KeySelection) throws(LarderError) -> KeyErasure {
    let held = try writerLocks().acquire(.append, timeout: options.lockTimeout)
    defer { held.release() }
    // A record that is not seen yet may name keys behind the end, or the next generation.
    let state = try settle()
    // Keys of appends that came to nothing are nobody's, but they are bytes.
    for set in state.catalog.keySets {
      guard let log = state.keyLogs[set.id] else { continue }
      try KeyFolder.clearVoid(
        behind: log, in: host.files, directory: layout.keyFolder(set.id))
    }
    var result = KeyErasure()
    result.ids = try findKeys(selection, in: state)
    guard !result.ids.isEmpty else { return result }
    let made = try rewriteKeyLogs(erasing: result.ids, state, &result.files)
    do throws(LarderError) {
      let ids = result.ids
      result.commit = try commit { newest throws(LarderError) in
        // The append lock keeps them still: whatever else changed, the plan is void.
        guard ids.keys.allSatisfy({ newest.keyLogs[$0] == state.keyLogs[$0] }) else {
          throw LarderError(
            .conflict, "The key logs changed while keys were erased; nothing was. Try again.",
            file: layout.keys)
        }
        return .erasure(ErasureRecord(ids: ids, keyLogs: made.logs))
      }.state.head
    } catch {
      if error.code != .outcomeUnknown { abandon(made.paths) }
      throw error
    }
    for set in result.ids.keys { keyCache.forget(set) }
    for set in state.catalog.keySets where result.ids[set.id] != nil {
      // Derived: if it cannot be made now, a later append makes it.
      do throws(LarderError) { try buildKeyMap(of: set) } catch { continue }
    }
    return result
  }

  /// Writes the next generation of key logs, durably.
  private func rewriteKeyLogs(
    erasing ids: [UInt64: [UInt32]], _ state: StoreState, _ files: inout [HeldFile]
  ) throws(LarderError) -> (logs: [UInt64: KeyLogState], paths: [String]) {
    var logs: [UInt64: KeyLogState] = [:]
    var paths: [String] = []
    do throws(LarderError) {
      for set in state.catalog.keySets {
        guard let erased = ids[set.id], let old = state.keyLogs[set.id] else { continue }
        let folder = layout.keyFolder(set.id)
        let path = KeyFolder.logPath(folder, generation: old.generation + 1)
        // What an erasure that was cut off left may be longer, and hold what is erased now.
        try host.files.remove(path)
        paths.append(path)
        let directory = try directory(
          of: set, store: state.fileIdentity, at: old, erasures: state.erasures)
        let writer = try directory.log.rewrite(
          erasing: Set(erased), as: old.generation + 1, in: host.files, directory: folder)
        do throws(LarderError) { try writer.sync() } catch {
          // No record names what may be lost, so the outcome is known: nothing was erased.
          throw LarderError(.io, error.message, file: path, systemError: error.systemError)
        }
        try host.files.syncDirectory(folder)
        logs[set.id] = writer.state
        try note(KeyFolder.logPath(folder, generation: old.generation), "key log", erased, &files)
        for map in try KeyFolder.foreignMaps(
          in: host.files, directory: folder, current: old.generation + 1)
        {
          try note(map, "key map", erased, &files)
        }
      }
    } catch {
      abandon(paths)
      throw error
    }
    return (logs, paths)
  }

  private func note(
    _ path: String, _ kind: String, _ ids: [UInt32], _ files: inout [HeldFile]
  ) throws(LarderError) {
    guard let status = try host.files.status(of: path) else { return }
    files.append(
      HeldFile(
        path: path, inode: status.inode, device: status.device, kind: kind, rows: ids.count))
  }

  private func abandon(_ paths: [String]) {
    for path in paths {
      // What stays is removed by a sweep.
      do throws(LarderError) { try host.files.remove(path) } catch { continue }
    }
  }
}
