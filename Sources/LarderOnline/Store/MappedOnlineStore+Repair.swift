import LarderColumns
import LarderContract
import LarderFiles

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
        let result = try table.verify()
        rows += result.rows
        findings += result.findings.map {
          Finding($0, affects: "the online table of \"\(view)\"")
        }
      } catch {
        findings.append(Finding(error, affects: "online table v\(id)"))
      }
    }
    return (rows, findings)
  }

  /// Builds key indexes anew that do not lead to the newest rows, or that nobody trusts.
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
        let findings = try table.verify().findings
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
          path: folder, action: "build the key index anew from the row log", reason: reason))
      if !dryRun { try rebuildIndex(id) }
    }
    return steps
  }
}
