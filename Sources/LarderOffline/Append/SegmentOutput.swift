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

  /// Writes and syncs segments, in parallel.
  ///
  /// - Parameter sync: false for files that this process reads back and removes.
  /// - Throws: errors of the source and the file system; what was begun is removed by `abandon`.
  func write(
    _ pieces: [Piece], from source: some RowSource, in scratch: ScratchMemory,
    sync: Bool = true
  ) throws(LarderError) {
    var opened: [(path: String, file: any File, identity: SegmentIdentity)] = []
    for piece in pieces {
      let (uuid, path, file) = try makeFile()
      opened.append(
        (
          path, file,
          SegmentIdentity(
            uuid: uuid, viewID: view.id, unit: view.definition.timeUnit,
            commits: piece.commits ?? commits, partition: piece.partition)
        ))
    }
    let targets = opened
    let options = self.options
    let written = SegmentResults(count: pieces.count)
    try runTasks(pieces.count, threads: threadCount(store.options.threads)) {
      index throws(LarderError) in
      let (_, file, identity) = targets[index]
      let description = try writeSegment(
        pieces[index], from: source, to: file, identity, options, scratch)
      if sync { try file.syncData() }
      written.set(index, description)
    }
    descriptions += try written.all()
  }

  /// Makes a file and holds it until the commit: the sweep passes over what it cannot lock.
  ///
  /// Between making and locking, a sweep of another process may take the file for an orphan. Then
  /// its name is gone or about to go, and a file of another name is made.
  private func makeFile() throws(LarderError) -> (
    uuid: FileIdentifier, path: String, file: any File
  ) {
    let system = store.host.files
    while true {
      let uuid = store.host.makeIdentifier()
      let path = "\(store.layout.viewFolder(view.id))/\(uuid).seg"
      let file = try system.open(path, .create)
      if try file.tryLock(0..<1, .exclusive),
        let named = try system.status(of: path), try file.status().inode == named.inode
      {
        files.append((path, file))
        return (uuid, path, file)
      }
    }
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

/// Writes one segment.
private func writeSegment(
  _ piece: SegmentOutput.Piece, from source: some RowSource, to file: any File,
  _ identity: SegmentIdentity, _ options: SegmentOptions, _ scratch: ScratchMemory
) throws(LarderError) -> SegmentDescription {
  let range = piece.range
  let sorted = piece.sorted
  let ids = sorted.ids.part(range.lowerBound * 4, range.count * 4)
  let events = sorted.events.part(range.lowerBound * 8, range.count * 8)
  let rows = unsafe UnsafeBufferPointer(
    rebasing: sorted.rows.values(as: UInt32.self)[range])
  var writer = try SegmentWriter(
    file, identity, ids: ids, events: events, count: range.count, options: options)
  if let created = source.created {
    try writer.appendCreated(unsafe try created.gathered(rows, in: scratch))
  }
  for field in source.fieldIDs {
    guard let column = try source.column(fieldID: field) else { continue }
    try writer.append(fieldID: field, unsafe try column.gathered(rows, in: scratch))
  }
  return try writer.finish()
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
