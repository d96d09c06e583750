import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// What erasing keys found in one online table, or did to it.
package struct OnlineErasure: Sendable, Hashable {
  /// The view's name, as the table knows it.
  package var view: String
  /// The files that held rows of the keys.
  package var files: [File] = []
  /// Why rows may be left: another process writes to the table, or a row is damaged.
  package var failure: LarderError?

  /// A file that held rows of erased keys.
  package struct File: Sendable, Hashable {
    package var path: String
    package var inode: UInt64
    package var device: UInt64
    package var rows: Int
  }
}

extension MappedOnlineStore {
  /// Looks for rows of erased keys in the files of all tables, those of dropped views included;
  /// takes no lock.
  ///
  /// In a table that took an erasure in, rows of its keys are new ones, and are not looked for.
  ///
  /// - Returns: one entry for each table that holds rows, or may hold some.
  /// - Throws: `io`.
  /// - Complexity: O(bytes of the logs whose keys the selections can reach).
  package func holders(
    of erased: HiddenKeys, _ scan: inout OnlineScan
  ) throws(LarderError) -> [OnlineErasure] {
    var results: [OnlineErasure] = []
    for id in try tableIDs() {
      var result = OnlineErasure(view: "v\(id)")
      do throws(LarderError) {
        let state = try table(id).snapshot().state
        result.view = state.view
        let keys = erased.since(try ErasureMark.newest(in: folder(id), host.files))
        result.files = try scan.look(
          for: try state.matchers(of: keys?.selections ?? []), in: folder(id), host)
      } catch {
        guard error.code == .corrupt else { throw error }
        result.failure = error
      }
      if !result.files.isEmpty || result.failure != nil { results.append(result) }
    }
    return results
  }

  /// The keys of a selection that tables show rows of, a selection for each table.
  ///
  /// Those whose erasure is under way are not among them.
  ///
  /// - Throws: `io`.
  /// - Complexity: O(bytes of the logs whose keys the selection can reach).
  package func keys(of selection: KeySelection) throws(LarderError) -> [KeySelection] {
    var found: [KeySelection] = []
    for id in try tableIDs() {
      do throws(LarderError) {
        let snapshot = try table(id).snapshot()
        let matchers = try snapshot.state.matchers(of: [selection])
        if matchers.isEmpty { continue }
        let taken = try ErasureMark.newest(in: folder(id), host.files)
        let hidden = try snapshot.state.matchers(
          of: try erasures?.hidden()?.since(taken)?.selections ?? [])
        var keys = KeySelection(try KeySchema(snapshot.state.keys))
        for logFile in snapshot.lookup.logFiles.logFiles {
          unsafe RowMarks(UnsafeRawBufferPointer(start: logFile.base, count: logFile.bytes))
            .forEachTail(of: matchers) { tail in
              // What is no key of the table's was passed over.
              do throws(LarderError) {
                if try unsafe !hidden.hold(tail) { unsafe keys.insert(tail) }
              } catch { return }
            }
        }
        if keys.count > 0 { found.append(keys) }
      } catch {
        // Said where the files are searched.
        guard error.code == .corrupt else { throw error }
      }
    }
    return found
  }

  /// Removes every row of erased keys from all tables, those of dropped views included.
  ///
  /// Tables without such rows need no lock. Erasures that history began are taken in with it.
  ///
  /// - Returns: one entry for each table that held rows, or may still hold some.
  /// - Throws: `readOnly`, `io`.
  /// - Complexity: O(bytes of the logs whose keys the selections can reach).
  package func erase(_ erased: HiddenKeys) throws(LarderError) -> [OnlineErasure] {
    var scan = OnlineScan()
    var results = try holders(of: erased, &scan)
    for id in try tableIDs() {
      var index = results.firstIndex { result in
        result.files.contains { $0.path.hasPrefix(folder(id) + "/") }
      }
      do throws(LarderError) {
        if index == nil {
          guard
            try erasures?.hidden()?.since(
              try ErasureMark.newest(in: folder(id), host.files)) != nil,
            try hasLeftovers(id)
          else { continue }
        }
        let table = try writableTable(id)
        try takeIn(table, id)
        guard let index,
          let left = erased.since(
            try ErasureMark.newest(in: folder(id), host.files))
        else { continue }
        let files = try table.erase(left.selections, forgetsWatermark: false)
        let known = Set(results[index].files.map(\.inode))
        results[index].files += files.filter { !known.contains($0.inode) }
      } catch {
        guard error.code == .locked || error.code == .corrupt else { throw error }
        if index == nil {
          results.append(OnlineErasure(view: "v\(id)"))
          index = results.count - 1
        }
        results[index ?? 0].failure = error
      }
    }
    try syncRemovals()
    return results
  }

  /// Makes durable that files are gone, and what was overwritten in those that stay: whoever did it
  /// may have died before, and what memory no longer shows may still be on the disk.
  private func syncRemovals() throws(LarderError) {
    guard try host.files.status(of: directory) != nil else { return }
    for id in try tableIDs() {
      // A batch that failed is overwritten where the log goes on, which is the newest log file.
      if let newest = try TableFiles.numbers(folder(id), LogFormat.suffix, host.files).last {
        try host.files.open("\(folder(id))/\(LogFormat.fileName(newest))", .update).syncData()
      }
      try host.files.syncDirectory(folder(id))
    }
    try host.files.syncDirectory(directory)
  }

  /// Whether a table's folder has log files that the table does not name.
  private func hasLeftovers(_ id: UInt32) throws(LarderError) -> Bool {
    let named = Set(try table(id).snapshot().lookup.logFiles.logFiles.map(\.sequence))
    return try TableFiles.numbers(folder(id), LogFormat.suffix, host.files)
      .contains { !named.contains($0) }
  }
}
