import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// The online store of memory-mapped tables: one folder per view, any number of reading processes
/// beside one writing process per view.
///
/// Reads take no lock and need read permission only. The first write to a view takes its writer
/// lock, which is held until `close()`.
public final class MappedOnlineStore: OnlineStore {
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
  /// A view as the catalog has it; nil for an unknown one.
  private let lookUp: @Sendable (FeatureView) throws(LarderError) -> ResolvedView?
  let tables = ForkSafeMutex<[UInt32: OpenTable]>([:])
  /// The last query asked of each view.
  private let plans = ForkSafeMutex<[String: ReadPlan]>([:])
  /// Who materializes to a table; one at a time.
  let turns = ForkSafeMutex<[UInt32: MaterializationTurn]>([:])

  /// Opens the online half of a store; touches no table yet.
  ///
  /// - Parameters:
  ///   - host: files, clock and randomness.
  ///   - directory: where the tables' folders lie; made with the first table.
  ///   - store: the store's identifier, which every file repeats.
  ///   - locks: the store's LOCK; open for reading at least, to ask who writes.
  ///   - isReadOnly: whether writing is refused.
  ///   - erasures: which keys history hides, since their erasure is not finished.
  ///   - resolve: tells a view as the catalog of now has it; nil if it has none of the name. A
  ///     table's id is never used again for another.
  package init(
    host: Host, directory: String, store: FileIdentifier, locks: LockFile?,
    isReadOnly: Bool = false, options: OnlineOptions = OnlineOptions(),
    erasures: ErasureWatch? = nil,
    resolve: @escaping @Sendable (FeatureView) throws(LarderError) -> ResolvedView?
  ) {
    self.host = host
    self.directory = directory
    self.store = store
    self.locks = locks
    self.isReadOnly = isReadOnly
    self.options = options
    self.erasures = erasures
    lookUp = resolve
  }

  /// Opens tables without a catalog, whose rows know features by name.
  ///
  /// - Parameter identify: tells the id of a view's table; nil if it has none.
  package convenience init(
    host: Host, directory: String, store: FileIdentifier, locks: LockFile?,
    isReadOnly: Bool = false, options: OnlineOptions = OnlineOptions(),
    identify: @escaping @Sendable (FeatureView) throws(LarderError) -> UInt32?
  ) {
    self.init(
      host: host, directory: directory, store: store, locks: locks, isReadOnly: isReadOnly,
      options: options
    ) { view throws(LarderError) in
      try identify(view).map { ResolvedView(view, table: $0) }
    }
  }

  /// A view as the catalog of now has it.
  ///
  /// - Throws: `notFound` for an unknown view.
  package func resolve(_ view: FeatureView) throws(LarderError) -> ResolvedView {
    guard let resolved = try lookUp(view) else { throw .noOnlineTable(view) }
    return resolved
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
      if let id = try lookUp(view)?.table { try drop(id) }
    }
    var kept: Set<UInt32> = []
    for view in keeping {
      let resolved = try resolve(view)
      kept.insert(resolved.table)
      try make(resolved)
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
  package func make(_ view: ResolvedView) throws(LarderError) {
    try checkWritable()
    let id = view.table
    // Nobody else may change or drop a table that this store writes to.
    if let open = tables.withLock({ $0[id] }), open.table.isOpenForWriting {
      do throws(LarderError) {
        if try open.table.withWriter({ $0.adopted?.view == view }) { return }
      } catch  where error.code == .closed {
        // By another thread: it is opened again where that is needed.
      }
    }
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
    try state.check(view.definition)
    var changed = state
    guard try changed.adopt(view).isChanged else { return }
    try beforeItEnds { () throws(LarderError) in
      try writableTable(id, of: view.definition).withWriter { (writer) throws(LarderError) in
        _ = try writer.adopt(view)
      }
    }
  }

  /// What a table says about itself.
  ///
  /// No index is built for this: a writer that opens next would build another.
  private func state(_ id: UInt32) throws(LarderError) -> TableState {
    if let open = tables.withLock({ $0[id] }) { return try open.table.snapshot().state }
    return try OnlineTable.state(
      folder(id), store, host.files, hasWriter: hasWriter(of: id))
  }

  /// Makes the directory of all tables durably, if it is not there.
  private func makeDirectory() throws(LarderError) {
    if try host.files.status(of: directory) != nil { return }
    try host.files.makeDirectory(directory)
    let parent = directory.split(separator: "/").dropLast().joined(separator: "/")
    let lead = directory.hasPrefix("/") ? "/" : ""
    try host.files.syncDirectory(parent.isEmpty && lead.isEmpty ? "." : lead + parent)
  }

  /// Drops the table of a view, if there is one.
  ///
  /// - Returns: whether there was.
  /// - Throws: `notAStore` for a folder with files that are none of a table's; `locked`.
  package func drop(_ view: ResolvedView) throws(LarderError) -> Bool {
    try checkWritable()
    return try turn(of: view.table).withLock { () throws(LarderError) in
      let isThere = try TableFiles.mayExist(folder(view.table), host.files)
      try drop(view.table)
      return isThere
    }
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
      if let id = try lookUp(view)?.table { try drop(id) }
    }
  }

  /// Reads one answer per key; see `OnlineStore`.
  ///
  /// - Complexity: O(keys), at two cache misses per key whose latencies overlap.
  public func read(
    _ keys: RecordBatch, from view: FeatureView, features: [String]?, at: Timestamp?,
    includeExpired: Bool
  ) throws(LarderError) -> OnlineRows {
    try read(
      keys, from: try resolve(view), features: features, at: at, includeExpired: includeExpired)
  }

  /// Reads one answer per key of a view as some state of the catalog has it.
  ///
  /// - Throws: as `read`.
  package func read(
    _ keys: RecordBatch, from view: ResolvedView, features: [String]?, at: Timestamp?,
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
    _ keys: OnlineKeys, from view: ResolvedView, features: [String]?, at: Timestamp?,
    includeExpired: Bool
  ) throws(LarderError) -> OnlineRows {
    let plan = try plan(view, features)
    guard view.definition.isEntityless || keys.batch.schema == plan.keySchema else {
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

  /// The plan of a query; the last of each view is kept.
  func plan(_ view: ResolvedView, _ features: [String]?) throws(LarderError) -> ReadPlan {
    if let last = plans.withLock({ $0[view.name] }), last.fits(view, features) { return last }
    let plan = try ReadPlan(view, features: features)
    plans.withLock { $0[view.name] = plan }
    return plan
  }

  /// The keys that a query is asked for.
  func keys(_ batch: RecordBatch, _ plan: ReadPlan) throws(LarderError) -> KeyBatch {
    try OnlineKeys.convert(batch, plan.keySchema, plan.view)
  }
}
