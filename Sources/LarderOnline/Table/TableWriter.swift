import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// The one writer of an online table: its log's end, its index, its state.
///
/// Not thread-safe: `OnlineTable` keeps it under its mutex.
final class TableWriter: @unchecked Sendable {
  let host: Host
  let directory: String
  let identity: TableIdentity
  let options: OnlineOptions
  /// Told of each new snapshot for the readers of this process.
  let show: (TableSnapshot) -> Void

  var state: TableState
  /// The definition that the state was compared with last, and the schemas of its rows.
  var adopted: (view: ResolvedView, schemas: RowSchemas)?
  var keys: KeySchema
  var logFiles: [LogFile]
  var index: IndexWriter
  /// The index's file; it grows.
  let indexFile: any File

  // The end of the log.
  var current: LogFile
  var file: any File
  /// The next free unit of the current log file, staged records included.
  var end: Int
  /// Where the unfinished batch begins in the current log file.
  var chunkStart: Int
  var chunkRecords: UInt32 = 0
  var chunkChecksum: UInt32 = 0
  var batch: UInt64
  var durable: LogPosition
  /// Records that are not written yet, and the unit at which they belong.
  var staging = Buffer(zeroedBytes: 1 << 18)
  var staged = 0
  var stagedUnit: Int
  /// Why nothing may be written any more.
  var poison: LarderError?

  /// Log files before the current one that may not be on disk, where nothing syncs them meanwhile.
  var unsynced: [any File] = []
  /// Up to where the current log file was filled with zeros or written.
  var zeroed: Int
  /// Who fills the rest of the current log file, if somebody does.
  var fill: LogFileFill?
  /// Where log files are filled, one after the other.
  let filling = WorkQueue()
  /// Works in the background for the disk, and up to which unit of the current log file it was begun.
  let backgroundSync = BackgroundSync()
  var syncStarted = 0
  /// The unit of the current log file at which this writer began.
  var begun: Int
  /// The next log file, if it is being made ready.
  var spare: SpareLogFile?

  /// Whether compaction is at work, which may use the last log files: it gives others back.
  var isMoving = false
  /// Where the rows before those of a batch were found.
  let window = WindowMemory()
  /// Rows of a batch while they are made.
  let run = RowRun()
  /// Rows that are written and not published yet.
  var pending: [PendingRow] = []

  init(
    host: Host, directory: String, identity: TableIdentity, options: OnlineOptions,
    opened: OpenedLog, show: @escaping (TableSnapshot) -> Void
  ) throws(LarderError) {
    self.host = host
    self.directory = directory
    self.identity = identity
    self.options = options
    self.show = show
    state = opened.state
    keys = try KeySchema(opened.state.keys)
    logFiles = opened.logFiles
    current = opened.current
    file = opened.file
    end = opened.end
    begun = opened.end
    chunkStart = opened.end
    stagedUnit = opened.end
    // What is behind the end of an older log file was made ready in one way or another.
    zeroed = opened.current.bytes
    batch = opened.batch
    durable = opened.durable
    unsynced = opened.unsynced
    index = opened.index
    indexFile = opened.indexFile
    index.preparesAhead = options.preparesAhead
    index.hasGrown = { [unowned self] in publishSnapshot() }
  }

  deinit {
    // Whoever opens the table next writes where this one may still be filling.
    fill?.stop()
  }

  /// The memory of the index.
  var memory: IndexMemory { index.memory }

  /// Refuses to go on after a failed sync.
  func checkUsable() throws(LarderError) {
    if let poison { throw poison }
  }

  /// Nothing may be written any more: what is on disk is unknown.
  func poison(_ cause: LarderError) -> LarderError {
    // All that was not on disk before is in doubt.
    memory.store(
      max(1, min(current.sequence, durable.sequence)), IndexFormat.poisoned)
    poison = LarderError(
      .poisoned, "An earlier failure of this online table's disk: \(cause). Reopen the store.",
      file: directory)
    var error = cause
    error.code = .outcomeUnknown
    return error
  }

  /// Gives the readers of this process what changed, and tells those of others.
  func publishSnapshot() {
    let table = LogFileTable(logFiles)
    index.logFiles = table
    let generation = memory.load(IndexFormat.generation) + 1
    show(
      TableSnapshot(
        lookup: KeyLookup(index: memory, logFiles: table), state: state,
        generation: generation))
    memory.store(generation, IndexFormat.generation)
  }

  /// The lookup of the writer itself.
  var lookup: KeyLookup { KeyLookup(index: memory, logFiles: index.logFiles) }
}

/// A row on its way into the index.
struct PendingRow {
  var hash: UInt64
  var new: UInt32
  /// The slot of the row before; 0 for a new key.
  var old: UInt32
  var newUnits: UInt32
  var oldUnits: UInt32
}

/// What opening a table for writing found.
struct OpenedLog {
  var state: TableState
  var logFiles: [LogFile]
  var current: LogFile
  var file: any File
  var end: Int
  var batch: UInt64
  var durable: LogPosition
  /// Log files before the current one that may not be on disk.
  var unsynced: [any File]
  var index: IndexWriter
  var indexFile: any File
}
