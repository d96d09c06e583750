import LarderColumns
import LarderContract
import LarderKeys
import LarderOffline
import LarderOnline

extension FeatureStore {
  /// Erases entities: hidden in every snapshot at once, then physically gone.
  ///
  /// Covered is every join-key set that includes the entity's join keys, so that erasing a customer
  /// erases (customer, merchant) too. History of earlier snapshots is rewritten with the newest, key
  /// logs, key maps and online tables as well. The same call again, or `finishErasures()`, finishes
  /// what a crash, a reader or another process kept from being finished. Rows that are appended
  /// afterwards are visible again.
  ///
  /// ```swift
  /// let keys = try RecordBatch(["driver_id": .int64([1001, 1002])])
  /// let certificate = try store.erase("driver", keys: keys)
  /// ```
  ///
  /// - Parameters:
  ///   - entity: the entity's name.
  ///   - keys: a column for each of the entity's join keys, one row for each entity to be erased.
  ///   - timeout: how long to wait for readers of earlier snapshots and for merges under way;
  ///     what they still hold then is reported as pending.
  ///   - dryRun: whether only to say what would go.
  /// - Returns: the certificate: which files held something, what became of them, what is pending.
  /// - Throws: `notFound` with the nearest name; `invalidInput` for keys that are missing, null or
  ///   of another type; `readOnly`; `locked` if appends hold the store; `noSpace`; `io`;
  ///   `outcomeUnknown`.
  /// - Complexity: O(keys) of the sets concerned, and O(rows) of the segments that hold some.
  @discardableResult
  public func erase(
    _ entity: String, keys: RecordBatch, timeout: Duration = .zero, dryRun: Bool = false
  ) throws(LarderError) -> ErasureReport {
    let history = offlineStore
    if !dryRun { try history.requireNewest() }
    let known = try definitions().entities
    guard let found = known.first(where: { $0.name == entity }) else {
      throw LarderError(
        .notFound,
        "There is no entity \"\(entity)\". \(suggestion(for: entity, among: known.map(\.name)))")
    }
    let selection = KeySelection(try found.keyBatch(keys))
    var run = ErasureRun(
      history.store, onlineStore,
      ErasureReport(
        entity: entity, requested: keys.count, store: history.store.layout.root, isDryRun: dryRun))
    if dryRun {
      try run.look(for: selection)
    } else {
      try run.mask(selection)
      try run.finish(selection, timeout: timeout)
    }
    return run.report
  }

  /// Finishes erasures that something kept from being finished.
  ///
  /// - Parameter timeout: as in `erase(_:keys:timeout:dryRun:)`.
  /// - Returns: what was done; nil if no erasure is pending.
  /// - Throws: as `erase(_:keys:timeout:dryRun:)`.
  @discardableResult
  public func finishErasures(
    timeout: Duration = .zero
  ) throws(LarderError) -> ErasureReport? {
    let history = offlineStore
    try history.requireNewest()
    guard try history.store.hasPendingErasures() else { return nil }
    var run = ErasureRun(
      history.store, onlineStore,
      ErasureReport(entity: "", requested: 0, store: history.store.layout.root, isDryRun: false))
    try run.finish(nil, timeout: timeout)
    return run.report
  }

  /// Finishes, on the way of other maintenance, the erasures that were begun and not finished.
  ///
  /// What keeps them from being finished is told as pending, never thrown: space is to be had back
  /// and segments are to be merged whatever became of an erasure.
  ///
  /// - Parameter dryRun: whether only to say that one is pending.
  /// - Returns: nil if none was pending.
  func resumeErasures(dryRun: Bool) -> ErasureReport? {
    var report = ErasureReport(
      entity: "", requested: 0, store: offlineStore.store.layout.root, isDryRun: dryRun)
    do throws(LarderError) {
      if !dryRun { return try finishErasures() }
      guard try offlineStore.store.hasPendingErasures() else { return nil }
      report.pending = ["an erasure is not finished; this finishes it"]
    } catch {
      report.pending = ["the erasure was not finished: \(error.message)"]
    }
    return report
  }
}

extension Entity {
  /// The keys of a batch's rows, all of which must have one.
  fileprivate func keyBatch(_ batch: RecordBatch) throws(LarderError) -> KeyBatch {
    guard joinKeys != [.dummy], !joinKeys.isEmpty else {
      throw LarderError(
        .invalidArgument, "The entity \"\(name)\" has no join keys; drop its views instead.")
    }
    var columns: [KeyColumn] = []
    var sources: [(name: String, column: Column)] = []
    for key in joinKeys {
      guard let column = batch[key.name] else {
        throw LarderError(
          .invalidInput,
          "The join key \"\(key.name)\" of the entity \"\(name)\" is missing; the keys are "
            + joinKeys.map(\.name).joined(separator: ", ") + ".", column: key.name)
      }
      columns.append(KeyColumn(key.name, try KeyType(key.type.dataType)))
      sources.append((key.name, column))
    }
    return try KeyBatch(
      sources, schema: try KeySchema(columns), rows: 0..<batch.count, for: .write)
  }
}
