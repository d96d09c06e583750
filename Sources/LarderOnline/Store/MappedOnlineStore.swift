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
  private let locks: LockFile?
  private let isReadOnly: Bool
  /// The id of a view's table, which names its folder and its lock; nil for an unknown view.
  let identify: @Sendable (FeatureView) throws(LarderError) -> UInt32?
  private let tables = Mutex<[UInt32: Entry]>([:])
  /// The last question asked of each view.
  private let plans = Mutex<[String: ReadPlan]>([:])

  private struct Entry {
    var table: OnlineTable
    /// Held while the table is open for writing.
    var lock: HeldLock?
  }

  /// Opens the online half of a store; touches no table yet.
  ///
  /// - Parameters:
  ///   - host: files, clock and randomness.
  ///   - directory: where the tables' folders lie; made with the first table.
  ///   - store: the store's identifier, which every file repeats.
  ///   - locks: the store's LOCK.
  ///   - isReadOnly: whether writing is refused.
  ///   - identify: tells the id of a view's table, never used again for another; nil if it has none.
  package init(
    host: Host, directory: String, store: FileIdentifier, locks: LockFile?,
    isReadOnly: Bool = false, options: OnlineOptions = OnlineOptions(),
    identify: @escaping @Sendable (FeatureView) throws(LarderError) -> UInt32?
  ) {
    self.host = host
    self.directory = directory
    self.store = store
    self.locks = locks
    self.isReadOnly = isReadOnly
    self.options = options
    self.identify = identify
  }

  // MARK: Tables

  /// A table's folder.
  private func folder(_ id: UInt32) -> String { "\(directory)/v\(id)" }

  /// The table of a view, open for reading at least.
  func table(of view: FeatureView) throws(LarderError) -> OnlineTable {
    guard let id = try identify(view) else { throw .noOnlineTable(view) }
    return try table(id, view)
  }

  private func table(_ id: UInt32, _ view: FeatureView) throws(LarderError) -> OnlineTable {
    try tables.withLock { (tables) throws(LarderError) in
      if let entry = tables[id] { return entry.table }
      guard try TableFiles.exists(folder(id), host.files) else { throw .noOnlineTable(view) }
      let table = try OnlineTable.openForReading(
        folder(id), store: store, host: host, options: options)
      tables[id] = Entry(table: table, lock: nil)
      return table
    }
  }

  /// The table of a view, open for writing.
  func writableTable(of view: FeatureView) throws(LarderError) -> OnlineTable {
    try checkWritable()
    guard let id = try identify(view) else { throw .noOnlineTable(view) }
    return try writableTable(id, view)
  }

  private func writableTable(
    _ id: UInt32, _ view: FeatureView
  ) throws(LarderError) -> OnlineTable {
    if let entry = tables.withLock({ $0[id] }), entry.table.isOpenForWriting { return entry.table }
    guard try TableFiles.exists(folder(id), host.files) else { throw .noOnlineTable(view) }
    let lock = try lock(id)
    return try openForWriting(id, lock)
  }

  /// The table of an id whose folder is there, open for reading at least.
  func existingTable(_ id: UInt32) throws(LarderError) -> OnlineTable {
    try tables.withLock { (tables) throws(LarderError) in
      if let entry = tables[id] { return entry.table }
      let table = try OnlineTable.openForReading(
        folder(id), store: store, host: host, options: options)
      tables[id] = Entry(table: table, lock: nil)
      return table
    }
  }

  /// The table of an id whose folder is there, open for writing.
  func existingWritableTable(_ id: UInt32) throws(LarderError) -> OnlineTable {
    try checkWritable()
    if let entry = tables.withLock({ $0[id] }), entry.table.isOpenForWriting { return entry.table }
    return try openForWriting(id, try lock(id))
  }

  /// Removes a table's index files and opens it for writing, which builds one from the log.
  func rebuildIndex(_ id: UInt32) throws(LarderError) {
    try checkWritable()
    try closeTable(id)
    let lock = try lock(id)
    for number in try TableFiles.numbers(folder(id), IndexFormat.suffix, host.files) {
      let path = "\(folder(id))/\(IndexFormat.fileName(number))"
      try IndexFile.retire(path, host.files)
      try host.files.remove(path)
    }
    _ = try openForWriting(id, lock)
  }

  private func openForWriting(_ id: UInt32, _ lock: HeldLock?) throws(LarderError) -> OnlineTable {
    try tables.withLock { (tables) throws(LarderError) in
      // Another thread of this process may have opened it, with the same lock object's turn.
      if let entry = tables[id], entry.table.isOpenForWriting { return entry.table }
      let table = try OnlineTable.openForWriting(
        folder(id), store: store, host: host, options: options)
      tables[id] = Entry(table: table, lock: lock)
      return table
    }
  }

  private func lock(_ id: UInt32) throws(LarderError) -> HeldLock? {
    try locks?.acquire(.onlineWriter(table: id), timeout: options.lockTimeout)
  }

  private func checkWritable() throws(LarderError) {
    if isReadOnly {
      throw LarderError(
        .readOnly, "The store was opened read-only; open it with read and write access.",
        file: directory)
    }
  }

  /// Closes a table that this store has open.
  private func closeTable(_ id: UInt32) throws(LarderError) {
    guard let entry = tables.withLock({ $0.removeValue(forKey: id) }) else { return }
    try entry.table.close()
    entry.lock?.release()
  }

  /// Ends all writing: everything is durable, the locks are free, and reading opens anew.
  public func close() throws(LarderError) {
    for id in tables.withLock({ Array($0.keys) }) { try closeTable(id) }
  }

  /// Makes everything durable that this store wrote so far, whatever the durability of writes.
  public func sync() throws(LarderError) {
    for table in tables.withLock({ $0.values.map(\.table) }) where table.isOpenForWriting {
      try table.withWriter { (writer) throws(LarderError) in try writer.sync() }
    }
  }

  /// Makes everything durable that any process wrote to a view so far.
  ///
  /// - Throws: `notFound`, `locked`; `outcomeUnknown` if the disk failed to say.
  public func sync(_ view: FeatureView) throws(LarderError) {
    try writableTable(of: view).withWriter { (writer) throws(LarderError) in try writer.sync() }
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
    let state = try table(of: view).snapshot().state
    try state.check(view)
    var changed = state
    guard try changed.adopt(view) else { return }
    try writableTable(id, view).withWriter { (writer) throws(LarderError) in
      try writer.adopt(view)
    }
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
    let keys = try keys(batch, columns.keys, view, for: .write)
    let times = try RowTimes(batch, columns, view: view)
    let table = try writableTable(of: view)
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

  /// Deletes keys; see `OnlineStore`.
  public func delete(
    _ keys: RecordBatch, from view: FeatureView, at: Timestamp?
  ) throws(LarderError) {
    let columns = try WrittenColumns(keys.schema, of: view, isDeletion: true)
    let batch = try self.keys(keys, columns.keys, view, for: .write)
    let now = Timestamp(microseconds: host.now())
    let times = try RowTimes(deleting: keys, columns, view: view, at: at ?? now, now: now)
    let table = try writableTable(of: view)
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

  /// Reads one answer per key; see `OnlineStore`.
  ///
  /// - Complexity: O(keys), at two cache misses per key whose latencies overlap.
  public func read(
    _ keys: RecordBatch, from view: FeatureView, features: [String]?, at: Timestamp?,
    includeExpired: Bool
  ) throws(LarderError) -> OnlineRows {
    let plan = try plan(view, features)
    let batch = try self.keys(keys, plan)
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
    return try withTable(of: view) { (table) throws(LarderError) in
      try table.read(keys.batch, plan, at: at, includeExpired: includeExpired)
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

  /// Reads from the table of a view.
  func withTable<Result>(
    of view: FeatureView, _ body: (OnlineTable) throws(LarderError) -> Result
  ) throws(LarderError) -> Result {
    guard let id = try identify(view) else { throw .noOnlineTable(view) }
    return try withTable(id, view, body)
  }

  /// Reads from a table; one that another process dropped and made again is opened anew.
  func withTable<Result>(
    _ id: UInt32, _ view: FeatureView, _ body: (OnlineTable) throws(LarderError) -> Result
  ) throws(LarderError) -> Result {
    let table = try table(id, view)
    do throws(LarderError) { return try body(table) } catch {
      throw try explained(error, id, view)
    }
  }

  /// The table of an id, open for reading at least.
  func openTable(_ id: UInt32, _ view: FeatureView) throws(LarderError) -> OnlineTable {
    try table(id, view)
  }

  /// What an error of a table means: one whose files are gone was dropped.
  func explained(
    _ error: LarderError, _ id: UInt32, _ view: FeatureView
  ) throws(LarderError) -> LarderError {
    guard error.code == .notFound else { return error }
    try closeTable(id)
    return .noOnlineTable(view)
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
