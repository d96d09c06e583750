import LarderColumns
import LarderContract
import LarderFiles
import Synchronization

/// The manifest of an open store: replays what is visible, and appends commits.
///
/// Readers and writers of other processes go on beside it; the word in STATE tells each how far the
/// newest file is durable. See `FORMAT.md` for the rules.
final class Manifest: Sendable {
  let directory: String
  let files: any FileSystem
  let boot: FileIdentifier
  /// A new file is begun after so many bytes of records.
  let rotateBytes: UInt64
  /// A new file is begun after so many records.
  let rotateEdits: Int
  let inner = Mutex(Inner())

  struct Inner: Sendable {
    var loaded: LoadedManifest?
    var page: StatePage?
    var pageIsWritable = false
    /// The word that `loaded` stands for, if it was trusted.
    var word: StatePage.Word?
    var isPoisoned = false
  }

  init(
    _ directory: String, host: Host, rotateBytes: UInt64 = 4 << 20, rotateEdits: Int = 1_000
  ) throws(LarderError) {
    self.directory = directory
    files = host.files
    boot = try host.files.bootIdentifier()
    self.rotateBytes = rotateBytes
    self.rotateEdits = rotateEdits
  }

  func path(_ number: UInt64) -> String { "\(directory)/\(ManifestFile.name(number))" }
  var statePath: String { "\(directory)/\(StatePage.name)" }

  /// The newest state that may be seen.
  ///
  /// - Throws: `corrupt`, `unsupportedVersion`, `io`; `notAStore` if there is no manifest.
  /// - Complexity: one load if nothing was committed since.
  func refresh() throws(LarderError) -> StoreState {
    try inner.withLock { inner throws(LarderError) in
      try refresh(&inner)
      return try state(of: inner)
    }
  }

  /// The definitions of now, if anything was committed after a commit; else nil.
  ///
  /// - Throws: as `refresh()`.
  /// - Complexity: one load if nothing was committed since the last look; no copy of the state.
  func catalog(after known: UInt64?) throws(LarderError) -> (commit: UInt64, catalog: Catalog)? {
    try inner.withLock { inner throws(LarderError) in
      try refresh(&inner)
      guard let head = inner.loaded?.state.head.id else { throw missing }
      if head == known { return nil }
      return try (head, state(of: inner).catalog)
    }
  }

  /// Whether nothing was committed since the last refresh, as far as one load can tell.
  var isCurrent: Bool {
    inner.withLock { inner in
      guard let page = inner.page, let word = inner.word else { return false }
      return page.word == word
    }
  }

  /// The least snapshot that may be pinned anew; nil if STATE cannot be trusted to say it.
  var oldestRetained: UInt64? { inner.withLock { $0.word == nil ? nil : $0.page?.oldestRetained } }

  /// Says which snapshots are about to go.
  ///
  /// - Returns: what is said now; nil if nobody would believe it, and nothing may go.
  ///   Then a commit is to come first: it makes STATE speak for this boot.
  func publish(oldestRetained: UInt64) throws(LarderError) -> UInt64? {
    try inner.withLock { inner throws(LarderError) in
      if !inner.pageIsWritable {
        inner.page = try StatePage.openForWriting(statePath, files)
        inner.pageIsWritable = true
        inner.word = nil
        try refresh(&inner)
      }
      guard inner.word != nil, let page = inner.page else { return nil }
      let oldest = max(oldestRetained, page.oldestRetained)
      page.publish(oldestRetained: oldest)
      return oldest
    }
  }

  /// What a trusted page says; an untrusted one may speak of another store.
  func published(_ inner: Inner) -> UInt64 {
    inner.word == nil ? 0 : inner.page?.oldestRetained ?? 0
  }

  /// Forgets what no living snapshot needs.
  func forget(_ living: LivingSnapshots) {
    inner.withLock { inner in
      if var loaded = inner.loaded {
        inner.loaded = nil
        living.prune(&loaded.state)
        inner.loaded = loaded
      }
    }
  }

