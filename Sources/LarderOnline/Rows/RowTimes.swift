import LarderColumns
import LarderContract

/// Event and created times of a batch's rows in the view's unit.
struct RowTimes {
  /// One per row.
  let events: [Int64]
  /// One per row; nil if no row has one.
  let created: [Int64]?
  /// Which rows have a created time; nil if all of `created` do.
  let hasCreated: [Bool]?

  init(events: [Int64], created: [Int64]?, hasCreated: [Bool]?) {
    self.events = events
    self.created = created
    self.hasCreated = hasCreated
  }

  /// Reads the time columns of a batch.
  ///
  /// - Throws: `invalidInput` for a missing event time or one that the unit cannot hold.
  init(
    _ batch: RecordBatch, _ columns: WrittenColumns, view: FeatureView
  ) throws(LarderError) {
    guard let column = columns.event else {
      throw LarderError(.invalidArgument, "The batch has no event time.")
    }
    let (events, valid) = try RowTimes.ticks(batch, column, view.timeUnit)
    if let valid, let row = valid.firstIndex(of: false) {
      throw LarderError(
        .invalidInput, "The event time is missing; every row needs one.",
        column: view.eventTimestamp, row: row)
    }
    self.events = events
    if let column = columns.created {
      let (created, valid) = try RowTimes.ticks(batch, column, view.timeUnit)
      self.created = created
      hasCreated = valid
    } else {
      created = nil
      hasCreated = nil
    }
  }

  /// The times of deletions: their own, or the same for all.
  init(
    deleting keys: RecordBatch, _ columns: WrittenColumns, view: FeatureView, at: Timestamp,
    now: Timestamp
  ) throws(LarderError) {
    if columns.event != nil {
      let own = try RowTimes(keys, columns, view: view)
      events = own.events
      if columns.created != nil {
        created = own.created
        hasCreated = own.hasCreated
        return
      }
    } else {
      events = [Int64](repeating: at.floor(in: view.timeUnit), count: keys.count)
      if let column = columns.created {
        (created, hasCreated) = try RowTimes.ticks(keys, column, view.timeUnit)
        return
      }
    }
    hasCreated = nil
    created =
      view.createdTimestamp == nil
      ? nil : [Int64](repeating: now.floor(in: view.timeUnit), count: keys.count)
  }

  /// A row's created time.
  @inline(__always) func created(_ row: Int) -> Int64? {
    guard let created else { return nil }
    if let hasCreated, !hasCreated[row] { return nil }
    return created[row]
  }

  /// Whether a row stays when a later one of the batch comes: of equals, the later wins.
  @inline(__always) func wins(_ row: Int, over later: Int) -> Bool {
    if events[row] != events[later] { return events[row] > events[later] }
    guard let mine = created(row) else { return false }
    guard let other = created(later) else { return true }
    return mine > other
  }

  /// A column's instants as ticks of a unit, and which are there; nil for all.
  private static func ticks(
    _ batch: RecordBatch, _ index: Int, _ unit: TimeUnit
  ) throws(LarderError) -> ([Int64], [Bool]?) {
    let name = batch.schema.fields[index].name
    var column = batch.columns[index]
    if column.isDictionary { column = try column.plain() }
    let count = column.count
    let valid = column.nullCount == 0 ? nil : (0..<count).map { column.isValid($0) }
    let ticks: [Int64]
    let from: TimeUnit
    switch column.type {
    case .timestamp(let own):
      ticks = unsafe Array(column.fixedValues(as: Int64.self))
      from = own
    default:
      // A date is its midnight.
      ticks = unsafe column.fixedValues(as: Int32.self).map { Int64($0) * 86_400 }
      from = .seconds
    }
    if from == unit { return (ticks, valid) }
    var converted = [Int64](repeating: 0, count: count)
    for row in 0..<count where valid?[row] ?? true {
      guard let value = Timestamp(ticks: ticks[row], unit: from).exactly(in: unit) else {
        throw LarderError(
          .invalidInput,
          "\(ticks[row]) \(from) is not a whole number of \(unit) in the range of 64 bits. A view "
            + "keeps finer times with \"timeUnit\": \"ns\".", column: name, row: row)
      }
      converted[row] = value
    }
    return (converted, valid)
  }
}

/// Up to which event time rows are past the time to live.
struct Expiry {
  /// Rows before this tick are expired.
  private let bound: Int64
  private let isEverything: Bool

  /// No row is.
  static let never = Expiry(bound: .min, isEverything: false)

  private init(bound: Int64, isEverything: Bool) {
    self.bound = bound
    self.isEverything = isEverything
  }

  /// The bound at an instant.
  init(_ view: FeatureView, at instant: Timestamp) {
    guard let timeToLive = view.timeToLiveNanoseconds else {
      bound = .min
      isEverything = false
      return
    }
    let oldest = instant.exactNanoseconds - timeToLive
    bound = Timestamp.ceilingTicks(oldest, in: view.timeUnit)
    // Later than any tick: even the last is expired.
    isEverything = oldest > Timestamp(ticks: .max, unit: view.timeUnit).exactNanoseconds
  }

  /// Whether a row of an event time is expired.
  @inline(__always) func isExpired(_ event: Int64) -> Bool { event < bound || isEverything }
}
