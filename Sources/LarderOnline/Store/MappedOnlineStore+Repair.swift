import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

extension MappedOnlineStore {
  /// The ids of the tables whose folders are there.
  ///
  /// - Throws: `io`.
  func tableIDs() throws(LarderError) -> [UInt32] {
    guard try host.files.status(of: directory) != nil else { return [] }
    var ids: [UInt32] = []
    for name in try host.files.names(in: directory) {
      guard name.first == "v", let id = UInt32(name.dropFirst()), name == "v\(id)",
        try TableFiles.mayExist("\(directory)/\(name)", host.files)
      else { continue }
      ids.append(id)
    }
    return ids.sorted()
  }

  /// Checks every row of every table, and the indexes against the logs.
  ///
  /// - Throws: `io` that is no finding.
  /// - Complexity: O(rows).
  package func verifyAll() throws(LarderError) -> (rows: Int, findings: [Finding]) {
    var rows = 0
    var findings: [Finding] = []
    for id in try tableIDs() {
      do throws(LarderError) {
        let table = try table(id)
        let view = try table.snapshot().state.view
        let result = try table.verify(hidden: try hidden())
        rows += result.rows
        findings += result.findings.map {
          Finding($0, affects: "the online table of \"\(view)\"")
        }
      } catch {
        // Dropped meanwhile.
        if error.code == .notFound, try !TableFiles.mayExist(folder(id), host.files) { continue }
        findings.append(Finding(error, affects: "online table v\(id)"))
      }
    }
    return (rows, findings)
  }

  /// The commits that the tables were materialized from, with the views' names; damaged tables are
  /// passed over.
  ///
  /// - Throws: `io`.
  package func watermarkCommits() throws(LarderError) -> [(view: String, commit: UInt64)] {
    var commits: [(view: String, commit: UInt64)] = []
    for id in try tableIDs() {
      do throws(LarderError) {
        let state = try table(id).snapshot().state
        if let watermark = state.watermark { commits.append((state.view, watermark.commit)) }
      } catch {
        guard error.code == .corrupt || error.code == .notFound else { throw error }
      }
    }
    return commits
  }

  /// Keys that are being erased: the index leads nowhere, and the log still has their rows.
  private func hidden() throws(LarderError) -> [KeySelection] {
    try erasures?.hidden()?.selections ?? []
  }

  /// Rebuilds key indexes that do not lead to the newest rows, or that nobody trusts.
  ///
  /// - Parameter dryRun: whether only to say what would be done.
  /// - Throws: `locked` if another process writes to such a table; `noSpace`, `io`.
  /// - Complexity: O(rows).
  package func repairIndexes(dryRun: Bool) throws(LarderError) -> [RepairReport.Step] {
    var steps: [RepairReport.Step] = []
    for id in try tableIDs() {
      let folder = "\(directory)/v\(id)"
      let reason: String?
      do throws(LarderError) {
        let table = try table(id)
        let findings = try table.verify(hidden: try hidden()).findings
        // A damaged log is no matter of the index.
        if findings.contains(where: { $0.file?.hasSuffix(LogFormat.suffix) ?? false }) { continue }
        reason =
          findings.first?.message
          ?? (table.usesPrivateIndex ? "There is no index to trust after a crash." : nil)
      } catch {
        guard error.code == .corrupt else { throw error }
        continue
      }
      guard let reason else { continue }
      steps.append(
        RepairReport.Step(
          path: folder, action: "rebuild the key index from the row log", reason: reason))
      if !dryRun { try rebuildIndex(id) }
    }
    return steps
  }
}