  /// The number of the manifest file in use.
  var fileNumber: UInt64 { inner.withLock { $0.loaded?.position.number ?? 0 } }

  func state(of inner: Inner) throws(LarderError) -> StoreState {
    guard let state = inner.loaded?.state else { throw missing }
    return state
  }

  private var missing: LarderError {
    LarderError(
      .notAStore, "There is no manifest in this directory, so it is not a Larder store.",
      file: directory)
  }

  // MARK: Reading

  func refresh(_ inner: inout Inner) throws(LarderError) {
    if let page = inner.page, let word = inner.word, page.word == word { return }
    // A sweep may remove a file between its listing and its opening; its successor is there then.
    for _ in 0..<8 {
      if try followState(&inner) { return }
      guard try readTail(&inner) else { continue }
      // A live writer published meanwhile: its word, not our tail, says what is durable.
      if try followState(&inner) { return }
      inner.word = nil
      return
    }
    throw missing
  }

  /// Moves to the word of STATE, if that can be trusted.
  private func followState(_ inner: inout Inner) throws(LarderError) -> Bool {
    if inner.page == nil || (inner.word == nil && !inner.pageIsWritable) {
      inner.page = try StatePage.openForReading(statePath, files)
    }
    guard let page = inner.page else { return false }
    let current = inner.loaded
    var opened: LoadedManifest?
    let word = try page.trusted { word throws(LarderError) in
      if let current, current.position.number == word.file {
        return current.position.identity(boot: boot)
      }
      opened = try LoadedManifest.open(path(word.file), number: word.file, files)
      return opened?.position.identity(boot: boot)
    }
    guard let word else { return false }
    var loaded: LoadedManifest
    if let opened {
      loaded = opened
    } else if let current, current.position.end <= word.length {
      loaded = current
    } else {
      // The tail was read beyond what is durable: start again from the checkpoint.
      guard
        let again = try LoadedManifest.open(path(word.file), number: word.file, files)
      else { return false }
      loaded = again
    }
    inner.loaded = nil
    try loaded.replay(to: word.length)
    inner.loaded = loaded
    inner.word = word
    return true
  }

  /// Reads every whole record of the newest file.
  ///
  /// - Returns: false if a file went away meanwhile.
  /// - Throws: `notAStore` if there is no manifest at all.
  private func readTail(_ inner: inout Inner) throws(LarderError) -> Bool {
    guard var loaded = try loadNewest(after: inner.loaded) else { return false }
    _ = try loaded.replayAll()
    inner.loaded = loaded
    return true
  }

  /// The numbers of the manifest files there are, newest first.
  func numbers() throws(LarderError) -> [UInt64] {
    try files.names(in: directory).compactMap(ManifestFile.number).sorted(by: >)
  }

  /// The newest file that was finished, its checkpoint replayed.
  ///
  /// - Parameter current: is taken as it is, if it is that file.
  func loadNewest(after current: LoadedManifest?) throws(LarderError) -> LoadedManifest? {
    let numbers = try numbers()
    guard !numbers.isEmpty else { throw missing }
    for number in numbers {
      if let current, current.position.number == number { return current }
      if let loaded = try LoadedManifest.open(path(number), number: number, files) {
        return loaded
      }
    }
    return nil
  }

  /// The state as of a commit, replayed.
  ///
  /// - Returns: nil if no manifest file reaches back to it.
  func state(at commit: UInt64) throws(LarderError) -> StoreState? {
    let newest = try refresh()
    guard commit <= newest.head.id else { return nil }
    if commit == newest.head.id { return newest }
    for number in try numbers() {
      guard var loaded = try LoadedManifest.open(path(number), number: number, files),
        loaded.state.head.id <= commit
      else { continue }
      try loaded.replay(through: commit)
      if loaded.state.head.id == commit {
        loaded.state.adoptErasures(of: newest)
        return loaded.state
      }
    }
    return nil
  }
}
