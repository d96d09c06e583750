import Glibc
import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys
import Synchronization

/// Whether anybody has a table open for writing now; true where that cannot be told.
///
/// - Throws: `io`.
typealias WriterCheck = @Sendable () throws(LarderError) -> Bool

/// An open online table: lock-free reads from any thread, one writer.
final class OnlineTable: Sendable {
  let directory: String
  let store: FileIdentifier
  let host: Host
  private let options: OnlineOptions
  private let current: ForkSafeMutex<TableSnapshot>
  private let writer: ForkSafeMutex<TableWriter?>
  /// What compaction does in the background.
  let background = ForkSafeMutex(BackgroundWork())
  private let erasure = ForkSafeMutex(())
  /// Whether this object has the writer.
  private let isWriting = Atomic(false)
  /// Whether writing was ended.
  private let hadWriter = Atomic(false)
  private let forkGeneration = ForkedChild.generation
  private let hasWriter: WriterCheck

  private init(
    _ directory: String, store: FileIdentifier, host: Host, options: OnlineOptions,
    snapshot: TableSnapshot, hasWriter: @escaping WriterCheck
  ) {
    self.directory = directory
    self.store = store
    self.host = host
    self.options = options
    self.hasWriter = hasWriter
    current = ForkSafeMutex(snapshot)
    writer = ForkSafeMutex(nil)
  }

  /// Opens a table for writing and reading; the caller holds the table's writer lock.
  ///
  /// - Throws: `notFound`, `corrupt`, `io`.
  static func openForWriting(
    _ directory: String, store: FileIdentifier, host: Host, options: OnlineOptions,
    hasWriter: @escaping WriterCheck
  ) throws(LarderError) -> OnlineTable {
    let relay = SnapshotRelay()
    let writer = try TableWriter.open(
      host: host, directory: directory, store: store, options: options
    ) { relay.show($0) }
    guard let snapshot = relay.newest else { throw TableRecovery.missing(directory) }
    let table = OnlineTable(
      directory, store: store, host: host, options: options, snapshot: snapshot,
      hasWriter: hasWriter)
    table.writer.withLock { $0 = writer }
    table.isWriting.store(true, ordering: .releasing)
    relay.attach(table)
    return table
  }

  /// Opens a table for reading; needs read permission only, and blocks nobody.
  ///
  /// - Throws: `notFound`, `corrupt`, `io`.
  static func openForReading(
    _ directory: String, store: FileIdentifier, host: Host, options: OnlineOptions,
    hasWriter: @escaping WriterCheck
  ) throws(LarderError) -> OnlineTable {
    let snapshot = try findSnapshot(directory, store, host.files, known: [], hasWriter)
    return OnlineTable(
      directory, store: store, host: host, options: options, snapshot: snapshot,
      hasWriter: hasWriter)
  }

  /// Whether this object has the writer.
  var isOpenForWriting: Bool { isWriting.load(ordering: .acquiring) }

  /// The dead share at which writes compact; nil for never.
  var compactAt: Double? { options.compactAt }

  /// Whether this reader had to build an index of its own in memory.
  var usesPrivateIndex: Bool { current.withLock { $0.privateIndex != nil } }

  private func checkProcess() throws(LarderError) {
    guard forkGeneration == ForkedChild.generation else {
      throw ForkedChild.error(path: directory)
    }
  }

  // MARK: Reading

  /// A snapshot that is not behind what was acknowledged before the call.
  func snapshot() throws(LarderError) -> TableSnapshot {
    try checkProcess()
    let snapshot = current.withLock { $0 }
    if let own = snapshot.privateIndex {
      if try !own.mayBeOver(directory, host.files) { return snapshot }
      return try refreshed(snapshot)
    }
    if snapshot.isBehind { return try refreshed(snapshot) }
    // Of a batch on its way some rows are seen before others. Where its writer is dead, they would
    // stay so for as long as no other comes.
    if snapshot.isBeingPublished, !isWriting.load(ordering: .acquiring), try !hasWriter(),
      snapshot.isBeingPublished
    {
      return try refreshed(snapshot)
    }
    return snapshot
  }

