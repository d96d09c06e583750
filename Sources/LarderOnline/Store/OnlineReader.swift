import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// A question that was prepared once, to be asked of an online table many times.
///
/// ```swift
/// let reader = try store.reader(for: view, features: ["trips_today"])
/// let trips = try reader.withRow(ofKey: 1001) { $0[int64: 0] }
/// ```
public struct OnlineReader: Sendable {
  let store: MappedOnlineStore
  let plan: ReadPlan
  let table: UInt32

  /// Reads one answer per key, in order; see `OnlineStore.read`.
  public func read(
    _ keys: RecordBatch, at: Timestamp? = nil, includeExpired: Bool = false
  ) throws(LarderError) -> OnlineRows {
    let batch = try store.keys(keys, plan)
    return try store.withTable(table, plan.view) { (table) throws(LarderError) in
      try table.read(batch, plan, at: at, includeExpired: includeExpired)
    }
  }

  /// Lends the row of a key of a view with one int64 join key, without copying it.
  ///
  /// - Parameters:
  ///   - key: the join key's value.
  ///   - at: the time at which the time to live is judged; nil for now.
  ///   - body: gets the row; it is not called for a key that is not found.
  /// - Returns: what `body` returns; nil if the key is not found.
  /// - Throws: `invalidArgument` for a view with other keys; what `body` throws, unchanged.
  public func withRow<Result>(
    ofKey key: Int64, at: Timestamp? = nil, _ body: (borrowing OnlineRow) throws -> Result
  ) throws -> Result? {
    guard plan.keySchema.columns.count == 1, plan.keySchema.columns[0].type == .int64 else {
      throw LarderError(
        .invalidArgument, "The view \"\(plan.view.name)\" is not found by one int64 key.")
    }
    return try unsafe withUnsafeBytes(of: key.littleEndian) { bytes in
      try unsafe lend(bytes, at, body)
    }
  }

  /// Lends the row of a key of a view with one string join key, without copying it.
  ///
  /// Parameters and errors are those of the int64 form.
  public func withRow<Result>(
    ofKey key: String, at: Timestamp? = nil, _ body: (borrowing OnlineRow) throws -> Result
  ) throws -> Result? {
    guard plan.keySchema.columns.count == 1, plan.keySchema.columns[0].type == .string else {
      throw LarderError(
        .invalidArgument, "The view \"\(plan.view.name)\" is not found by one string key.")
    }
    var key = key
    return try key.withUTF8 { text in
      try unsafe lend(UnsafeRawBufferPointer(text), at, body)
    }
  }

  /// Lends the row of a key's tail.
  private func lend<Result>(
    _ tail: UnsafeRawBufferPointer, _ at: Timestamp?,
    _ body: (borrowing OnlineRow) throws -> Result
  ) throws -> Result? {
    // An empty string has no address, and needs none.
    let empty: StaticString = ""
    let base = unsafe tail.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? empty.utf8Start
    let hash = unsafe keyHash(base, tail.count, plan.keySchema.stride ?? 0)
    let lane = unsafe KeyLane(hash: hash, tail: base, bytes: tail.count)
    let found = try store.withTable(table, plan.view) { (table) throws(LarderError) in
      try table.find(lane, plan)
    }
    guard let found else { return nil }
    return try store.lend(found, plan, at, body)
  }
}

extension MappedOnlineStore {
  /// Prepares a question.
  ///
  /// - Parameter features: the features wanted, in order; nil for all.
  /// - Throws: `notFound` for a view without a table or an unknown feature.
  public func reader(
    for view: FeatureView, features: [String]? = nil
  ) throws(LarderError) -> OnlineReader {
    guard let id = try identify(view) else { throw .noOnlineTable(view) }
    let plan = try ReadPlan(view, features: features)
    _ = try withTable(id, view) { (table) throws(LarderError) in
      try plan.bound(to: try table.snapshot())
    }
    return OnlineReader(store: self, plan: plan, table: id)
  }

  /// Lends a row that was found.
  func lend<Result>(
    _ found: FoundRow, _ plan: ReadPlan, _ at: Timestamp?,
    _ body: (borrowing OnlineRow) throws -> Result
  ) throws -> Result {
    var status = OnlineStatus.present
    if plan.view.timeToLive != nil {
      let readAt = at ?? Timestamp(microseconds: host.now())
      if Expiry(plan.view, at: readAt).isExpired(found.record.event) { status = .outsideMaxAge }
    }
    let row = OnlineRow(
      record: found.record, projection: found.projection, types: plan.types,
      unit: plan.view.timeUnit, status: status)
    return try withExtendedLifetime(found.bound) { try body(row) }
  }
}
