import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// A query that was prepared once, to be asked of an online table many times.
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
    var buffers = OnlineBuffers()
    try read(keys, at: at, includeExpired: includeExpired, into: &buffers)
    guard let rows = buffers.rows else { throw IndexWriter.damaged }
    return rows
  }

  /// Reads one answer per key, in order, into memory that is used again.
  ///
  /// - Parameter buffers: `buffers.rows` is the answer until the next call.
  /// - Throws: as `OnlineStore.read`.
  public func read(
    _ keys: RecordBatch, at: Timestamp? = nil, includeExpired: Bool = false,
    into buffers: inout OnlineBuffers
  ) throws(LarderError) {
    let batch = try store.visible(try store.keys(keys, plan), in: plan.resolved)
    try read(TableKeys(batch), at, includeExpired, &buffers)
    withExtendedLifetime(batch) {}
  }

  /// Reads one answer per key of a view with one int64 join key: the fastest way to many rows.
  ///
  /// - Parameters:
  ///   - keys: the join key's values; duplicates are repeated.
  ///   - at: the time at which the time to live is judged; nil for now.
  ///   - includeExpired: whether rows past the time to live give their values.
  ///   - buffers: `buffers.rows` is the answer until the next call.
  /// - Throws: `invalidArgument` for a view with other keys; else as `OnlineStore.read`.
  /// - Complexity: O(keys), at two cache misses per key whose latencies overlap.
  public func read(
    _ keys: Span<Int64>, at: Timestamp? = nil, includeExpired: Bool = false,
    into buffers: inout OnlineBuffers
  ) throws(LarderError) {
    try requireKey(.int64)
    var failure: LarderError?
    unsafe keys.withUnsafeBufferPointer { values in
      let batch = unsafe KeyBatch(borrowing: values, schema: plan.keySchema)
      do throws(LarderError) {
        let shown = try store.visible(batch, in: plan.resolved)
        try read(TableKeys(shown), at, includeExpired, &buffers)
        withExtendedLifetime(shown) {}
      } catch { failure = error }
    }
    if let failure { throw failure }
  }

  private func read(
    _ keys: TableKeys, _ at: Timestamp?, _ includeExpired: Bool, _ buffers: inout OnlineBuffers
  ) throws(LarderError) {
    if let bound = plan.fresh() {
      let look = TableRead(
        plan: plan, bound: bound, readAt: at ?? store.now, includeExpired: includeExpired)
      if try look.answer(keys, &buffers) { return }
    }
    let view = plan.view
    let table = try store.table(table, of: view)
    do throws(LarderError) {
      try table.read(keys, plan, at: at, includeExpired: includeExpired, into: &buffers)
    } catch { throw try store.explained(error, self.table, view) }
  }

  /// Refuses a view that is not found by one key of a type.
  private func requireKey(_ type: KeyType) throws(LarderError) {
    guard plan.keySchema.columns.count == 1, plan.keySchema.columns[0].type == type else {
      throw LarderError(
        .invalidArgument, "The view \"\(plan.view.name)\" is not found by one \(type) key.")
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
    try requireKey(.int64)
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
    try requireKey(.string)
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
    if try unsafe store.isHidden(tail, plan.keySchema, in: plan.resolved) { return nil }
    // An empty string has no address, and needs none.
    let empty: StaticString = ""
    let base = unsafe tail.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? empty.utf8Start
    let hash = unsafe keyHash(base, tail.count, plan.keySchema.stride ?? 0)
    let lane = unsafe KeyLane(hash: hash, tail: base, bytes: tail.count)
    if let bound = plan.fresh(), let found = try bound.find(lane) {
      guard let row = found.row else { return nil }
      return try store.lend(row, plan, at, body)
    }
    let found = try store.withTable(table, plan.view) { (table) throws(LarderError) in
      try table.find(lane, plan)
    }
    guard let found else { return nil }
    return try store.lend(found, plan, at, body)
  }
}

extension MappedOnlineStore {
  /// Prepares a query.
  ///
  /// - Parameter features: the features wanted, in order; nil for all.
  /// - Throws: `notFound` for a view without a table or an unknown feature.
  public func reader(
    for view: FeatureView, features: [String]? = nil
  ) throws(LarderError) -> OnlineReader {
    try reader(for: try resolve(view), features: features)
  }

  /// Prepares a query to a view as some state of the catalog has it.
  ///
  /// - Throws: as `reader(for:features:)`.
  package func reader(
    for view: ResolvedView, features: [String]?
  ) throws(LarderError) -> OnlineReader {
    let plan = try ReadPlan(view, features: features)
    _ = try withTable(of: view) { (table) throws(LarderError) in
      try plan.bound(to: try table.snapshot())
    }
    return OnlineReader(store: self, plan: plan, table: view.table)
  }

  /// Lends a row that was found.
  func lend<Result>(
    _ found: FoundRow, _ plan: ReadPlan, _ at: Timestamp?,
    _ body: (borrowing OnlineRow) throws -> Result
  ) throws -> Result {
    var status = OnlineStatus.present
    var expiry = Expiry.never
    if plan.view.timeToLive != nil {
      expiry = Expiry(plan.view, at: at ?? Timestamp(microseconds: host.now()))
      if expiry.isExpired(found.record.event) {
        status = .outsideMaxAge
        // The values of a row past the time to live are given all the same.
        expiry = .never
      }
    }
    let row = OnlineRow(
      record: found.record, projection: found.projection, types: plan.types,
      unit: plan.view.timeUnit, expiry: expiry, status: status)
    let missed = MapGuard.hits
    let result = try withExtendedLifetime(found.bound) { try body(row) }
    if MapGuard.hits != missed, found.bound.snapshot.lookup.logFiles.isTruncated {
      throw found.bound.snapshot.truncated
    }
    return result
  }
}
