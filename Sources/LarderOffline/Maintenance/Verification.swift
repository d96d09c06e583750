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
        check.attempt(range) { () throws(LarderError) in
          let segment = try open(description)
          try segment.verifyAll()
          try verifyIDs(of: segment, view)
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

  mutating func attempt(_ affects: String, _ body: () throws(LarderError) -> Void) {
    do throws(LarderError) { try body() } catch {
      findings.append(Finding(error, affects: affects))
    }
  }
}

extension Segment {
  /// Recomputes every checksum of the file and checks the order of its rows and its bounds.
  ///
  /// - Throws: `corrupt` with the file, the column and the page of the first contradiction.
  package func verifyAll() throws(LarderError) {
    _ = try entityIndex()
    _ = unsafe try fences()
    try eventColumn().ensureVerified()
    try createdColumn()?.ensureVerified()
    for feature in features {
      guard let column = try column(fieldID: feature.fieldID) else { continue }
      try column.ensureVerified()
    }
    try verifyOrder()
  }

  /// Rows are sorted by (id, event time, created time with null first), and bounds are exact.
  private func verifyOrder() throws(LarderError) {
    let idBuffer = try decodeIDs(rows: 0..<rows)
    let eventBuffer = try decodeEvents(rows: 0..<rows)
    // The pointers below outlive the last mention of their owners.
    defer { withExtendedLifetime((idBuffer, eventBuffer)) {} }
    let ids = unsafe idBuffer.values(as: UInt32.self)
    let events = unsafe eventBuffer.values(as: Int64.self)
    let created = try decodeCreated(rows: 0..<rows)
    var least = Int64.max
    var greatest = Int64.min
    for row in 0..<rows {
      let event = unsafe events[row]
      least = min(least, event)
      greatest = max(greatest, event)
      guard row > 0, unsafe ids[row] == ids[row - 1] else { continue }
      let before = unsafe events[row - 1]
      var isSorted = before <= event
      if before == event, let created, created.isValid(row - 1) {
        let times = unsafe created.fixedValues(as: Int64.self)
        isSorted = unsafe created.isValid(row) && times[row - 1] <= times[row]
      }
      guard isSorted else {
        throw LarderError(
          .corrupt, "Rows \(row - 1) and \(row) of the segment are out of order.", file: path)
      }
    }
    guard least == description.minEvent, greatest == description.maxEvent else {
      throw LarderError(
        .corrupt,
        "Event times reach from \(least) to \(greatest); the footer says \(description.minEvent) to "
          + "\(description.maxEvent).", file: path)
    }
  }
}
