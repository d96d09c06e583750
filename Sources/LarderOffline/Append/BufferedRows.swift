import LarderColumns
import LarderContract
import LarderKeys

/// The rows of an append, in the caller's columns.
struct BufferedRows: RowSource {
  let count: Int
  let ids: Buffer
  let events: Buffer
  let created: BatchedColumn?
  let numbering: RowNumbering
  let parts: [RowPart]
  private let features: [UInt32: BatchedColumn]

  init(
    count: Int, ids: Buffer, events: Buffer, created: BatchedColumn?,
    features: [(id: UInt32, column: BatchedColumn)], numbering: RowNumbering
  ) {
    self.count = count
    self.ids = ids
    self.events = events
    self.created = created
    self.numbering = numbering
    self.features = Dictionary(uniqueKeysWithValues: features.map { ($0.id, $0.column) })
    parts = (created == nil ? [] : [.created]) + features.map { .feature($0.id) }
  }

  func picks(_ rows: Buffer, in scratch: ScratchMemory) -> RowPicks {
    let places =
      numbering.isPlaced ? unsafe numbering.place(rows.values(as: UInt32.self), in: scratch) : nil
    return RowPicks(rows: rows, places: places)
  }

  func gathered(
    _ part: RowPart, _ picks: RowPicks, in scratch: ScratchMemory
  ) throws(LarderError) -> Column {
    let column: BatchedColumn?
    switch part {
    case .created: column = created
    case .feature(let id): column = features[id]
    }
    guard let column else {
      throw LarderError(.corrupt, "The rows lack a column that they were said to have.")
    }
    return try column.gathered(picks, in: scratch)
  }
}

/// Batches that are put together to rows, column by column, each by whatever thread is free.
///
/// Fixed widths stay where they are: at ten million rows a copy of all of them would cost more in
/// fresh memory than the sort. Texts, lists and dictionaries are joined, and the batches' own go.
final class JoiningRows: Sendable {
  /// The view's, in the order of the batches' features.
  private let fields: [Catalog.StoredField]
  private let unit: TimeUnit
  private let counts: [Int]
  private let numbering: RowNumbering
  private let left: ForkSafeMutex<Parts>
  private let done = ForkSafeMutex<[Int: BatchedColumn]>([:])

  /// What was not yet put together.
  private struct Parts {
    var keys: [KeyBatch]
    var columns: [Int: [Column]] = [:]
  }

  /// - Parameter fields: the view's, in the order of the batches' features.
  init(_ batches: consuming [AcceptedRows], fields: [Catalog.StoredField], unit: TimeUnit) {
    self.fields = fields
    self.unit = unit
    let counts = batches.map(\.count)
    self.counts = counts
    numbering = RowNumbering(counts)
    var parts = Parts(keys: batches.map(\.keys))
    parts.columns[0] = batches.map {
      Column(
        type: .timestamp(unit), count: $0.count, nullCount: 0, validity: nil, values: $0.events)
    }
    parts.columns[1] = batches.compactMap(\.created)
    for (place, field) in fields.enumerated() {
      guard batches.contains(where: { $0.features[place] != nil }) else { continue }
      parts.columns[place + 2] = batches.map {
        $0.features[place] ?? Column.nulls(of: field.type, count: $0.count)
      }
    }
    left = ForkSafeMutex(parts)
  }

  var count: Int { counts.reduce(0, +) }

  /// How many columns there are: event times, created times, features.
  var columns: Int { fields.count + 2 }

  /// The keys of all batches, to be given ids; once.
  func takeKeys() -> [KeyBatch] {
    left.withLock { left in
      let keys = left.keys
      left.keys = []
      return keys
    }
  }

  private func take(_ place: Int) -> [Column] {
    left.withLock { left in
      let columns = left.columns[place] ?? []
      left.columns[place] = nil
      return columns
    }
  }

  /// Puts the event times together, for they are looked at in the order of arrival.
  func joinEvents() throws(LarderError) -> Buffer {
    let column = try Column.joined(take(0))
    done.withLock { $0[0] = BatchedColumn(column) }
    return column.fixedBuffer
  }

  /// Puts another column together: 1 is the created times, the features follow.
  func join(_ place: Int) throws(LarderError) {
    var parts = take(place)
    guard let first = parts.first else { return }
    let stays =
      switch first.type.layout {
      case .bits, .fixed: numbering.isPlaced && !parts.contains { $0.isDictionary }
      case .variable, .list: false
      }
    if !stays { parts = [try Column.joined(parts)] }
    let column = BatchedColumn(parts, numbering)
    done.withLock { $0[place] = column }
  }

  /// The rows, once all columns were joined.
  ///
  /// - Parameter ids: UInt32 per row of all batches.
  func rows(ids: Buffer) throws(LarderError) -> BufferedRows {
    let found = done.withLock { $0 }
    guard let events = found[0]?.parts.first else {
      throw LarderError(.cancelled, "Not every column was put together.")
    }
    var features: [(id: UInt32, column: BatchedColumn)] = []
    for (place, field) in fields.enumerated() {
      if let column = found[place + 2] { features.append((field.id, column)) }
    }
    return BufferedRows(
      count: events.count, ids: ids, events: events.fixedBuffer, created: found[1],
      features: features, numbering: numbering)
  }
}
