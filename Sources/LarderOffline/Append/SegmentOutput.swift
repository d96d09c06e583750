import LarderColumns
import LarderContract
import LarderFiles

/// The files that a commit in the making writes: locked against sweeps while they are in flight,
/// removed if the commit does not come about.
final class SegmentOutput {
  private let store: Store
  private let view: Catalog.View
  private let commits: ClosedRange<UInt64>
  private let options: SegmentOptions
  private var files: [(path: String, file: any File)] = []
  /// Those of them that are still to be synced.
  private var unsynced: [any File] = []
  /// What was written so far.
  private(set) var descriptions: [SegmentDescription] = []

  /// - Parameters:
  ///   - commits: the interval planned for the rows; the commit may move it.
  ///   - profile: how the files are packed.
  init(
    _ store: Store, view: Catalog.View, commits: ClosedRange<UInt64>,
    profile: SegmentProfile = .hot
  ) {
    options = SegmentOptions(profile: profile)
    self.store = store
    self.view = view
    self.commits = commits
  }

  /// Makes the view's folder, if this is its first segment.
  ///
  /// - Parameter isNamed: whether a commit named a segment there, so that the folder is durable.
  func prepareFolder(isNamed: Bool) throws(LarderError) {
    if isNamed { return }
    // Whatever made these names before may have failed to make them durable.
    try store.host.files.makeDirectory(store.layout.viewFolder(view.id))
    try store.host.files.syncDirectory(store.layout.offline)
    try store.host.files.syncDirectory(store.layout.root)
  }

  /// A run of sorted rows that becomes one segment.
  struct Piece: Sendable {
    var sorted: SortedRows
    var range: Range<Int>
    var partition: Range<Int64>?
    /// The interval, where it is not the output's.
    var commits: ClosedRange<UInt64>?
  }

  /// Writes and syncs segments, their columns in parallel.
  ///
  /// - Parameters:
  ///   - sync: false for files that this process reads back and removes, or syncs by `makeDurable`.
  ///   - beside: something else to be done at the same time.
  /// - Throws: errors of the source and the file system; what was begun is removed by `abandon`.
  func write(
    _ pieces: [Piece], from source: some RowSource, in scratch: ScratchMemory,
    sync: Bool = true, beside: (@Sendable () throws(LarderError) -> Void)? = nil
  ) throws(LarderError) {
    let memory = PackingMemory()
    let before = files.count
    var segments: [SegmentAssembly] = []
    for piece in pieces {
      let (uuid, file) = try makeFile()
      let identity = SegmentIdentity(
        uuid: uuid, viewID: view.id, unit: view.definition.timeUnit,
        commits: piece.commits ?? commits, partition: piece.partition)
      segments.append(
        SegmentAssembly(piece, to: file, identity, options, source.parts, memory))
    }
    let assembled = segments
    let steps = Self.steps(
      pieces: pieces.count, columns: SegmentAssembly.columns(of: source), sync: sync)
    let first = beside == nil ? 0 : 1
    let rows = pieces.reduce(0) { $0 + $1.range.count }
    let threads = threadCount(
      store.options.threads, values: rows * SegmentAssembly.columns(of: source))
    try runTasks(first + steps.count, threads: threads) {
      index throws(LarderError) in
      guard index >= first else {
        try beside?()
        return
      }
      switch steps[index - first] {
      case .begin(let piece): try assembled[piece].begin(source, scratch)
      case .column(let piece, let column):
        try assembled[piece].write(column, of: source, scratch)
      case .sync(let piece): try assembled[piece].sync()
      }
    }
    if !sync { unsynced += files[before...].map(\.file) }
    for segment in assembled { descriptions.append(try segment.description()) }
  }

  private enum Step {
    case begin(Int)
    case column(Int, Int)
    case sync(Int)
  }

  /// What there is to do, in an order in which no step waits long for another: a segment's index is
  /// made while the columns of the one before are packed, and it is synced when the disk has had
  /// the time of the next one to write it.
  private static func steps(pieces: Int, columns: Int, sync: Bool) -> [Step] {
    var steps: [Step] = pieces > 0 ? [.begin(0)] : []
    for piece in 0..<pieces {
      if piece + 1 < pieces { steps.append(.begin(piece + 1)) }
      for column in 0..<columns { steps.append(.column(piece, column)) }
      if sync, piece > 0 { steps.append(.sync(piece - 1)) }
    }
    if sync, pieces > 0 { steps.append(.sync(pieces - 1)) }
    return steps
  }

  /// Makes a file and holds it until the commit: the sweep passes over what it cannot lock.
  ///
  /// Between making and locking, a sweep of another process may take the file for an orphan. Then
  /// its name is gone or about to go, and a file of another name is made.
  private func makeFile() throws(LarderError) -> (uuid: FileIdentifier, file: any File) {
    let system = store.host.files
    while true {
      let uuid = store.host.makeIdentifier()
      let path = "\(store.layout.viewFolder(view.id))/\(uuid).seg"
      let file = try system.open(path, .create)
      if try file.tryLock(0..<1, .exclusive),
        let named = try system.status(of: path), try file.status().inode == named.inode
      {
        files.append((path, file))
        return (uuid, file)
      }
    }
  }

  /// Makes files durable that were written without a sync, with their names.
  ///
  /// At once: a disk that is asked to sync several things answers them in little more than the time
  /// of one. A commit of few rows is made of such waits.
  ///
  /// - Parameter beside: something else that waits for the disk.
  func makeDurable(
    beside: @Sendable () throws(LarderError) -> Void
  ) throws(LarderError) {
    let files = unsynced
    let hasNames = !self.files.isEmpty
    let system = store.host.files
    let folder = store.layout.viewFolder(view.id)
    try runTasks(files.count + 2, threads: threadCount(store.options.threads)) {
      index throws(LarderError) in
      switch index - files.count {
      case 0: if hasNames { try system.syncDirectory(folder) }
      case 1: try beside()
      default: try files[index].syncData()
      }
    }
    unsynced = []
  }

  /// Makes the names of the files durable.
  func syncFolder() throws(LarderError) {
    if !files.isEmpty { try store.host.files.syncDirectory(store.layout.viewFolder(view.id)) }
  }

  /// Lets go of the files: the manifest names them.
  func release() { files = [] }

  /// Removes the files; what cannot be removed is left to a sweep.
  func abandon() {
    for (path, _) in files {
      do { try store.host.files.remove(path) } catch { continue }
    }
    files = []
    descriptions = []
  }
}

extension Buffer {
  /// Some of the bytes, sharing the memory.
  func part(_ start: Int, _ count: Int) -> Buffer {
    if start == 0, count == self.count { return self }
    let owner = self
    return unsafe Buffer(borrowing: base + start, count: count) {
      withExtendedLifetime(owner) {}
    }
  }
}
