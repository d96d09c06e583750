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
  /// Whether nobody commits now; false where that cannot be asked.
  let isCommitLockFree: @Sendable () throws(LarderError) -> Bool
  /// A new file is begun after so many bytes of records.
  let rotateBytes: UInt64
  /// A new file is begun after so many records.
  let rotateEdits: Int
  let inner = ForkSafeMutex(Inner())
  /// STATE once it was trusted, for who polls without waiting for anybody.
  private let polled = AtomicLazyReference<StatePage>()

  struct Inner: Sendable {
    var loaded: LoadedManifest?
    var page: StatePage?
    var pageIsWritable = false
    /// What `loaded` stands for, if STATE was trusted to say it.
    var published: StatePage.Published?
    /// A trusted publication beyond which `loaded` lies, if that is so.
    ///
    /// Somebody died before it published, or STATE was put back. Until something is published,
    /// `loaded` stays as it is.
    var surpassed: StatePage.Published?
    /// The newest commit that was published when `loaded` went beyond it.
    var unsettledFrom: UInt64 = 0
    /// The greatest word that was trusted; a lesser one is an old copy of STATE.
    var greatest = StatePage.Word(raw: 0)
    var isPoisoned = false

    /// Notes that `loaded` stands for a publication.
    mutating func stand(for published: StatePage.Published) {
      self.published = published
      surpassed = nil
      greatest = max(greatest, published.word)
    }
  }

  init(
    _ directory: String, host: Host, rotateBytes: UInt64 = 4 << 20, rotateEdits: Int = 1_000,
    isCommitLockFree: @escaping @Sendable () throws(LarderError) -> Bool = { false }
  ) throws(LarderError) {
    self.directory = directory
    self.isCommitLockFree = isCommitLockFree
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

  /// The least snapshot that may be pinned again; nil if STATE cannot be trusted to say it.
  var oldestRetained: UInt64? {
    inner.withLock { $0.published == nil ? nil : $0.page?.oldestRetained }
  }

  /// The commit from which on STATE knows what was swept; nil if it cannot be trusted.
  var unsureBefore: UInt64? {
    inner.withLock { $0.published == nil ? nil : $0.page?.unsureBefore }
  }

  /// The sequence of the newest publication by one load, whatever it is worth; nil if STATE was never
  /// trusted.
  var polledSequence: UInt64? { polled.load()?.sequence }

  /// The publication that the newest state stands for; nil if STATE is not trusted.
  var standing: UInt64? {
    inner.withLock { inner in
      guard let published = inner.published, let page = inner.page else { return nil }
      _ = polled.storeIfNil(page)
      return published.sequence
    }
  }

  /// Whether a commit is no later than what STATE was last seen to publish.
  func isPublished(_ commit: UInt64) -> Bool {
    inner.withLock { inner in
      guard inner.published != nil, let head = inner.loaded?.state.head.id else { return false }
      return commit <= head
    }
  }

  /// How many commits lie beyond what is published, as the newest state that may be seen has them.
  ///
  /// They are whole and may be history: a process died, or was refused a sync, between the record of
  /// a commit and its publication, or STATE was put back from a copy. The next writer settles it.
  var unsettledCommits: UInt64 {
    inner.withLock { inner in
      guard inner.surpassed != nil, let loaded = inner.loaded else { return 0 }
      return loaded.state.head.id &- inner.unsettledFrom
    }
  }

  /// Says which snapshots are about to go.
  ///
  /// - Returns: what is said now; nil if nobody would believe it, and nothing may go.
  ///   Then a commit is to come first: it makes STATE speak for this boot.
  func publish(oldestRetained: UInt64) throws(LarderError) -> UInt64? {
    try inner.withLock { inner throws(LarderError) in
      if !inner.pageIsWritable {
        inner.page = try StatePage.openForWriting(statePath, files)
        inner.pageIsWritable = true
        inner.published = nil
        try refresh(&inner)
      }
      guard inner.published != nil, let page = inner.page else { return nil }
      return page.publish(oldestRetained: oldestRetained)
    }
  }

  /// The least snapshot that the page retains, if it speaks of this store: what is gone stays gone,
  /// also after a restart of the machine.
  func retained(_ inner: Inner) -> UInt64 {
    guard let page = inner.page, let state = inner.loaded?.state,
      inner.published != nil || page.claims(of: state.store) != nil
    else { return 0 }
    return min(page.oldestRetained, state.head.id)
  }

  /// Whether the manifest has records beyond what the page says: it is an old one that was put back,
  /// which does not know of the sweeps since; or a writer died before it published.
  func isPageBehind(_ inner: Inner) -> Bool {
    guard let loaded = inner.loaded,
      let said = inner.published?.word ?? inner.surpassed?.word
        ?? inner.page?.claims(of: loaded.state.store)?.published.word
    else { return false }
    return said < loaded.position.word
  }

  /// The same of what a page said, whatever file it is bound to.
  func isBehind(_ said: StatePage.Word) -> Bool {
    inner.withLock { $0.loaded.map { said < $0.position.word } ?? false }
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
    if let page = inner.page, let known = inner.published ?? inner.surpassed,
      page.sequence == known.sequence
    {
      return
    }
    // A sweep may remove a file between its listing and its opening; its successor is there then.
    for _ in 0..<8 {
      if try followState(&inner) { return }
      guard let tail = try readTail(after: inner.loaded) else { continue }
      // A live writer published meanwhile: its word, not our tail, says what is durable.
      if try followState(&inner) { return }
      inner.loaded = tail
      inner.published = nil
      inner.surpassed = nil
      return
    }
    throw missing
  }

  /// Moves to what STATE says, if that can be trusted.
  private func followState(_ inner: inout Inner) throws(LarderError) -> Bool {
    if inner.page == nil || (inner.published == nil && !inner.pageIsWritable) {
      inner.page = try StatePage.openForReading(statePath, files)
    }
    guard let page = inner.page else { return false }
    let current = inner.loaded
    var opened: LoadedManifest?
    let trusted = try page.trusted { word throws(LarderError) in
      if let current, current.position.number == word.file {
        return current.position.identity(boot: boot)
      }
      opened = try LoadedManifest.open(path(word.file), number: word.file, files)
      return opened?.position.identity(boot: boot)
    }
    guard let published = trusted, published.word >= inner.greatest else { return false }
    if let current {
      // Nobody goes back behind what was seen.
      if current.position.number > published.word.file { return false }
      if opened == nil, current.position.end > published.word.length {
        inner.published = nil
        inner.surpassed = published
        return true
      }
    }
    let replayed: LoadedManifest?
    do throws(LarderError) {
      replayed = try replay(opened ?? current, to: published)
    } catch {
      // What was read of a tail that nobody published may since have given way to something else.
      guard opened == nil, current != nil, error.code == .corrupt else { throw error }
      replayed = try replay(nil, to: published)
    }
    guard let replayed else { return false }
    let isFirst = current == nil
    inner.loaded = replayed
    inner.stand(for: published)
    if isFirst { try lookBeyond(published, page, &inner) }
    return true
  }

  /// Replays records up to a publication.
  ///
  /// - Parameter start: where to begin; nil for the checkpoint of the file.
  /// - Returns: nil if the file is gone.
  /// - Throws: `corrupt` if the records do not reach it, or lead to another hash.
  private func replay(
    _ start: LoadedManifest?, to published: StatePage.Published
  ) throws(LarderError) -> LoadedManifest? {
    let word = published.word
    var start = start
    if start == nil {
      start = try LoadedManifest.open(path(word.file), number: word.file, files)
    }
    guard var loaded = start else { return nil }
    try loaded.replay(to: word.length)
    guard loaded.position.chain == published.chain else {
      throw LarderError(
        .corrupt,
        "The record that ends here has the hash \(String(loaded.position.chain, radix: 16)); "
          + "\(String(published.chain, radix: 16)) was committed. Restore the manifest from a copy.",
        file: loaded.position.file.path, offset: word.length)
    }
    return loaded
  }

  /// Looks once, when the store is opened, whether whole records lie beyond what is published.
  ///
  /// Who writes them now publishes them soon. If nobody does, they are what the next writer will
  /// make history of, and they are shown: where STATE was put back from a copy, they were
  /// acknowledged. After a failed sync they are not: what is read may not be what the disk has.
  private func lookBeyond(
    _ published: StatePage.Published, _ page: StatePage, _ inner: inout Inner
  ) throws(LarderError) {
    guard !page.isPoisoned, let known = inner.loaded else { return }
    let isFree = try isCommitLockFree()
    guard isFree, let tail = try readTail(after: known), page.sequence == published.sequence,
      tail.state.head.id > known.state.head.id
    else { return }
    inner.unsettledFrom = known.state.head.id
    inner.loaded = tail
    inner.published = nil
    inner.surpassed = published
  }

  /// Reads every whole record of the newest file.
  ///
  /// - Returns: nil if a file went away meanwhile.
  /// - Throws: `notAStore` if there is no manifest at all.
  private func readTail(after current: LoadedManifest?) throws(LarderError) -> LoadedManifest? {
    guard var loaded = try loadNewest(after: current) else { return nil }
    _ = try loaded.replayAll()
    return loaded
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
    if let earlier = newest.earlier[commit] { return earlier.state(in: newest) }
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
