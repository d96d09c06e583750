import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// A copy of a store in the making: one snapshot, under a number of its own.
///
/// Sealed files get a second name, files that grow are copied to their committed length. The
/// manifest comes last: without it the directory is no store, so an interrupted copy is refused.
package final class BackupCopy {
  private let snapshot: Snapshot
  private let target: StoreLayout
  private let files: any FileSystem
  /// What was copied so far.
  package private(set) var report: BackupReport

  /// Plans a copy.
  ///
  /// - Parameter path: a directory that does not exist, or is empty.
  package init(of snapshot: Snapshot, to path: String) {
    self.snapshot = snapshot
    target = StoreLayout(root: path)
    files = snapshot.store.host.files
    report = BackupReport(path: target.root, commit: snapshot.commit)
  }

  /// Makes the directories of the copy.
  ///
  /// - Throws: `alreadyExists` for one that holds something; `notFound` if its parent is missing;
  ///   `noSpace`, `io`.
  package func makeFolders() throws(LarderError) {
    if let status = try files.status(of: target.root) {
      guard status.kind == .directory, try files.names(in: target.root).isEmpty else {
        throw LarderError(
          .alreadyExists, "There is something there already. Name a new or an empty directory.",
          file: target.root)
      }
    }
    try files.makeDirectory(target.root)
    for folder in [target.keys, target.offline, target.online] {
      try files.makeDirectory(folder)
    }
  }

  /// Where the copy's online tables go.
  package var online: String { target.online }

  /// The views whose online tables belong to the copy.
  package var views: [UInt64] { snapshot.catalog.views.map(\.id) }

  /// Copies segments and keys.
  ///
  /// - Throws: `corrupt` if a file is shorter than was committed; `noSpace`, `io`.
  package func copyHistory() throws(LarderError) {
    for (view, segments) in snapshot.segments.sorted(by: { $0.key < $1.key }) {
      try files.makeDirectory(target.viewFolder(view))
      for segment in segments {
        let how = try files.linkOrCopy(
          snapshot.store.layout.segment(segment), to: target.segment(segment))
        report.note(how, bytes: segment.fileBytes)
      }
      try files.syncDirectory(target.viewFolder(view))
    }
    for (set, log) in snapshot.keyLogs.sorted(by: { $0.key < $1.key }) {
      let folder = target.keyFolder(set)
      try files.makeDirectory(folder)
      let source = try files.open(
        KeyFolder.logPath(snapshot.store.layout.keyFolder(set), generation: log.generation),
        .read)
      try files.copy(
        source, bytes: log.length, to: KeyFolder.logPath(folder, generation: log.generation))
      report.note(.copy, bytes: log.length)
      try files.syncDirectory(folder)
    }
  }

  /// Notes files of online tables that were copied.
  package func note(_ how: CopiedBy, bytes: UInt64) { report.note(how, bytes: bytes) }

  /// Makes the copy a store: syncs the directories, then writes its manifest.
  ///
  /// - Throws: `noSpace`, `io`.
  package func seal() throws(LarderError) -> BackupReport {
    for folder in [target.keys, target.offline, target.online, target.root] {
      try files.syncDirectory(folder)
    }
    try files.syncDirectory(target.parent)
    _ = try files.open("\(target.root)/\(StoreLock.fileName)", .createForOwnerIfMissing)
    // Readers, who make nothing, need it for their pins.
    _ = try files.open("\(target.root)/\(SnapshotPins.fileName)", .createIfMissing)
    let host = snapshot.store.host
    let state = snapshot.stateOfCopy(store: host.makeIdentifier())
    try Manifest(target.root, host: host).found(state)
    try files.syncDirectory(target.root)
    return report
  }
}

extension BackupReport {
  fileprivate mutating func note(_ how: CopiedBy, bytes: UInt64) {
    switch how {
    case .link:
      linkedFiles += 1
      linkedBytes += bytes
    case .copy:
      copiedFiles += 1
      copiedBytes += bytes
    }
  }
}
