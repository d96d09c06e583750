import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys
import Synchronization

/// An open store of feature history: its manifest, its locks, and what is cached of it.
///
/// May be used from any number of threads. Every other process, and every other `Store` of this one,
/// goes on beside it.
///
/// ```swift
/// let store = try Store.open("features.larder", access: .create, host: .system())
/// let commit = try store.append([batch], to: "driver_stats")
/// let snapshot = try store.snapshot()
/// ```
package final class Store: Sendable {
  /// Where its files lie.
  package let layout: StoreLayout
  /// What it may do.
  package let access: StoreAccess
  /// Files, clock and randomness.
  package let host: Host
  /// How it behaves.
  package let options: StoreOptions
  let manifest: Manifest
  /// Nil if it was opened read-only.
  package let locks: LockFile?
  /// LOCK to ask who holds what; nil for a reader that is not allowed to open it.
  package let asked: LockFile?
  let pins: SnapshotPins
  /// Whether STATE could not be trusted when the store was opened, and can by now.
  let hasPublishedAnew = Atomic(false)
  let cache: SegmentCache
  let keyCache = KeyCache()
  let sweeping = Sweeping()
  /// What is built beside segments once they are merged, such as timelines.
  let derived = ForkSafeMutex<[any DerivedBuilder]>([])

  private init(
    layout: StoreLayout, access: StoreAccess, host: Host, options: StoreOptions,
    manifest: Manifest, locks: LockFile?, asked: LockFile?, pins: SnapshotPins
  ) {
    self.layout = layout
    self.access = access
    self.host = host
    self.options = options
    self.manifest = manifest
    self.locks = locks
    self.asked = asked
    self.pins = pins
    cache = SegmentCache(layout: layout, files: host.files)
  }

  /// Opens a store.
  ///
  /// - Parameters:
  ///   - path: its directory.
  ///   - access: whether it may be written to, and made.
  ///   - host: files, clock and randomness.
  /// - Throws: `notFound` if there is none and it is not to be made; `notAStore` for a file or a
  ///   directory of something else; `permissionDenied`; `unsupported` for writing on a network
  ///   file system; `corrupt`, `unsupportedVersion`, `locked`, `noSpace`, `io`.
  package static func open(
    _ path: String, access: StoreAccess, host: Host, options: StoreOptions = StoreOptions()
  ) throws(LarderError) -> Store {
    let layout = StoreLayout(root: path)
    var found = try layout.examine(access: access, options: options, files: host.files)
    if found != .store {
      guard access == .create else {
        throw LarderError(
          found == .nothing ? .notFound : .notAStore,
          "There is no Larder store here. Name another path, or open it with access to create one.",
          file: layout.root)
      }
      if found == .nothing, try host.files.status(of: layout.root) == nil {
        try host.files.makeDirectory(layout.root)
        found = try layout.examine(access: access, options: options, files: host.files)
      }
    }
    let locks: LockFile? =
      access == .readOnly
      ? nil
      : try LockFile(
        in: layout.root, host: host, mode: .createForOwnerIfMissing)
    // Who may only read may be denied LOCK; then nobody can be asked whether a commit is under way.
    let asked: LockFile?
    if let locks {
      asked = locks
    } else {
      asked = try LockFile.forAsking(in: layout.root, host: host)
    }
    let manifest = try Manifest(
      layout.root, host: host, rotateBytes: options.manifestBytes,
      rotateEdits: options.manifestRecords,
      isCommitLockFree: { () throws(LarderError) in
        guard let asked, !options.omitted.contains(.settling) else { return false }
        return try asked.holder(of: .commit) == nil
      })
    if let locks { try finishCreation(layout, manifest, locks, host, options) }
    let store = Store(
      layout: layout, access: access, host: host, options: options, manifest: manifest,
      locks: locks, asked: asked,
      pins: try SnapshotPins(
        in: layout.root, files: host.files, mode: access == .readOnly ? .read : .createIfMissing))
    _ = try store.refresh()
    if access != .readOnly {
      // So that what the caller reads before its first change is what that change meets. Whoever commits
      // at the moment is alive and needs no help; where it cannot be done now, the change says why.
      let wasTrusted = manifest.oldestRetained != nil
      do throws(LarderError) {
        if try asked?.holder(of: .commit) == nil { try store.settle() }
      } catch {}
      let isTrusted = manifest.oldestRetained != nil
      store.hasPublishedAnew.store(!wasTrusted && isTrusted, ordering: .relaxed)
    }
    return store
  }

  /// Makes what a store consists of, as far as it is not there.
  ///
  /// The folders come after the first manifest is durable: where they are, a missing manifest is a
  /// loss and not an unfinished creation.
  private static func finishCreation(
    _ layout: StoreLayout, _ manifest: Manifest, _ locks: LockFile, _ host: Host,
    _ options: StoreOptions
  ) throws(LarderError) {
    let files = host.files
    let names = try files.names(in: layout.root)
    if names.contains("keys"), names.contains("offline"), names.contains("online") { return }
    let held = try locks.acquire(.commit, timeout: options.lockTimeout)
    defer { held.release() }
    let present = try files.names(in: layout.root)
    let hasFolders = present.contains("keys") || present.contains("offline")
    let numbers = try manifest.numbers()
    var isFinished = false
    if !numbers.isEmpty { isFinished = try manifest.loadNewest(after: nil) != nil }
    if !isFinished {
      guard !hasFolders else {
        throw LarderError(
          .corrupt, "No manifest file of the store holds. Restore one from a copy.",
          file: layout.root)
      }
      try files.syncDirectory(layout.parent)
      try manifest.create(
        store: host.makeIdentifier(), now: host.now(), number: (numbers.first ?? 0) + 1)
    }
    for folder in [layout.keys, layout.offline, layout.online] {
      try files.makeDirectory(folder)
    }
    try files.syncDirectory(layout.root)
  }

  /// The newest state that may be seen, with caches that fit it.
  func refresh() throws(LarderError) -> StoreState {
    do { return try manifest.refresh() } catch { throw try explained(error) }
  }

  /// The definitions of now without a pin: for looking names up, not for reading files.
  ///
  /// - Parameter known: a commit whose definitions the caller has; nil for none.
  /// - Returns: nil if that commit is the newest still.
  /// - Throws: `corrupt`, `io`.
  /// - Complexity: one load if nothing was committed since the last look.
  package func currentCatalog(
    after known: UInt64?
  ) throws(LarderError) -> (commit: UInt64, catalog: Catalog)? {
    do { return try manifest.catalog(after: known) } catch { throw try explained(error) }
  }

  /// What an error of the manifest means: a store whose manifest is gone is none the less one.
  func explained(_ error: LarderError) throws(LarderError) -> LarderError {
    if error.code == .notAStore {
      let names = try host.files.names(in: layout.root)
      guard names.contains("keys") || names.contains("offline") else { return error }
      return LarderError(
        .corrupt, "No manifest file of the store holds. Restore one from a copy.",
        file: layout.root)
    }
    return error
  }

  /// The locks, for whoever writes.
  ///
  /// - Throws: `readOnly`.
  func writerLocks() throws(LarderError) -> LockFile {
    guard let locks else {
      throw LarderError(
        .readOnly, "The store was opened read-only; open it for writing.", file: layout.root)
    }
    return locks
  }

  /// How many commits lie beyond what is published, as of the last look; see
  /// `Manifest.unsettledCommits`.
  package var unsettledCommits: UInt64 { manifest.unsettledCommits }
}

