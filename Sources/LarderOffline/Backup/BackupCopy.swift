import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// A copy of a store in the making: one snapshot, under a number of its own.
///
/// Sealed files get a second name, files that grow are copied to their committed length. Online
/// tables come first and then history, so that history reaches as far as what was brought online.
/// The manifest comes last: without it the directory is no store, so an interrupted copy is refused.
package final class BackupCopy {
  private let store: Store
  private let target: StoreLayout
  private let files: any FileSystem
  private let folder: BackupFolder
  /// Lists of whom to erase that were gone before the online tables were copied.
  private var listsGone: Set<String> = []
  /// What was copied so far.
  package private(set) var report: BackupReport

  /// Begins a copy.
  ///
  /// - Parameter path: a directory that does not exist, is empty, or holds what a copy that was cut
  ///   off left.
  /// - Throws: `alreadyExists` for one that holds something; `locked` if another run copies there;
  ///   `notFound` if its parent is missing; `noSpace`, `io`.
  package init(of store: Store, to path: String) throws(LarderError) {
    self.store = store
    target = StoreLayout(root: path)
    files = store.host.files
    report = BackupReport(
      path: target.root, commit: Commit(id: 0, time: Timestamp(microseconds: 0), chainHash: 0))
    folder = try BackupFolder(target, host: store.host)
  }

  /// Removes what was copied, after a failure.
  package func abandon() { folder.abandon() }

  /// Copies what lies outside of history, then pins history.
  ///
  /// Starts again if an erasure went on meanwhile: what was copied may hold what it took away.
  ///
  /// - Parameters:
  ///   - snapshot: one that is to be copied; nil for the newest.
  ///   - copyTables: copies the online tables of views to a directory.
  /// - Returns: the snapshot that is to be copied, pinned.
  /// - Throws: `locked` if erasures went on time and again; what copying throws.
  package func copyTables(
    before snapshot: Snapshot?,
    _ copyTables: (_ views: [UInt64], _ directory: String) throws(LarderError) -> [(
      how: CopiedBy, bytes: UInt64
    )]
  ) throws(LarderError) -> Snapshot {
    for folder in [target.keys, target.offline] { try files.makeDirectory(folder) }
    for _ in 0..<8 {
      let before = try store.refresh()
      let isLate = store.options.omitted.contains(.copyingOnlineFirst)
      let early = isLate ? try store.snapshot() : nil
      listsGone = try missingLists(before)
      try files.makeDirectory(target.online)
      let made = try copyTables(before.catalog.views.map(\.id), target.online)
      let pinned =
        if let chosen = snapshot ?? early { chosen } else { try store.publishedSnapshot() }
      if try store.refresh().erasures.last == before.erasures.last {
        for file in made { report.note(file.how, bytes: file.bytes) }
        report.commit = pinned.commit
        return pinned
      }
      try folder.remove(target.online)
    }
    throw isOvertaken
  }

  /// Copies segments and keys.
  ///
  /// - Returns: false if an erasure was finished meanwhile: nothing tells the copy any more whom its
  ///   online tables have to hide. What was copied is gone then, and is to be copied again.
  /// - Throws: `corrupt` if a file is shorter than was committed; `noSpace`, `io`.
  package func copyHistory(_ snapshot: Snapshot) throws(LarderError) -> Bool {
    for (view, segments) in snapshot.segments.sorted(by: { $0.key < $1.key }) {
      try files.makeDirectory(target.viewFolder(view))
      for segment in segments {
        let how = try files.linkOrCopy(
          store.layout.segment(segment), to: target.segment(segment))
        report.note(how, bytes: segment.fileBytes)
      }
      try files.syncDirectory(target.viewFolder(view))
    }
    for (set, log) in snapshot.keyLogs.sorted(by: { $0.key < $1.key }) {
      try files.makeDirectory(target.keyFolder(set))
      try copy(log, of: set)
      // The list of what is still to be erased, from the copy's online tables too.
      for retired in snapshot.retiredLogs where retired.set == set {
        do throws(LarderError) { try copy(retired.log, of: set) } catch {
          guard error.code == .notFound else { throw error }
          // It goes when nothing else is left. If it was gone before, so was the rest.
          if listsGone.contains(listPath(retired)) { continue }
          for folder in [target.online, target.keys, target.offline] {
            try self.folder.remove(folder)
          }
          return false
        }
      }
      try files.syncDirectory(target.keyFolder(set))
    }
    return true
  }

  /// The key logs of before that are gone already: then no online table has rows of the entities that
  /// they listed.
  private func missingLists(_ state: StoreState) throws(LarderError) -> Set<String> {
    var missing: Set<String> = []
    for retired in state.erasures.retiredLogs {
      let path = listPath(retired)
      if try files.status(of: path) == nil { missing.insert(path) }
    }
    return missing
  }

  private func listPath(_ retired: Erasures.RetiredLog) -> String {
    KeyFolder.logPath(store.layout.keyFolder(retired.set), generation: retired.log.generation)
  }

  /// The error for erasures that do not let a copy be made.
  package var isOvertaken: LarderError {
    LarderError(
      .locked, "Erasures went on again and again while the store was copied. Try again.",
      file: store.layout.root)
  }

  private func copy(_ log: KeyLogState, of set: UInt64) throws(LarderError) {
    let source = try files.open(
      KeyFolder.logPath(store.layout.keyFolder(set), generation: log.generation), .read)
    try files.copy(
      source, bytes: log.length,
      to: KeyFolder.logPath(target.keyFolder(set), generation: log.generation))
    report.note(.copy, bytes: log.length)
  }

  /// Makes the copy a store: syncs the directories, then writes its manifest.
  ///
  /// - Throws: `noSpace`, `io`.
  package func seal(_ snapshot: Snapshot) throws(LarderError) {
    for folder in [target.keys, target.offline, target.online, target.root] {
      try files.syncDirectory(folder)
    }
    try files.syncDirectory(target.parent)
    _ = try files.open("\(target.root)/\(StoreLock.fileName)", .createForOwnerIfMissing)
    // Readers, who make nothing, need it for their pins.
    _ = try files.open("\(target.root)/\(SnapshotPins.fileName)", .createIfMissing)
    let state = snapshot.stateOfCopy(store: store.host.makeIdentifier())
    try Manifest(target.root, host: store.host).create(copying: state)
    try files.syncDirectory(target.root)
  }

  /// Says that the copy was looked at and is whole.
  ///
  /// - Parameter rows: those that were verified.
  /// - Throws: `io`.
  package func finish(rows: Int) throws(LarderError) -> BackupReport {
    report.rows = rows
    try folder.finish()
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