  /// A newer snapshot than one that is behind.
  private func refreshed(_ old: TableSnapshot) throws(LarderError) -> TableSnapshot {
    // The writer shows its snapshots itself.
    if isWriting.load(ordering: .acquiring) { return current.withLock { $0 } }
    let snapshot = try OnlineTable.findSnapshot(
      directory, store, host.files, known: old.lookup.logFiles.logFiles, hasWriter)
    current.withLock { $0 = snapshot }
    return snapshot
  }

  /// Another snapshot after one turned out to be behind, at some attempt.
  func newer(than old: TableSnapshot, _ attempt: Int) throws(LarderError) -> TableSnapshot {
    // A writer that just made a log file or a longer index shows it within microseconds.
    if attempt > 10 { usleep(100) }
    return try refreshed(old)
  }

  /// Maps what a trusted index names, or builds an index in memory.
  private static func findSnapshot(
    _ directory: String, _ store: FileIdentifier, _ files: any FileSystem, known: [LogFile],
    _ hasWriter: WriterCheck
  ) throws(LarderError) -> TableSnapshot {
    try look(directory, store, files, known: known, hasWriter) {
      (recovery, trusted, newest) throws(LarderError) in
      if let trusted { return snapshot(trusted, nil) }
      let found = try recovery.rebuilding(IndexFile.makePrivate(), nil)
      if let last = recovery.logFiles.last {
        // Where the log ends, as a writer's index says it.
        found.index.memory.store(
          LogPosition(sequence: last.sequence, unit: found.end).bits, IndexFormat.applied)
      }
      return snapshot(found, PrivateIndex(after: newest, unfinished: recovery.unfinished))
    }
  }

  /// What a table's log says about it, without an index for its rows.
  ///
  /// - Throws: `notFound`, `corrupt`, `io`.
  static func state(
    _ directory: String, _ store: FileIdentifier, _ files: any FileSystem,
    hasWriter: WriterCheck
  ) throws(LarderError) -> TableState {
    try look(directory, store, files, known: [], hasWriter) {
      (recovery, trusted, _) throws(LarderError) in
      if let trusted { return trusted.state }
      return try recovery.newestState()
    }
  }

  /// Looks at a table's files while writers may be at work.
  ///
  /// - Parameter use: gets what the newest index says, if it is trusted, and its number.
  private static func look<Result>(
    _ directory: String, _ store: FileIdentifier, _ files: any FileSystem, known: [LogFile],
    _ hasWriter: WriterCheck,
    _ use: (inout TableRecovery, TableRecovery.Findings?, UInt64) throws(LarderError) -> Result
  ) throws(LarderError) -> Result {
    var attempts = 50
    while true {
      attempts -= 1
      do throws(LarderError) {
        let newest = try TableFiles.numbers(directory, IndexFormat.suffix, files).last ?? 0
        var recovery = try TableRecovery(
          directory, store: store, files: files, writable: false, known: known)
        if let found = try recovery.trusting(hasWriter) {
          return try use(&recovery, found, newest)
        }
        if recovery.unfinished != nil { return try use(&recovery, nil, newest) }
        // Files that come and go under our eyes: a writer is at work, so its index will be there.
        if attempts > 0, try hasLiveIndex(directory, recovery, files) {
          usleep(200)
          continue
        }
        return try use(&recovery, nil, newest)
      } catch {
        // A log file was removed between the listing and the opening.
        guard attempts > 0, error.code == .notFound,
          try !TableFiles.numbers(directory, LogFormat.suffix, files).isEmpty
        else { throw error }
        usleep(200)
      }
    }
  }

  /// Whether an index of this boot is there whose log files just changed.
  private static func hasLiveIndex(
    _ directory: String, _ recovery: TableRecovery, _ files: any FileSystem
  ) throws(LarderError) -> Bool {
    guard let newest = try TableFiles.numbers(directory, IndexFormat.suffix, files).last else {
      return false
    }
    let path = "\(directory)/\(IndexFormat.fileName(newest))"
    return try IndexFile.openTrusted(path, recovery.identity, files, writable: false) != nil
  }

