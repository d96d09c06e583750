import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// Gives the rows of an append their ids and writes the new keys, under the append lock.
///
/// Used by one task at a time.
final class KeyIntake: @unchecked Sendable {
  private let store: Store
  private let set: Catalog.KeySet
  private let assignment: KeyAssignment
  private let writer: KeyLogWriter
  private let isNew: Bool
  private let identity: FileIdentifier
  private let erasures: UInt64
  private var isWritten = false
  /// What the commit's record says of the log, once it was written; nil if it is as it was.
  private(set) var written: KeyLogState?

  /// Opens a key set's log, or begins it.
  init(_ store: Store, _ set: Catalog.KeySet, _ state: StoreState) throws(LarderError) {
    self.store = store
    self.set = set
    identity = state.fileIdentity
    erasures = state.erasures.last
    let files = store.host.files
    let folder = store.layout.keyFolder(set.id)
    if let log = state.keyLogs[set.id] {
      isNew = false
      let directory = try store.directory(
        of: set, store: state.fileIdentity, at: log, erasures: state.erasures)
      assignment = directory.assignment()
      writer = try KeyLogWriter(continuing: directory.log, in: files, directory: folder)
    } else {
      isNew = true
      try files.makeDirectory(folder)
      let schema = try set.schema()
      writer = try KeyLogWriter(
        creating: 1, of: schema, identity: store.keyIdentity(set.id, state.fileIdentity), in: files,
        directory: folder)
      let log = try KeyLog.open(
        in: files, directory: folder, identity: writer.identity, schema: schema,
        state: writer.state)
      assignment = try KeyDirectory(log: log).assignment()
    }
  }

  /// Gives each row of some batches an id.
  ///
  /// - Parameter ids: room for as many UInt32 as the batches have rows.
  func assign(_ batches: consuming [KeyBatch], into ids: Buffer) throws(LarderError) {
    let target = unsafe ids.mutableValues(as: UInt32.self)
    var first = 0
    // From behind, so that a batch's keys go once they have ids.
    var left = Array(batches.reversed())
    while let batch = left.popLast() {
      try unsafe assignment.assign(
        batch, into: UnsafeMutableBufferPointer(rebasing: target[first..<first + batch.count]))
      first += batch.count
    }
  }

  /// Whether the log must change for the commit.
  var hasNews: Bool { isNew || !assignment.newKeys.isEmpty }

  /// Writes the new keys and makes them durable, with the names of a new log; once.
  ///
  /// - Throws: `noSpace`, `io`; nothing of it counts then.
  func write() throws(LarderError) {
    guard hasNews, !isWritten else { return }
    if !assignment.newKeys.isEmpty { try writer.append(assignment.newKeys) }
    do { try writer.sync() } catch {
      // No record names what may be lost, so the outcome is known: nothing was appended.
      throw LarderError(
        .io, error.message, file: error.file, offset: error.offset,
        systemError: error.systemError)
    }
    if isNew {
      // Whatever made these names before may have failed to make them durable.
      let files = store.host.files
      try files.syncDirectory(store.layout.keyFolder(set.id))
      try files.syncDirectory(store.layout.keys)
      try files.syncDirectory(store.layout.root)
    }
    written = writer.state
    isWritten = true
  }

  /// Keeps the directory for the next append and the next query.
  ///
  /// It is derived: if it cannot be made now, it is made when it is asked for.
  func didCommit() {
    guard hasNews else { return }
    do {
      let log = try KeyLog.open(
        in: store.host.files, directory: store.layout.keyFolder(set.id),
        identity: writer.identity, schema: writer.schema, state: writer.state,
        after: assignment.directory.log)
      store.keyCache.keep(
        try assignment.directory.extended(to: log, adopting: assignment), of: set.id,
        erasures: erasures)
    } catch {
      store.keyCache.forget(set.id)
    }
  }
}
