import LarderColumns
import LarderContract
import LarderFiles

/// What a reader knows of the shared index while it uses one that it built in its own memory.
struct PrivateIndex: Sendable {
  /// The number of the newest index file, which could not be trusted.
  var after: UInt64
  /// That file, if it holds a part of a batch whose writer is dead; the next writer completes it.
  var unfinished: IndexMemory?

  /// Whether the shared index may have become one to trust.
  ///
  /// - Throws: `io`.
  func mayBeOver(_ directory: String, _ files: any FileSystem) throws(LarderError) -> Bool {
    if let unfinished {
      if unfinished.loadAcquiring(IndexFormat.publishing) == 0 { return true }
      if unfinished.load(IndexFormat.retired) != 0 { return true }
    }
    // A writer that opens makes the next index.
    return try files.status(of: "\(directory)/\(IndexFormat.fileName(after + 1))") != nil
  }
}

/// What readers need of a table: maps and definitions of one moment; immutable.
///
/// Its maps live as long as it does, so a log file that compaction removed goes when the last read
/// that began before is done.
final class TableSnapshot: Sendable {
  let lookup: KeyLookup
  let state: TableState
  /// The index's count of changes to log files and definitions when this was made.
  let generation: UInt64
  /// Why the index is one of this process alone; nil where it is the shared one.
  let privateIndex: PrivateIndex?
  private let schemas: [RowSchema?]

  init(
    lookup: KeyLookup, state: TableState, generation: UInt64, privateIndex: PrivateIndex? = nil
  ) {
    self.privateIndex = privateIndex
    self.lookup = lookup
    self.state = state
    self.generation = generation
    var schemas = [RowSchema?](repeating: nil, count: Int(state.lastSchemaID) + 1)
    for schema in state.schemas {
      schemas[Int(schema.id)] = schema
    }
    self.schemas = schemas
  }

  /// The definition under which a row was written; nil if it is newer than the snapshot.
  func schema(_ id: Int) -> RowSchema? { id < schemas.count ? schemas[id] : nil }

  /// The error for a row that does not match its checksum.
  func damagedRow(_ slot: Slot) -> LarderError {
    LarderError(
      .corrupt,
      "A row of the online table does not match its checksum. Restore the store, or drop the "
        + "table and materialize the view again.",
      file: lookup.logFiles.logFile(number: slot.number)?.path,
      offset: UInt64(slot.unit * LogFormat.unit))
  }

  /// The error for files that somebody cut short while they were read.
  var truncated: LarderError {
    LarderError(
      .corrupt,
      "A file of the online table was cut short while it was read. Restore the store, or drop the "
        + "table and materialize the view again.",
      file: lookup.logFiles.logFiles.last?.path)
  }

  /// Whether a batch is on its way into the index, or its writer died in the midst of that.
  @inline(__always) var isBeingPublished: Bool {
    lookup.index.loadAcquiring(IndexFormat.publishing) != 0
  }

  /// Whether log files or definitions changed since, or the index can no longer be trusted.
  var isBehind: Bool {
    lookup.index.loadAcquiring(IndexFormat.generation) != generation
      || lookup.index.load(IndexFormat.retired) != 0 || lookup.index.isTruncated
  }
}
