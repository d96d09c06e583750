import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

extension Snapshot {
  /// Recomputes every checksum that answers rest on, and checks order, counts, bounds and
  /// references, of this snapshot and of the earlier ones that are kept.
  ///
  /// Damage in one place does not keep the others from being checked: each is a finding of its own.
  /// What goes on beside is no finding: files that come and go, an erasure that is not finished.
  ///
  /// - Parameter deep: whether every value is decoded too, and zone maps and content hashes are
  ///   computed again.
  /// - Returns: everything that was found.
  /// - Throws: what is no finding: `io` that has nothing to do with one file.
  /// - Complexity: O(bytes of the files); deep O(values).
  package func verify(deep: Bool = true) throws(LarderError) -> VerificationReport {
    var check = SnapshotCheck(deep: deep)
    check.attempt("every view") { () throws(LarderError) in try checkInvariants() }
    for view in catalog.views {
      for description in segments(of: view) { try verify(description, view, &check) }
    }
    for set in catalog.keySets where keyLogs[set.id] != nil { try verifyKeys(set, &check) }
    try verifyEarlier(&check)
    try verifyCommits(&check)
    try verifyEnd(&check)
    var report = VerificationReport(
      commit: commit, files: check.files, bytes: check.bytes, rows: check.rows,
      findings: check.findings, notes: try store.notes())
    if !report.findings.isEmpty { report.lastGood = check.lastGood }
    return report
  }

  private func verify(
    _ description: SegmentDescription, _ view: Catalog.View, _ check: inout SnapshotCheck
  ) throws(LarderError) {
    check.files += 1
    check.bytes += description.fileBytes
    check.rows += description.rows
    let all = "\(description.rows) rows of \"\(view.name)\""
    let segment: Segment
    do throws(LarderError) { segment = try open(description) } catch {
      check.add(error, affects: all, segment: description.uuid)
      return
    }
    check.types[description.uuid] = segment.features.map { ($0.fieldID, $0.type) }
    let keys = keyLogs[view.keySet]?.count ?? 0
    check.attempt(all, segment: description.uuid) { () throws(LarderError) in
      try description.checkIDs(among: keys, file: segment.path)
      try view.checkTypes(of: segment.features, file: segment.path)
    }
    if check.isDeep, description.maxID < keys {
      check.attempt(all, segment: description.uuid) { () throws(LarderError) in
        try verifySlots(of: segment, view)
      }
    }
    for finding in segment.findings(deep: check.isDeep) {
      check.add(
        finding.error, affects: Self.words(finding, view, of: description.rows),
        segment: description.uuid)
    }
  }

  /// Which rows and feature damage takes away, in words.
  private static func words(
    _ finding: SegmentFinding, _ view: Catalog.View, of count: Int
  ) -> String {
    let rows = finding.rows.map { rows in
      rows.count == count ? "\(count) rows" : "rows \(rows.lowerBound) to \(rows.upperBound - 1)"
    }
    let fields = view.fields + view.retired
    let feature = finding.fieldID.map { id in
      fields.first { $0.id == id }.map { "feature \"\($0.name)\" of " } ?? "feature \(id) of "
    }
    return (feature ?? "") + (rows ?? "some of \(count) rows") + " of \"\(view.name)\""
  }

  /// Refuses rows of ids whose slot in the key log is empty, unless they are being erased.
  private func verifySlots(of segment: Segment, _ view: Catalog.View) throws(LarderError) {
    guard let directory = try keyDirectory(of: view.keySet) else { return }
    let pending = Set(try store.refresh().erasures.pending[view.keySet] ?? [])
      .union(erasures.pending[view.keySet] ?? [])
    let index = try segment.entityIndex()
    for position in 0..<index.count {
      let id = unsafe index.ids[position]
      guard unsafe try directory.log.tail(of: id) == nil, !pending.contains(id) else { continue }
      // An erasure that began since is at work on them.
      if try store.refresh().erasures.pending[view.keySet]?.contains(id) ?? false { continue }
      throw LarderError(
        .corrupt, "It has rows of entity \(id), whose key is not in the key log.",
        file: segment.path)
    }
  }

