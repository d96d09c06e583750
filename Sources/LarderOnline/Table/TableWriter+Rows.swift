import Glibc
import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// Writing batches.
extension TableWriter {
  /// Rows on their way into the table.
  struct Batch {
    var keys: TableKeys
    var times: RowTimes
    /// What the rows are.
    var role: RowRole
    /// The features by their ids.
    var features = RowFeatures()
    /// nil for rows without features.
    var encoder: RowEncoder?
    /// For rows that keep features which the encoder's schema lacks; made when the first comes.
    var wideEncoder: RowEncoder?
    /// What of direct writes before is past the time to live by now.
    var expiry: Expiry
    var watermark: OnlineWatermark?
  }

  /// Writes a batch: in the log, on disk if that is asked for, then for readers.
  ///
  /// - Returns: how many rows won.
  /// - Throws: then nothing of it is there, but after `outcomeUnknown` it may be.
  @discardableResult
  func write(_ batch: Batch, progress: ((Int) -> Void)?) throws(LarderError) -> Int {
    try checkUsable()
    var batch = batch
    var changed = 0
    self.batch += 1
    do throws(LarderError) {
      try append(&batch, progress)
      guard !pending.isEmpty || batch.watermark != nil else { return 0 }
      changed = pending.count
      try commit(batch.watermark, begun: batch.role.run)
    } catch {
      if poison == nil { abandonBatch() }
      throw error
    }
    progress?(batch.keys.count)
    return changed
  }

  /// Follows a view's definition, if it changed.
  ///
  /// - Returns: the schemas of its rows.
  @discardableResult
  func adopt(_ view: ResolvedView) throws(LarderError) -> RowSchemas {
    try checkUsable()
    if let adopted, adopted.view == view { return adopted.schemas }
    try state.check(view.definition)
    var newState = state
    let (schemas, isChanged) = try newState.adopt(view)
    if isChanged {
      batch += 1
      do throws(LarderError) { try commit(state: newState) } catch {
        if poison == nil { abandonBatch() }
        throw error
      }
    }
    adopted = (view, schemas)
    return schemas
  }

  // MARK: Committing

  /// Ends the batch with a new watermark, if there is one.
  ///
  /// - Parameter run: what rows without one say to have begun.
  private func commit(
    _ watermark: OnlineWatermark?, begun run: HistoryRun
  ) throws(LarderError) {
    if let watermark {
      var newState = state
      newState.watermark = watermark
      newState.begun = .none
      try commit(state: newState)
    } else if run > state.begun {
      var newState = state
      newState.begun = run
      try commit(state: newState)
    } else {
      try finish(nil)
    }
  }

  /// Ends the batch with a new state.
  func commit(
    state newState: TableState, forceSync: Bool = false
  ) throws(LarderError) {
    let units = (LogScan.stateHeaderBytes + newState.encoded.count + 64) / LogFormat.unit + 1
    try makeRoom(units: units)
    var newState = newState
    // A new log file may have begun on the way.
    newState.logFiles = state.logFiles
    let position = try appendState(newState)
    try finish((newState, position), forceSync: forceSync)
  }

  /// Ends a batch that takes a log file out of the table; always durable.
  func commit(retiring logFile: LogFile) throws(LarderError) {
    let units = (LogScan.stateHeaderBytes + state.encoded.count + 64) / LogFormat.unit + 1
    try makeRoom(units: units)
    var newState = state
    newState.logFiles.removeAll { $0.sequence == logFile.sequence }
    let position = try appendState(newState)
    try finish((newState, position), forceSync: true)
  }

  /// Begins a new log file if so many units do not fit into this one.
  private func makeRoom(units: Int) throws(LarderError) {
    if end + units + 1 > current.units { try startLogFile(for: units) }
  }

  /// Closes the batch, makes it durable and publishes it.
  private func finish(
    _ newState: (state: TableState, position: LogPosition)?, forceSync: Bool = false
  ) throws(LarderError) {
    try index.reserve(inserts: pending.count)
    try appendCommit()
    if options.durability == .batch || forceSync { try syncLog() }
    // Should this process die before the end of the batch is in the index, readers must not be left
    // with a part of it. What is one store needs no mark.
    let isMarked = pending.count > 1 || newState != nil
    if isMarked { memory.store(1, IndexFormat.publishing) }
    do throws(LarderError) {
      if let newState {
        state = newState.state
        memory.store(newState.position.bits, IndexFormat.state)
        publishSnapshot()
      }
      try index.publish(pending)
      pending.removeAll(keepingCapacity: true)
    } catch {
      throw poison(error)
    }
    memory.prove(
      applied: LogPosition(sequence: current.sequence, unit: end), batch: batch)
    if isMarked { memory.store(0, IndexFormat.publishing) }
    let reached = backgroundSync.reached
    if reached > durable {
      durable = reached
      memory.prove(durable: durable)
    }
    memory.store(UInt64(bitPattern: host.now()), IndexFormat.lastWrite)
    if memory.isTruncated {
      throw poison(
        LarderError(
          .corrupt, "The key index was cut short by somebody else; reopen the store to rebuild it.",
          file: directory))
    }
    prepareAhead()
  }

  /// Ends a batch of rows that were only moved: their old places stay until all is on disk.
  func commitMove() throws(LarderError) { try finish(nil) }
}