  private static func snapshot(
    _ found: TableRecovery.Findings, _ privateIndex: PrivateIndex?
  ) -> TableSnapshot {
    let memory = found.index.memory
    return TableSnapshot(
      lookup: KeyLookup(index: memory, logFiles: found.index.logFiles), state: found.state,
      generation: memory.loadAcquiring(IndexFormat.generation), privateIndex: privateIndex)
  }

  /// Reads one answer per key.
  ///
  /// - Throws: `corrupt` for damage among what is read; `forked`; `io`.
  func read(
    _ keys: KeyBatch, _ plan: ReadPlan, at: Timestamp?, includeExpired: Bool
  ) throws(LarderError) -> OnlineRows {
    var buffers = OnlineBuffers()
    try read(
      TableKeys(keys), plan, at: at, includeExpired: includeExpired, into: &buffers)
    guard let rows = buffers.rows else { throw IndexWriter.damaged }
    return rows
  }

  /// Reads one answer per key into memory that is used again.
  ///
  /// - Throws: as above.
  func read(
    _ keys: TableKeys, _ plan: ReadPlan, at: Timestamp?, includeExpired: Bool,
    into buffers: inout OnlineBuffers
  ) throws(LarderError) {
    let readAt = at ?? Timestamp(microseconds: host.now())
    var snapshot = try snapshot()
    for attempt in 0..<2_000 {
      let read = TableRead(
        plan: plan, bound: try plan.bound(to: snapshot), readAt: readAt,
        includeExpired: includeExpired)
      if try read.answer(keys, &buffers) { return }
      snapshot = try newer(than: snapshot, attempt)
    }
    throw IndexWriter.damaged
  }

  /// Reads from a newer snapshot from now on.
  func take(_ snapshot: TableSnapshot) { current.withLock { $0 = snapshot } }

  // MARK: Writing

  /// Does something with the writer, one thread at a time.
  ///
  /// - Throws: `readOnly` if the table was opened for reading; `closed` if writing was ended, and then
  ///   nothing was done.
  func withWriter<Result>(
    _ body: (TableWriter) throws(LarderError) -> Result
  ) throws(LarderError) -> Result {
    try checkProcess()
    return try writer.withLock { (writer) throws(LarderError) -> Result in
      guard let writer else {
        if hadWriter.load(ordering: .relaxed) {
          throw LarderError(.closed, "Writing to the online table was ended.", file: directory)
        }
        throw LarderError(
          .readOnly, "The online table was opened for reading.", file: directory)
      }
      return try body(writer)
    }
  }

  /// Does something that takes erased rows away, one thread at a time.
  func erasing(_ body: () throws(LarderError) -> Void) throws(LarderError) {
    try erasure.withLock { (_) throws(LarderError) in try body() }
  }

  /// Ends writing: everything is durable, and the next opening need not read the log.
  func close() throws(LarderError) {
    if forkGeneration != ForkedChild.generation { return }
    try writer.withLock { (writer) throws(LarderError) in
      guard let closing = writer else { return }
      writer = nil
      hadWriter.store(true, ordering: .relaxed)
      isWriting.store(false, ordering: .releasing)
      try closing.close()
    }
  }
}

/// Hands the writer's snapshots to the table, which is made after it.
private final class SnapshotRelay: Sendable {
  private struct State {
    var newest: TableSnapshot?
    weak var table: OnlineTable?
  }
  private let state = ForkSafeMutex(State())

  var newest: TableSnapshot? { state.withLock { $0.newest } }

  func attach(_ table: OnlineTable) {
    let newest = state.withLock { state in
      state.table = table
      return state.newest
    }
    if let newest { table.take(newest) }
  }

  func show(_ snapshot: TableSnapshot) {
    let table = state.withLock { state in
      state.newest = snapshot
      return state.table
    }
    table?.take(snapshot)
  }
}
