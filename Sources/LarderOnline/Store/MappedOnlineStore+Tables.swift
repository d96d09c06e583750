import LarderColumns
import LarderContract
import LarderFiles
import Synchronization

/// A table that a store has open.
struct OpenTable {
  var table: OnlineTable
  /// Held while the table is open for writing.
  var lock: HeldLock?
}

/// Opening and closing tables.
extension MappedOnlineStore {
  /// A table's folder.
  func folder(_ id: UInt32) -> String { "\(directory)/v\(id)" }

  /// The table of a view, open for reading at least.
  func table(of view: FeatureView) throws(LarderError) -> OnlineTable {
    try table(try resolve(view).table, of: view)
  }

  /// The table of an id, open for reading at least.
  ///
  /// - Parameter view: whose table it is; nil if the folder is known to be there.
  /// - Throws: `notFound` if there is no table; `corrupt`, `io`.
  func table(_ id: UInt32, of view: FeatureView? = nil) throws(LarderError) -> OnlineTable {
    try tables.withLock { (tables) throws(LarderError) in
      if let open = tables[id] { return open.table }
      try requireTable(id, of: view)
      let table = try OnlineTable.openForReading(
        folder(id), store: store, host: host, options: options, hasWriter: hasWriter(of: id))
      tables[id] = OpenTable(table: table, lock: nil)
      return table
    }
  }

  /// The table of a view, open for writing.
  func writableTable(of view: FeatureView) throws(LarderError) -> OnlineTable {
    try writableTable(of: try resolve(view))
  }

  /// The table of a view, open for writing.
  func writableTable(of view: ResolvedView) throws(LarderError) -> OnlineTable {
    try checkWritable()
    return try writableTable(view.table, of: view.definition)
  }

  /// The table of an id, open for writing.
  ///
  /// Parameters and errors are those of `table(_:of:)`; and `readOnly`, `locked`.
  func writableTable(
    _ id: UInt32, of view: FeatureView? = nil
  ) throws(LarderError) -> OnlineTable {
    try checkWritable()
    if let open = tables.withLock({ $0[id] }), open.table.isOpenForWriting { return open.table }
    try requireTable(id, of: view)
    return try openForWriting(id, try lock(id))
  }

  /// Does something with a table that is open for writing, and does it again with the table opened
  /// again where another thread ended writing in between.
  func beforeItEnds<Result>(
    _ body: () throws(LarderError) -> Result
  ) throws(LarderError) -> Result {
    while true {
      do throws(LarderError) { return try body() } catch  where error.code == .closed {}
    }
  }

  /// Refuses a view that has no table.
  private func requireTable(_ id: UInt32, of view: FeatureView?) throws(LarderError) {
    guard let view else { return }
    guard try TableFiles.exists(folder(id), host.files) else { throw .noOnlineTable(view) }
  }

  private func openForWriting(_ id: UInt32, _ lock: HeldLock?) throws(LarderError) -> OnlineTable {
    try tables.withLock { (tables) throws(LarderError) in
      // Another thread of this process may have opened it, with the same lock object's turn.
      if let open = tables[id], open.table.isOpenForWriting { return open.table }
      let table = try OnlineTable.openForWriting(
        folder(id), store: store, host: host, options: options, hasWriter: hasWriter(of: id))
      tables[id] = OpenTable(table: table, lock: lock)
      return table
    }
  }

  func lock(_ id: UInt32) throws(LarderError) -> HeldLock? {
    try locks?.acquire(.onlineWriter(table: id), timeout: options.lockTimeout)
  }

  /// Tells whether anybody writes to a table now; nobody can tell who may not open LOCK.
  func hasWriter(of id: UInt32) -> WriterCheck {
    guard let locks else { return { true } }
    return { () throws(LarderError) in
      try locks.holder(of: .onlineWriter(table: id)) != nil
    }
  }

  func checkWritable() throws(LarderError) {
    if isReadOnly {
      throw LarderError(
        .readOnly, "The store was opened read-only; open it with read and write access.",
        file: directory)
    }
  }

  /// Closes a table that this store has open.
  func closeTable(_ id: UInt32) throws(LarderError) {
    guard let open = tables.withLock({ $0.removeValue(forKey: id) }) else { return }
    try open.table.close()
    open.lock?.release()
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

  /// Reads from the table of a view.
  func withTable<Result>(
    of view: FeatureView, _ body: (OnlineTable) throws(LarderError) -> Result
  ) throws(LarderError) -> Result {
    try withTable(of: try resolve(view), body)
  }

  /// Reads from the table of a view.
  func withTable<Result>(
    of view: ResolvedView, _ body: (OnlineTable) throws(LarderError) -> Result
  ) throws(LarderError) -> Result {
    try withTable(view.table, view.definition, body)
  }

  /// Reads from a table; one that another process dropped and made again is opened again.
  func withTable<Result>(
    _ id: UInt32, _ view: FeatureView, _ body: (OnlineTable) throws(LarderError) -> Result
  ) throws(LarderError) -> Result {
    let table = try table(id, of: view)
    do throws(LarderError) { return try body(table) } catch {
      throw try explained(error, id, view)
    }
  }

  /// What an error of a table means: one whose files are gone was dropped.
  func explained(
    _ error: LarderError, _ id: UInt32, _ view: FeatureView
  ) throws(LarderError) -> LarderError {
    guard error.code == .notFound else { return error }
    try closeTable(id)
    return .noOnlineTable(view)
  }

  // MARK: Ending

  /// Ends all writing: everything is durable, the locks are free, and reading opens again.
  public func close() throws(LarderError) {
    for id in tables.withLock({ Array($0.keys) }) { try closeTable(id) }
  }

  /// Makes everything durable that this store wrote so far, whatever the durability of writes.
  public func sync() throws(LarderError) {
    for table in tables.withLock({ $0.values.map(\.table) }) where table.isOpenForWriting {
      do throws(LarderError) {
        try table.withWriter { (writer) throws(LarderError) in try writer.sync() }
      } catch  where error.code == .closed {
        // By another thread, durably.
      }
    }
  }

  /// Makes everything durable that any process wrote to a view so far.
  ///
  /// - Throws: `notFound`, `locked`; `outcomeUnknown` if the disk failed to say.
  public func sync(_ view: FeatureView) throws(LarderError) {
    try beforeItEnds { () throws(LarderError) in
      try writableTable(of: view).withWriter { (writer) throws(LarderError) in try writer.sync() }
    }
  }
}
