import LarderColumns

/// Rows that are to become segments: their ids and times in memory, their columns on request.
protocol RowSource: Sendable {
  /// How many rows.
  var count: Int { get }
  /// UInt32 per row.
  var ids: Buffer { get }
  /// Int64 ticks per row.
  var events: Buffer { get }
  /// The created times, if the view has them.
  var created: Column? { get }
  /// The ids of the fields that some row may have a value of.
  var fieldIDs: [UInt32] { get }
  /// A field's values, all rows; nil if it is null in all of them.
  func column(fieldID: UInt32) throws(LarderError) -> Column?
}

/// The rows of an append, in the caller's columns.
struct BufferedRows: RowSource {
  let count: Int
  let ids: Buffer
  let events: Buffer
  let created: Column?
  private let columns: [UInt32: Column]
  let fieldIDs: [UInt32]

  /// Puts accepted batches together.
  ///
  /// - Parameters:
  ///   - ids: UInt32 per row of all batches.
  ///   - fields: the view's, in the order of the batches' features.
  init(
    _ batches: [AcceptedRows], ids: Buffer, fields: [Catalog.StoredField], unit: TimeUnit
  ) throws(LarderError) {
    count = batches.reduce(0) { $0 + $1.count }
    self.ids = ids
    let times = batches.map {
      Column(
        type: .timestamp(unit), count: $0.count, nullCount: 0, validity: nil, values: $0.events)
    }
    events = try Column.joined(times).fixedBuffer
    let created = batches.compactMap(\.created)
    self.created = created.isEmpty ? nil : try Column.joined(created)
    var columns: [UInt32: Column] = [:]
    for (index, field) in fields.enumerated() {
      guard batches.contains(where: { $0.features[index] != nil }) else { continue }
      var parts: [Column] = []
      for batch in batches {
        parts.append(batch.features[index] ?? Column.nulls(of: field.type, count: batch.count))
      }
      columns[field.id] = try Column.joined(parts)
    }
    self.columns = columns
    fieldIDs = fields.map(\.id).filter { columns[$0] != nil }
  }

  func column(fieldID: UInt32) throws(LarderError) -> Column? { columns[fieldID] }
}
