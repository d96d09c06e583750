import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// The least snapshot that is kept, and whether that is known for sure.
struct OldestKept {
  var id: UInt64
  /// The commit from which on that is known for sure: a file that a snapshot since then names must be
  /// there.
  ///
  /// After a restart nobody knows what was swept just before.
  var unsureBefore: UInt64
}

/// What STATE says where it is not trusted: in a copy, or after a restart.
struct StateClaims {
  /// Where the manifest durably ended, at some time.
  var word: StatePage.Word
  var oldestRetained: UInt64
  /// The commit from which on that is sure; nil if it was said in another boot, before which files may
  /// have gone by a word that did not come to the disk, or by an old page that was put back.
  var unsureBefore: UInt64?
}

extension Manifest {
  /// What STATE says of a store, if it holds, whatever file it is bound to.
  func claims(of store: FileIdentifier) throws(LarderError) -> StateClaims? {
    guard let page = try StatePage.openForReading(statePath, files),
      let claims = page.claims(of: store)
    else { return nil }
    let isSure = claims.boot == boot && !isBehind(claims.published.word)
    return StateClaims(
      word: claims.published.word, oldestRetained: page.oldestRetained,
      unsureBefore: isSure ? page.unsureBefore : nil)
  }

  /// What is missing of the manifest, as STATE shows: it is published after a record is durable, so
  /// what it names was there once, in this boot or in another, here or where the copy came from.
  func missingEnd() throws(LarderError) -> LarderError? {
    guard let claims = try claims(of: try refresh().store) else { return nil }
    // Read after STATE, so it has at least what that said.
    _ = try refresh()
    guard var loaded = try loadNewest(after: nil) else { return nil }
    _ = try loaded.replayAll()
    let end = loaded.position.word
    guard claims.word > end else { return nil }
    let isSame = claims.word.file == end.file
    return LarderError(
      .corrupt,
      (isSame
        ? "\(claims.word.length) bytes of the manifest were committed, and its records end after "
          + "\(end.length). "
        : "Records of manifest file \(claims.word.file) were committed, and the newest there is is "
          + "\(end.file). ") + "Restore the manifest from a copy.",
      file: path(claims.word.file), offset: isSame ? end.length : nil)
  }
}

extension Store {
  /// The least snapshot that is kept: as STATE says, or said before the store was copied or the
  /// machine restarted.
  func oldestKept(_ state: StoreState) throws(LarderError) -> OldestKept {
    if let oldest = manifest.oldestRetained, let unsure = manifest.unsureBefore {
      return OldestKept(id: oldest, unsureBefore: unsure)
    }
    let head = state.head.id
    let first = state.history.first?.id ?? head
    let claims = try manifest.claims(of: state.store)
    return OldestKept(
      id: min(max(first, claims?.oldestRetained ?? first), head),
      unsureBefore: claims?.unsureBefore ?? head)
  }

  /// Whether the file of a segment that was not found has to be there all the same.
  func mustBeThere(
    _ retired: StoreState.RetiredSegment, _ living: LivingSnapshots, _ oldest: OldestKept
  ) throws(LarderError) -> Bool {
    let state = try refresh()
    // An erasure, or a sweep, may have come since.
    guard state.retired.contains(where: { $0.uuid == retired.uuid }) else { return false }
    let now = try oldestKept(state)
    let newest = try self.living(state, oldest: max(now.id, oldest.id))
    if newest.keeps(retired.since..<retired.until) { return true }
    return retired.until > now.unsureBefore && newest.names(retired)
  }
}

extension Snapshot {
  /// Looks for files that tell of commits which the manifest does not have: it was cut off at the end
  /// of a record, or an old copy of it was put back.
  ///
  /// What a command that died left, or one that runs, is no such file: it plans for the next commit
  /// at most.
  func verifyEnd(_ check: inout SnapshotCheck) throws(LarderError) {
    let affected = "the commits after \(try store.refresh().head.id)"
    if let finding = try store.manifest.missingEnd() { check.add(finding, affects: affected) }
    for set in catalog.keySets {
      if let finding = try mapBeyond(set) { check.add(finding, affects: affected) }
    }
    for finding in try segmentsBeyond() { check.add(finding, affects: affected) }
  }

  private func mapBeyond(_ set: Catalog.KeySet) throws(LarderError) -> LarderError? {
    let folder = store.layout.keyFolder(set.id)
    for (path, generation, count) in try KeyFolder.mapsWithCounts(
      in: store.host.files, directory: folder)
    {
      guard let log = try store.refresh().keyLogs[set.id], log.generation == generation,
        count > log.count
      else { continue }
      return LarderError(
        .corrupt,
        "The key map was built when \(count) keys were committed, and the manifest knows of "
          + "\(log.count): its end is missing. Restore the manifest from a copy.", file: path)
    }
    return nil
  }

  private func segmentsBeyond() throws(LarderError) -> [LarderError] {
    var findings: [LarderError] = []
    let files = store.host.files
    for folder in try files.names(in: store.layout.offline).sorted() {
      guard folder.hasPrefix("v"), let view = UInt64(folder.dropFirst()) else { continue }
      let path = store.layout.viewFolder(view)
      let names = try store.names(in: path).filter { $0.hasSuffix(".seg") }
      let state = try store.refresh()
      var named = Set(state.retired.map { "\($0.uuid).seg" })
      for live in state.segments.values {
        for segment in live { named.insert(segment.description.fileName) }
      }
      for name in names.sorted() where !named.contains(name) {
        let file = "\(path)/\(name)"
        // One that is not whole is what a command left that died, or is being written.
        do throws(LarderError) {
          let segment = try Segment(path: file, files: files, expected: nil)
          guard segment.description.firstCommit > state.head.id + 1 else { continue }
        } catch {
          guard [.corrupt, .notFound, .unsupportedVersion].contains(error.code) else { throw error }
          continue
        }
        // Commits may have come since.
        guard try store.refresh().head.id == state.head.id else { continue }
        findings.append(
          LarderError(
            .corrupt,
            "The segment was written for a commit after \(state.head.id + 1), and the manifest ends "
              + "with \(state.head.id): its end is missing. Restore the manifest from a copy.",
            file: file))
      }
    }
    return findings
  }
}
