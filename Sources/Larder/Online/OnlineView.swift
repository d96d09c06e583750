import LarderColumns
import LarderContract
import LarderOnline

/// The latest features of one view's entities.
///
/// ```swift
/// let answer = try store.online("driver_stats").read(keys, features: ["trips_today"])
/// ```
public struct OnlineView: Sendable {
  /// The view's definition as it was when this was asked for: features go by the names of then.
  public var view: FeatureView { resolved.definition }
  private let resolved: ResolvedView
  private let store: MappedOnlineStore
  private let whole: FeatureStore

  init(_ store: MappedOnlineStore, _ resolved: ResolvedView, of whole: FeatureStore) {
    self.store = store
    self.whole = whole
    self.resolved = resolved
  }

  /// The tables, if the catalog still has the view.
  ///
  /// - Throws: `notFound` if the view was dropped, or a rollback took it away.
  private func current() throws(LarderError) -> MappedOnlineStore {
    guard try store.resolve(view).table == resolved.table else { throw .noOnlineTable(view) }
    return store
  }

  // MARK: Reading

  /// Reads one answer per key, in order, duplicates repeated.
  ///
  /// - Parameters:
  ///   - keys: the join-key columns.
  ///   - features: the features wanted; nil for all.
  ///   - at: the time at which the time to live is judged; nil for now.
  ///   - includeExpired: whether rows past the time to live give their values.
  /// - Throws: `notFound` before anything was materialized or written; as `OnlineStore.read`.
  public func read(
    _ keys: RecordBatch, features: [String]? = nil, at: Timestamp? = nil,
    includeExpired: Bool = false
  ) throws(LarderError) -> OnlineRows {
    try current().read(
      keys, from: resolved, features: features, at: at, includeExpired: includeExpired)
  }

  /// Reads the row of one key in a form for people; many keys are read faster as columns.
  ///
  /// ```swift
  /// let row = try store.online("driver_stats").row(["driver_id": .int64(1001)])
  /// print(row["trips_today"] ?? .null, row.status)
  /// ```
  ///
  /// - Parameters:
  ///   - key: a value for each join key; none for a view without entities.
  ///   - features: the features wanted; nil for all.
  ///   - at: the time at which the time to live is judged; nil for now.
  ///   - includeExpired: whether a row past the time to live gives its values.
  /// - Throws: `invalidArgument` for a join key that is missing or not the view's; as `read`.
  public func row(
    _ key: [String: Value], features: [String]? = nil, at: Timestamp? = nil,
    includeExpired: Bool = false
  ) throws(LarderError) -> OnlineValues {
    let keys = try view.keyRow(key)
    let rows = try read(keys, features: features, at: at, includeExpired: includeExpired)
    return OnlineValues(rows, row: 0)
  }

  /// Prepares a query that is asked again and again: it reads into memory that is used again,
  /// and lends rows without copying them.
  ///
  /// - Parameter features: the features wanted, in order; nil for all.
  /// - Throws: `notFound` for a view without a table or an unknown feature.
  public func reader(features: [String]? = nil) throws(LarderError) -> OnlineReader {
    try current().reader(for: resolved, features: features)
  }

  // MARK: Writing

  /// Writes rows straight to the online table, as a stream of new values does.
  ///
  /// - Parameters:
  ///   - batch: join keys, event time, created time (if the view has one), some or all features.
  ///   - progress: told how many rows are done.
  /// - Throws: as `OnlineStore.writeBatch`.
  public func write(
    _ batch: RecordBatch, progress: (@Sendable (Int) -> Void)? = nil
  ) throws(LarderError) {
    let tables = try current()
    try tables.make(resolved)
    try tables.writeBatch(batch, to: resolved, progress: progress)
    whole.continueErasures()
  }

  /// Deletes the rows of keys as of an event time; see `OnlineStore.delete`.
  public func delete(_ keys: RecordBatch, at: Timestamp? = nil) throws(LarderError) {
    try current().delete(keys, from: resolved, at: at)
    whole.continueErasures()
  }

