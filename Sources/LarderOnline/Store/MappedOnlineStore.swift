import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys
import Synchronization

/// The online store of memory-mapped tables: one folder per view, any number of reading processes
/// beside one writing process per view.
///
/// Reads take no lock and need read permission only. The first write to a view takes its writer
/// lock, which is held until `close()`.
public final class MappedOnlineStore: WatermarkedOnlineStore {
  /// The directory that holds the tables' folders.
  package let directory: String
  let host: Host
  let store: FileIdentifier
  let options: OnlineOptions
  /// The store's locks; nil where no other process can be, as in tests.
  let locks: LockFile?
  let isReadOnly: Bool
  /// What history says of erasures that are not finished; nil if there is no history beside.
  let erasures: ErasureWatch?
  /// The id of a view's table, which names its folder and its lock; nil for an unknown view.
  let identify: @Sendable (FeatureView) throws(LarderError) -> UInt32?
  let tables = Mutex<[UInt32: OpenTable]>([:])
  /// The last question asked of each view.
  private let plans = Mutex<[String: ReadPlan]>([:])

  /// Opens the online half of a store; touches no table yet.
  ///
  /// - Parameters:
  ///   - host: files, clock and randomness.
  ///   - directory: where the tables' folders lie; made with the first table.
  ///   - store: the store's identifier, which every file repeats.
  ///   - locks: the store's LOCK.
  ///   - isReadOnly: whether writing is refused.
  ///   - erasures: which keys history hides, since their erasure is not finished.
  ///   - identify: tells the id of a view's table, never used again for another; nil if it has none.
  package init(
    host: Host, directory: String, store: FileIdentifier, locks: LockFile?,
    isReadOnly: Bool = false, options: OnlineOptions = OnlineOptions(),
    erasures: ErasureWatch? = nil,
    identify: @escaping @Sendable (FeatureView) throws(LarderError) -> UInt32?
  ) {
    self.host = host
    self.directory = directory
    self.store = store
    self.locks = locks
    self.isReadOnly = isReadOnly
    self.options = options
    self.erasures = erasures
    self.identify = identify
  }

  // MARK: Feast's four methods

  /// Creates and drops tables; see `OnlineStore`.
  ///
  /// - Throws: `locked` if another process writes to a table that is to change.
  public func update(
    keeping: [FeatureView], deleting: [FeatureView], entitiesToKeep: [Entity],
    entitiesToDelete: [Entity], partial: Bool
  ) throws(LarderError) {
    try checkWritable()
    if partial, deleting.isEmpty, try follows(keeping) { return }
    for view in deleting {
      if let id = try identify(view) { try drop(id) }
    }
    var kept: Set<UInt32> = []
    for view in keeping {
      guard let id = try identify(view) else { throw .noOnlineTable(view) }
      kept.insert(id)
      try make(id, view)
    }
    if partial { return }
    guard try host.files.status(of: directory) != nil else { return }
    for name in try host.files.names(in: directory) {
      guard name.first == "v", let id = UInt32(name.dropFirst()), name == "v\(id)",
        !kept.contains(id)
      else { continue }
      try drop(id)
    }
  }

  /// Whether this store writes to the tables of all these views, and they follow these definitions.
  ///
  /// Nobody else may change or drop such a table.
  private func follows(_ views: [FeatureView]) throws(LarderError) -> Bool {
    for view in views {
      guard let id = try identify(view), let open = tables.withLock({ $0[id] }),
        open.table.isOpenForWriting
      else { return false }
      do throws(LarderError) {
        guard try open.table.withWriter({ $0.adopted == view }) else { return false }
      } catch  where error.code == .closed { return false }
    }
    return true
  }

  /// Makes a table or brings its features up to date.
  private func make(_ id: UInt32, _ view: FeatureView) throws(LarderError) {
    if try !TableFiles.exists(folder(id), host.files) {
      try closeTable(id)
      try makeDirectory()
      let lock = try lock(id)
      defer { lock?.release() }
      _ = try TableFiles.create(
        folder(id), view: view, store: store, host: host, options: options)
      try host.files.syncDirectory(directory)
      return
    }
    let state = try state(id)
    try state.check(view)
    var changed = state
    guard try changed.adopt(view) else { return }
    try beforeItEnds { () throws(LarderError) in
      try writableTable(id, of: view).withWriter { (writer) throws(LarderError) in
        try writer.adopt(view)
      }
    }
  }