// MARK: Definitions

extension Store {
  /// Applies definitions in one commit, or in none if nothing changes.
  ///
  /// - Parameters:
  ///   - dropping: whether features that an applied view no longer has are dropped.
  ///   - dryRun: whether to say only what would change.
  /// - Returns: what changed, and the newest commit.
  /// - Throws: as `Catalog.applying`; and what a commit throws.
  @discardableResult
  package func apply(
    _ definitions: Definitions, dropping: Bool = false, dryRun: Bool = false
  ) throws(LarderError) -> (changes: [DefinitionChange], commit: Commit) {
    try change(dryRun: dryRun) { catalog throws(LarderError) in
      try catalog.applying(definitions, dropping: dropping)
    }
  }

  /// Drops a view and the services that use it; earlier snapshots still show it.
  ///
  /// - Throws: `notFound` with the nearest name; what a commit throws.
  @discardableResult
  package func drop(
    view: String, dryRun: Bool = false
  ) throws(LarderError) -> (changes: [DefinitionChange], commit: Commit) {
    let result = try change(dryRun: dryRun) { catalog throws(LarderError) in
      try catalog.dropping(view: view)
    }
    if !dryRun { sweepQuietly() }
    return result
  }

  private func change(
    dryRun: Bool,
    _ make: (Catalog) throws(LarderError) -> (catalog: Catalog, changes: [DefinitionChange])
  ) throws(LarderError) -> (changes: [DefinitionChange], commit: Commit) {
    if dryRun {
      let state = try refresh()
      return (try make(state.catalog).changes, state.head)
    }
    var changes: [DefinitionChange] = []
    let result = try commit { state throws(LarderError) in
      let made = try make(state.catalog)
      changes = made.changes
      return made.catalog == state.catalog ? nil : .definitions(made.catalog)
    }
    return (changes, result.state.head)
  }
}