  /// Removes the table with all its rows.
  ///
  /// History stays, and the next materialization brings its answers back. What was written directly is gone.
  ///
  /// - Returns: whether there was a table.
  /// - Throws: `locked` if another process writes to it; `readOnly`, `io`.
  @discardableResult
  public func drop() throws(LarderError) -> Bool {
    let isThere = try current().drop(resolved)
    whole.continueErasures()
    return isThere
  }

  // MARK: Housekeeping

  /// What the table holds and takes.
  ///
  /// - Throws: `notFound` if the view has no table yet.
  public func statistics() throws(LarderError) -> OnlineStatistics {
    try store.statistics(of: view)
  }

  /// Rewrites the table's live rows and removes what is dead; readers go on meanwhile.
  ///
  /// - Parameter share: the dead share, 0 to 1, from which a segment is rewritten; 0 for all.
  /// - Throws: `notFound`, `locked`, `corrupt`, `noSpace`; nothing is lost then.
  @discardableResult
  public func compact(share: Double = 0) throws(LarderError) -> OnlineCompactionReport {
    let report = try store.compact(view, share: share)
    whole.continueErasures()
    return report
  }

  /// Checks every row against its checksum, and the index against the rows.
  ///
  /// - Throws: `notFound` if the view has no table yet; `io` that is no finding.
  public func verify() throws(LarderError) -> OnlineVerification {
    try store.verify(view)
  }

  /// Makes durable what was written so far, whatever the durability of writes.
  public func sync() throws(LarderError) { try store.sync(view) }
}

extension FeatureView {
  /// One key as a batch of one row.
  ///
  /// - Parameter key: a value for each join key; none for a view without entities.
  /// - Throws: `invalidArgument` for a join key that is missing or not the view's.
  func keyRow(_ key: [String: Value]) throws(LarderError) -> RecordBatch {
    var columns: [Column] = []
    var fields: [ColumnField] = []
    let keys = isEntityless ? [] : joinKeys
    let names = keys.map(\.name)
    for name in key.keys.sorted() where !names.contains(name) {
      throw LarderError(
        .invalidArgument,
        "The view \"\(self.name)\" has no join key \"\(name)\". "
          + suggestion(for: name, among: names), column: name)
    }
    for joinKey in keys {
      guard let value = key[joinKey.name] else {
        throw LarderError(
          .invalidArgument, "The view \"\(name)\" is found by this key too; give its value.",
          column: joinKey.name)
      }
      fields.append(ColumnField(joinKey.name, joinKey.type.dataType))
      columns.append(try .of(joinKey.type.dataType, [value]))
    }
    return try RecordBatch(schema: Schema(fields), columns: columns, count: 1)
  }
}

/// One key's answer in a form for people.
public struct OnlineValues: Sendable, Hashable {
  /// One feature's answer.
  public struct Feature: Sendable, Hashable {
    /// The feature's name.
    public var name: String
    /// Its value; null where there is none to give.
    public var value: Value
    /// How it was answered.
    public var status: OnlineStatus
  }

  /// The features, in the order asked for.
  public var features: [Feature]
  /// How the key was answered.
  public var status: OnlineStatus
  /// When the row became true; nil if there is none.
  public var eventTime: Timestamp?
  /// How long before the time of reading that was; nil if there is no row.
  public var age: Duration?
  /// The time at which the time to live was judged.
  public var readAt: Timestamp

  /// Takes a row out of an answer.
  ///
  /// - Precondition: `0 <= row < rows.statuses.count`.
  public init(_ rows: OnlineRows, row: Int) {
    features = rows.features.schema.fields.enumerated().map { position, field in
      Feature(
        name: field.name, value: rows.features.columns[position][row],
        status: rows.status(ofFeature: position, row: row))
    }
    status = rows.statuses[row]
    if case .timestamp(let time) = rows.eventTimes[row] { eventTime = time }
    age = rows.age(ofRow: row)
    readAt = rows.readAt
  }

  /// The value of a feature; nil if it was not asked for.
  public subscript(name: String) -> Value? { features.first { $0.name == name }?.value }
}