  /// What a table says about itself.
  ///
  /// No index is built for this: a writer that opens next would build another.
  private func state(_ id: UInt32) throws(LarderError) -> TableState {
    if let open = tables.withLock({ $0[id] }) { return try open.table.snapshot().state }
    return try OnlineTable.state(folder(id), store, host.files)
  }

  /// Makes the directory of all tables durably, if it is not there.
  private func makeDirectory() throws(LarderError) {
    if try host.files.status(of: directory) != nil { return }
    try host.files.makeDirectory(directory)
    let parent = directory.split(separator: "/").dropLast().joined(separator: "/")
    let lead = directory.hasPrefix("/") ? "/" : ""
    try host.files.syncDirectory(parent.isEmpty && lead.isEmpty ? "." : lead + parent)
  }

  /// Drops a table with all its rows.
  private func drop(_ id: UInt32) throws(LarderError) {
    try closeTable(id)
    guard try host.files.status(of: folder(id)) != nil else { return }
    let lock = try lock(id)
    defer { lock?.release() }
    try TableFiles.remove(folder(id), host.files)
    try host.files.syncDirectory(directory)
  }

  /// Drops the views' tables; see `OnlineStore`.
  ///
  /// - Throws: `notAStore` for a folder with files that are none of a table's; `locked`.
  public func tearDown(_ views: [FeatureView], entities: [Entity]) throws(LarderError) {
    try checkWritable()
    for view in views {
      if let id = try identify(view) { try drop(id) }
    }
  }

  /// Writes rows directly; see `OnlineStore`.
  ///
  /// - Throws: as `writeBatch(_:to:watermark:progress:)`.
  public func writeBatch(
    _ batch: RecordBatch, to view: FeatureView, progress: (@Sendable (Int) -> Void)? = nil
  ) throws(LarderError) {
    _ = try write(batch, view, watermark: nil, isFromHistory: false, progress)
  }

  /// Writes rows of history and the watermark; see `WatermarkedOnlineStore`.
  ///
  /// - Throws: `invalidInput`, `notFound`, `locked`, `noSpace`; `outcomeUnknown` if the disk failed
  ///   to say whether the batch is on it.
  @discardableResult
  public func writeBatch(
    _ batch: RecordBatch, to view: FeatureView, watermark: OnlineWatermark?,
    progress: (@Sendable (Int) -> Void)?
  ) throws(LarderError) -> Int {
    try write(batch, view, watermark: watermark, isFromHistory: true, progress)
  }

  private func write(
    _ batch: RecordBatch, _ view: FeatureView, watermark: OnlineWatermark?, isFromHistory: Bool,
    _ progress: (@Sendable (Int) -> Void)?
  ) throws(LarderError) -> Int {
    let columns = try WrittenColumns(batch.schema, of: view)
    let given = try keys(batch, columns.keys, view, for: .write)
    let times = try RowTimes(batch, columns, view: view)
    return try beforeItEnds { () throws(LarderError) in
      let table = try writableTable(of: view)
      let keys = try writable(given, to: table, view, isFromHistory: isFromHistory)
      let now = Timestamp(microseconds: host.now())
      let changed = try table.withWriter { (writer) throws(LarderError) in
        try writer.adopt(view)
        var sources = [Column?](repeating: nil, count: view.features.count)
        for written in columns.features { sources[written.feature] = batch.columns[written.column] }
        let encoder = try RowEncoder(writer.state.current, columns: sources)
        return try writer.write(
          TableWriter.Batch(
            keys: TableKeys(keys), times: times, encoder: encoder,
            expiry: Expiry(view, at: now), watermark: watermark, isFromHistory: isFromHistory),
          progress: progress)
      }
      try table.compactIfDue(view)
      return changed
    }
  }