  private func verifyKeys(
    _ set: Catalog.KeySet, _ check: inout SnapshotCheck
  ) throws(LarderError) {
    let views = catalog.views.filter { $0.keySet == set.id }.map { "\"\($0.name)\"" }
    let affected = "of " + views.joined(separator: ", ")
    check.files += 1
    check.bytes += keyLogs[set.id]?.length ?? 0
    do throws(LarderError) {
      guard let directory = try keyDirectory(of: set.id) else { return }
      let findings = directory.log.findings()
      for finding in findings {
        check.add(
          finding.error,
          affects: "keys \(finding.ids.lowerBound) to \(finding.ids.upperBound - 1) \(affected)")
      }
      let maps = try damagedMaps(for: directory.log, of: set)
      for map in maps {
        for error in map.findings {
          check.add(error, affects: "the speed of lookups \(affected); repair rebuilds it")
        }
      }
      if findings.isEmpty, maps.isEmpty { try directory.checkInvariants() }
    } catch {
      // An erasure that began since put the next log in its place.
      if error.code == .notFound || error.code == .corrupt,
        try store.refresh().keyLogs[set.id]?.generation != keyLogs[set.id]?.generation
      {
        return
      }
      check.add(error, affects: "the keys \(affected)")
    }
  }

  /// The key maps that do not hold; one that is being written is none.
  private func damagedMaps(
    for log: KeyLog, of set: Catalog.KeySet
  ) throws(LarderError) -> [(path: String, findings: [LarderError])] {
    let files = store.host.files
    var damaged: [(path: String, findings: [LarderError])] = []
    for map in try KeyFolder.damagedMaps(
      in: files, directory: store.layout.keyFolder(set.id), for: log)
    {
      let file: any File
      do throws(LarderError) { file = try files.open(map.path, .read) } catch {
        guard error.code == .notFound else { throw error }
        continue
      }
      // Whoever builds one holds it; once it is built it is another one.
      if try file.conflictingLock(in: 0..<1) == nil { damaged.append(map) }
    }
    return damaged
  }

  /// Checks the segments that only earlier snapshots name.
  private func verifyEarlier(_ check: inout SnapshotCheck) throws(LarderError) {
    let state = try store.refresh()
    let oldest = try store.oldestKept(state)
    let living = try store.living(state, oldest: oldest.id)
    for retired in state.retired where living.names(retired) {
      let path = "\(store.layout.viewFolder(retired.view))/\(retired.uuid).seg"
      let affected = "snapshots \(retired.since) to \(retired.until - 1)"
      do throws(LarderError) {
        let segment = try Segment(path: path, files: store.host.files, expected: nil)
        check.files += 1
        check.bytes += segment.description.fileBytes
        check.types[retired.uuid] = segment.features.map { ($0.fieldID, $0.type) }
        for finding in segment.findings(deep: false) {
          check.add(finding.error, affects: affected, segment: retired.uuid)
        }
      } catch {
        // A sweep may have taken it meanwhile, or before a reboot, after which nobody says so: a
        // snapshot that nobody named or holds is one that is no longer kept.
        if error.code == .notFound, try !store.mustBeThere(retired, living, oldest) { continue }
        check.add(error, affects: affected, segment: retired.uuid)
      }
    }
  }
}

extension SegmentDescription {
  /// Refuses rows of ids that were not given out.
  func checkIDs(among keys: UInt32, file: String) throws(LarderError) {
    guard maxID < keys else {
      throw LarderError(
        .corrupt, "It has rows of entity \(maxID), and the key log has \(keys) keys.", file: file)
    }
  }
}

extension Catalog.View {
  /// Refuses columns that are wider than the features they are read as.
  func checkTypes(
    of columns: [(fieldID: UInt32, type: DataType?)], file: String
  ) throws(LarderError) {
    for column in columns {
      guard let type = column.type, let field = fields.first(where: { $0.id == column.fieldID }),
        type != field.type
      else { continue }
      switch (type, field.type) {
      case (.int32, .int64), (.int32, .float64), (.float32, .float64): continue
      default:
        throw LarderError(
          .corrupt,
          "It holds \(type) for the feature \"\(field.name)\", which is \(field.type) in the "
            + "definition of \"\(name)\": it was written under another definition.", file: file)
      }
    }
  }
}

/// What a check has looked at and found so far.
struct SnapshotCheck {
  let isDeep: Bool
  var files = 0
  var bytes: UInt64 = 0
  var rows = 0
  var findings: [Finding] = []
  /// The columns of the segments that could be opened.
  var types: [FileIdentifier: [(fieldID: UInt32, type: DataType?)]] = [:]
  /// The segments of which something was found wrong.
  var bad: Set<FileIdentifier> = []
  /// The newest snapshot that is kept and of which nothing was.
  var lastGood: Commit?

  init(deep: Bool) { isDeep = deep }

  mutating func add(_ error: LarderError, affects: String, segment: FileIdentifier? = nil) {
    findings.append(Finding(error, affects: affects))
    if let segment { bad.insert(segment) }
  }

  mutating func attempt(
    _ affects: String, segment: FileIdentifier? = nil, _ body: () throws(LarderError) -> Void
  ) {
    do throws(LarderError) { try body() } catch {
      add(error, affects: affects, segment: segment)
    }
  }
}
