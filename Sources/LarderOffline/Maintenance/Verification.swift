import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

extension Snapshot {
  /// Recomputes every checksum that the snapshot's answers rest on, and checks order, counts, bounds
  /// and references.
  ///
  /// Damage in one file does not keep the others from being checked.
  ///
  /// The manifest itself is checked whenever a store is opened.
  ///
  /// - Returns: everything that was found.
  /// - Throws: what is no finding: `io` that has nothing to do with one file.
  /// - Complexity: O(bytes of the live files).
  package func verify() throws(LarderError) -> VerificationReport {
    var check = SnapshotCheck()
    check.attempt("every view") { () throws(LarderError) in try checkInvariants() }
    for view in catalog.views {
      for description in segments(of: view) {
        let range = "\(description.rows) rows of \"\(view.name)\""
        check.files += 1
        do throws(LarderError) {
          let segment = try open(description)
          try verifyIDs(of: segment, view)
          for error in segment.verifyDeep() { check.add(error, affects: range) }
        } catch {
          check.add(error, affects: range)
        }
        check.bytes += description.fileBytes
        check.rows += description.rows
      }
    }
    for set in catalog.keySets where keyLogs[set.id] != nil {
      let views = catalog.views.filter { $0.keySet == set.id }.map { "\"\($0.name)\"" }
      check.files += 1
      check.bytes += keyLogs[set.id]?.length ?? 0
      check.attempt("the keys of \(views.joined(separator: ", "))") { () throws(LarderError) in
        guard let directory = try keyDirectory(of: set.id) else { return }
        try directory.log.verify()
        try directory.checkInvariants()
      }
    }
    return VerificationReport(
      commit: commit, files: check.files, bytes: check.bytes, rows: check.rows,
      findings: check.findings)
  }

  private func verifyIDs(of segment: Segment, _ view: Catalog.View) throws(LarderError) {
    let keys = keyLogs[view.keySet]?.count ?? 0
    guard segment.description.maxID < keys else {
      throw LarderError(
        .corrupt,
        "It has rows of entity \(segment.description.maxID), and the key log has \(keys) keys.",
        file: segment.path)
    }
  }
}

/// What a check has looked at and found so far.
private struct SnapshotCheck {
  var files = 0
  var bytes: UInt64 = 0
  var rows = 0
  var findings: [Finding] = []

  mutating func add(_ error: LarderError, affects: String) {
    findings.append(Finding(error, affects: affects))
  }

  mutating func attempt(_ affects: String, _ body: () throws(LarderError) -> Void) {
    do throws(LarderError) { try body() } catch {
      add(error, affects: affects)
    }
  }
}