  /// Deletes keys; see `OnlineStore`.
  public func delete(
    _ keys: RecordBatch, from view: FeatureView, at: Timestamp?
  ) throws(LarderError) {
    let columns = try WrittenColumns(keys.schema, of: view, isDeletion: true)
    let given = try self.keys(keys, columns.keys, view, for: .write)
    let now = Timestamp(microseconds: host.now())
    let times = try RowTimes(deleting: keys, columns, view: view, at: at ?? now, now: now)
    try beforeItEnds { () throws(LarderError) in
      let table = try writableTable(of: view)
      let batch = try writable(given, to: table, view, isFromHistory: false)
      try table.withWriter { (writer) throws(LarderError) in
        try writer.state.check(view)
        try writer.write(
          TableWriter.Batch(
            keys: TableKeys(batch), times: times, encoder: nil, expiry: Expiry(view, at: now),
            watermark: nil),
          progress: nil)
      }
      try table.compactIfDue(view)
    }
  }

  /// Reads one answer per key; see `OnlineStore`.
  ///
  /// - Complexity: O(keys), at two cache misses per key whose latencies overlap.
  public func read(
    _ keys: RecordBatch, from view: FeatureView, features: [String]?, at: Timestamp?,
    includeExpired: Bool
  ) throws(LarderError) -> OnlineRows {
    let plan = try plan(view, features)
    let batch = try visible(try self.keys(keys, plan), in: view)
    return try withTable(of: view) { (table) throws(LarderError) in
      try table.read(batch, plan, at: at, includeExpired: includeExpired)
    }
  }

  /// Reads one answer per key of a batch that was converted before; see `OnlineStore.read`.
  ///
  /// - Throws: as `read`; `incompatibleDefinition` for keys of another type than the view's.
  package func read(
    _ keys: OnlineKeys, from view: FeatureView, features: [String]?, at: Timestamp?,
    includeExpired: Bool
  ) throws(LarderError) -> OnlineRows {
    let plan = try plan(view, features)
    guard view.isEntityless || keys.batch.schema == plan.keySchema else {
      throw LarderError(
        .incompatibleDefinition,
        "The keys are of \(keys.batch.schema), and the view \"\(view.name)\" "
          + "is found by \(plan.keySchema).")
    }
    let batch = try visible(keys.batch, in: view)
    return try withTable(of: view) { (table) throws(LarderError) in
      try table.read(batch, plan, at: at, includeExpired: includeExpired)
    }
  }

  /// The present, by the store's clock.
  package var now: Timestamp { Timestamp(microseconds: host.now()) }

  /// The plan of a question; the last of each view is kept.
  func plan(_ view: FeatureView, _ features: [String]?) throws(LarderError) -> ReadPlan {
    if let last = plans.withLock({ $0[view.name] }), last.fits(view, features) { return last }
    let plan = try ReadPlan(view, features: features)
    plans.withLock { $0[view.name] = plan }
    return plan
  }

  /// The keys that a question is asked for.
  func keys(_ batch: RecordBatch, _ plan: ReadPlan) throws(LarderError) -> KeyBatch {
    try OnlineKeys.convert(batch, plan.keySchema, plan.view)
  }

  /// The watermark of a view; nil if none was written yet.
  public func watermark(of view: FeatureView) throws(LarderError) -> OnlineWatermark? {
    try withTable(of: view) { (table) throws(LarderError) in try table.snapshot().state.watermark }
  }

  /// The keys of a batch's rows.
  func keys(
    _ batch: RecordBatch, _ columns: [Int], _ view: FeatureView, for use: KeyUse
  ) throws(LarderError) -> KeyBatch {
    if view.isEntityless { return .entityless(count: batch.count) }
    var schema: [KeyColumn] = []
    var sources: [(name: String, column: Column)] = []
    for (key, index) in zip(view.joinKeys, columns) {
      schema.append(KeyColumn(key.name, try KeyType(key.type.dataType)))
      var column = batch.columns[index]
      if key.type == .string { column = column.asString }
      sources.append((key.name, column))
    }
    return try KeyBatch(
      sources, schema: try KeySchema(schema), rows: 0..<batch.count, for: use)
  }
}
