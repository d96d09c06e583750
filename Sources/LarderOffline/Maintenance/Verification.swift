import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

extension Snapshot {
  /// Recomputes every checksum that answers rest on, and checks order, counts, bounds and
  /// references, of this snapshot and of the earlier ones that are kept.
  ///
  /// Damage in one place does not keep the others from being checked: each is a finding of its own.
  ///
  /// - Parameter deep: whether every value is decoded too, and zone maps and content hashes are
  ///   computed anew.
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
    for error in store.manifest.findings() { check.add(error, affects: "commits") }
    return VerificationReport(
      commit: commit, files: check.files, bytes: check.bytes, rows: check.rows,
      findings: check.findings)
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
      check.add(error, affects: all)
      return
    }
    check.attempt(all) { () throws(LarderError) in try verifyIDs(of: segment, view) }
    for finding in segment.findings(deep: check.isDeep) {
      check.add(finding.error, affects: Self.words(finding, view, of: description.rows))
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

  private func verifyIDs(of segment: Segment, _ view: Catalog.View) throws(LarderError) {
    let keys = keyLogs[view.keySet]?.count ?? 0
    guard segment.description.maxID < keys else {
      throw LarderError(
        .corrupt,
        "It has rows of entity \(segment.description.maxID), and the key log has \(keys) keys.",
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
      let maps = try KeyFolder.damagedMaps(
        in: store.host.files, directory: store.layout.keyFolder(set.id), for: directory.log)
      for map in maps {
        for error in map.findings {
          check.add(error, affects: "the speed of lookups \(affected); repair builds it anew")
        }
      }
      if findings.isEmpty, maps.isEmpty { try directory.checkInvariants() }
    } catch {
      check.add(error, affects: "the keys \(affected)")
    }
  }

  /// Checks the segments that only earlier snapshots name.
  private func verifyEarlier(_ check: inout SnapshotCheck) throws(LarderError) {
    let state = try store.refresh()
    let oldest = store.manifest.oldestRetained ?? state.head.id
    let living = try store.living(state, oldest: oldest)
    for retired in state.retired where living.names(retired) {
      let path = "\(store.layout.viewFolder(retired.view))/\(retired.uuid).seg"
      let affected = "snapshots \(retired.since) to \(retired.until - 1)"
      do throws(LarderError) {
        let segment = try Segment(path: path, files: store.host.files, expected: nil)
        check.files += 1
        check.bytes += segment.description.fileBytes
        for finding in segment.findings(deep: false) {
          check.add(finding.error, affects: affected)
        }
      } catch {
        // A sweep may have taken it, now or before a reboot, after which STATE no longer says so:
        // a snapshot that nobody named or holds is one that is no longer kept.
        let isHeld = living.keeps(retired.since..<retired.until)
        if error.code == .notFound, !isHeld { continue }
        check.add(error, affects: affected)
      }
    }
  }
}

extension Manifest {
  /// Reads every manifest file there is, as a question about an earlier commit would.
  ///
  /// - Returns: what does not hold. The newest file was checked when the store was opened.
  func findings() -> [LarderError] {
    var findings: [LarderError] = []
    do throws(LarderError) {
      for number in try numbers() where number < fileNumber {
        do throws(LarderError) {
          guard var loaded = try LoadedManifest.open(path(number), number: number, files) else {
            continue
          }
          _ = try loaded.replayAll()
        } catch { findings.append(error) }
      }
    } catch { findings.append(error) }
    return findings
  }
}

/// What a check has looked at and found so far.
private struct SnapshotCheck {
  let isDeep: Bool
  var files = 0
  var bytes: UInt64 = 0
  var rows = 0
  var findings: [Finding] = []

  init(deep: Bool) { isDeep = deep }

  mutating func add(_ error: LarderError, affects: String) {
    findings.append(Finding(error, affects: affects))
  }

  mutating func attempt(_ affects: String, _ body: () throws(LarderError) -> Void) {
    do throws(LarderError) { try body() } catch {
      add(error, affects: affects)
    }
  }
}
