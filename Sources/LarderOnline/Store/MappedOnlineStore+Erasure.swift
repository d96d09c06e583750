import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// What erasing keys did to one online table.
package struct OnlineErasure: Sendable, Hashable {
  /// The view's name, as the table knows it.
  package var view: String
  /// The files that held rows of the keys; they were removed.
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
  /// Removes every row of the keys of selections from all tables, those of dropped views included.
  ///
  /// Tables without such rows need no lock.
  ///
  /// - Parameters:
  ///   - selections: what goes.
  ///   - forgetsWatermarks: whether materialization of the tables concerned begins anew.
  ///   - dryRun: whether only to look.
  /// - Returns: one entry for each table that held rows, or may still hold some.
  /// - Throws: `readOnly`, `io`, `corrupt`.
  /// - Complexity: O(bytes of the logs whose keys the selections can reach).
  package func erase(
    _ selections: [KeySelection], forgetsWatermarks: Bool = false, dryRun: Bool = false
  ) throws(LarderError) -> [OnlineErasure] {
    guard try host.files.status(of: directory) != nil else { return [] }
    var results: [OnlineErasure] = []
    for name in try host.files.names(in: directory).sorted() {
      guard name.first == "v", let id = UInt32(name.dropFirst()), name == "v\(id)",
        try TableFiles.mayExist("\(directory)/\(name)", host.files)
      else { continue }
      var result = OnlineErasure(view: name)
      do throws(LarderError) {
        let table = try table(id)
        result.view = try table.snapshot().state.view
        let holdsRows = try table.holdsRows(of: selections)
        if !dryRun, !holdsRows, try table.hasLeftovers() {
          // A crash left a segment that the table no longer names; a writer that opens removes it.
          _ = try writableTable(id)
          try host.files.syncDirectory("\(directory)/\(name)")
        }
        guard holdsRows else { continue }
        if !dryRun {
          result.files = try writableTable(id)
            .erase(selections, forgetsWatermark: forgetsWatermarks)
        }
      } catch {
        guard error.code == .locked || error.code == .corrupt else { throw error }
        result.failure = error
      }
      results.append(result)
    }
    return results
  }
}
