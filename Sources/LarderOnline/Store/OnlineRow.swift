import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// One key's row in place: nothing is copied.
///
/// It is lent for the time of a call and cannot be kept. Features are named by their position among
/// those asked for; a getter of another type than the feature's gives nil, as null does.
public struct OnlineRow: ~Copyable {
  private let record: Record
  private let projection: RowProjection
  private let types: [DataType]
  private let unit: TimeUnit
  /// What of history's features under a direct write is past the time to live.
  private let expiry: Expiry
  /// Whether the row is past the time to live; its values are then given all the same.
  public let status: OnlineStatus

  init(
    record: Record, projection: RowProjection, types: [DataType], unit: TimeUnit, expiry: Expiry,
    status: OnlineStatus
  ) {
    self.record = record
    self.projection = projection
    self.types = types
    self.unit = unit
    self.expiry = expiry
    self.status = status
  }

  /// When the row became true.
  public var eventTime: Timestamp { Timestamp(ticks: record.event, unit: unit) }
  /// When it became known, if that was written.
  public var createdTime: Timestamp? {
    record.created.map { Timestamp(ticks: $0, unit: unit) }
  }

  /// Where a feature lies in the record; nil for null.
  private func offset(_ feature: Int) -> Int? {
    guard !record.isStub, projection.positions.indices.contains(feature) else { return nil }
    let position = projection.positions[feature]
    guard position >= 0, record.isValid(position),
      !record.isSilent(position, fixedBytes: projection.fixedBytes, expiry)
    else { return nil }
    let offset = record.featuresOffset &+ projection.offsets[feature]
    if projection.conversions[feature] == .narrowInteger,
      Int32(exactly: record.load(offset, as: Int64.self)) == nil
    {
      return nil
    }
    return offset
  }

  /// Whether a feature is null.
  public func isNull(_ feature: Int) -> Bool { offset(feature) == nil }

  /// An int64, int32 or date, or the ticks of a timestamp.
  public subscript(int64 feature: Int) -> Int64? {
    guard let offset = offset(feature) else { return nil }
    switch types[feature] {
    case .int64 where projection.conversions[feature] == .widenInteger, .date:
      return Int64(record.load(offset, as: Int32.self))
    case .int32 where projection.conversions[feature] != .narrowInteger:
      return Int64(record.load(offset, as: Int32.self))
    case .int64, .int32, .timestamp: return record.load(offset, as: Int64.self)
    default: return nil
    }
  }

  /// A float64 or float32.
  public subscript(float64 feature: Int) -> Double? {
    guard let offset = offset(feature) else { return nil }
    switch types[feature] {
    case .float64 where projection.conversions[feature] == .widenFloat:
      return Double(record.load(offset, as: Float.self))
    case .float32:
      if projection.conversions[feature] == .narrowFloat {
        return Double(Float(record.load(offset, as: Double.self)))
      }
      return Double(record.load(offset, as: Float.self))
    case .float64: return record.load(offset, as: Double.self)
    default: return nil
    }
  }

  /// A bool.
  public subscript(bool feature: Int) -> Bool? {
    guard let offset = offset(feature), types[feature] == .bool else { return nil }
    return record.load(offset, as: UInt8.self) & 1 == 1
  }

  /// Lends the bytes of text or bytes; nil for null and for other types.
  public func withBytes<Result>(
    _ feature: Int, _ body: (RawSpan) throws -> Result
  ) rethrows -> Result? {
    guard let offset = offset(feature), types[feature].layout == .variable,
      let bytes = unsafe record.referenced(at: offset &- record.featuresOffset)
    else { return nil }
    return try body(unsafe bytes.bytes)
  }
}

extension MappedOnlineStore {
  /// Lends the row of one key without copying it.
  ///
  /// ```swift
  /// let trips = try store.withRow(of: keys, from: view, features: ["trips_today"]) { $0[int64: 0] }
  /// ```
  ///
  /// - Parameters:
  ///   - keys: the join keys, in a batch of one row.
  ///   - features: the features wanted; nil for all.
  ///   - at: the time at which the time to live is judged; nil for now.
  ///   - body: gets the row; it is not called for a key that is not found.
  /// - Returns: what `body` returns; nil if the key is not found.
  /// - Throws: what `read` throws, and what `body` throws, unchanged.
  public func withRow<Result>(
    of keys: RecordBatch, from view: FeatureView, features: [String]? = nil, at: Timestamp? = nil,
    _ body: (borrowing OnlineRow) throws -> Result
  ) throws -> Result? {
    guard keys.count == 1 else {
      throw LarderError(.invalidArgument, "\(keys.count) keys were given; one is lent at a time.")
    }
    let view = try resolve(view)
    let plan = try plan(view, features)
    let batch = try visible(try self.keys(keys, plan), in: view)
    guard batch.mark(0) == .key else { return nil }
    let found = try withTable(of: view) { (table) throws(LarderError) in
      try table.find(TableKeys(batch).lane(0), plan)
    }
    return try withExtendedLifetime(batch) {
      try found.map { try lend($0, plan, at, body) }
    }
  }
}

/// A row in place, and what keeps it there.
@safe struct FoundRow {
  var record: Record
  var projection: RowProjection
  var bound: BoundPlan
}

extension BoundPlan {
  /// What came of a search.
  struct Answer {
    /// nil if the key has no row.
    var row: FoundRow?
  }

  /// Finds the row of a key; nil if the snapshot is behind.
  ///
  /// - Throws: `corrupt` for a row that does not match its checksum.
  func find(_ lane: KeyLane) throws(LarderError) -> Answer? {
    switch unsafe snapshot.lookup.find(lane.hash, lane.tail, lane.bytes) {
    case .row(let record, _):
      if record.isDeletion { return Answer(row: nil) }
      guard record.schema < projections.count, let projection = projections[record.schema] else {
        return nil
      }
      guard record.isStub || projection.holds(record) else { throw ListCodec.damaged }
      return Answer(row: FoundRow(record: record, projection: projection, bound: self))
    case .absent: return snapshot.lookup.index.isTruncated ? nil : Answer(row: nil)
    case .damaged(let slot): throw snapshot.damagedRow(slot)
    case .stale: return nil
    }
  }
}

extension OnlineTable {
  /// Finds the row of a key; nil if there is none.
  func find(_ lane: KeyLane, _ plan: ReadPlan) throws(LarderError) -> FoundRow? {
    var snapshot = try snapshot()
    for attempt in 0..<2_000 {
      if let found = try plan.bound(to: snapshot).find(lane) { return found.row }
      snapshot = try newer(than: snapshot, attempt)
    }
    throw IndexWriter.damaged
  }
}
