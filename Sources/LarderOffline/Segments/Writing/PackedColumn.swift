import LarderColumns
import LarderEncodings

/// A column of a segment in the making.
enum SegmentPart: Sendable {
  /// The event times, which the writer has.
  case events
  /// The created times: timestamps in the segment's unit, nulls where they are not known.
  case created(Column)
  /// A feature's values by the id of its field.
  case feature(UInt32, Column)
}

/// A column packed in memory, to be put into its segment when it is its turn.
struct PackedColumn: Sendable {
  /// Its places count from the column's first byte.
  var record: ColumnRecord
  /// The column's bytes.
  var sink: SegmentSink
  /// The bounds of created times.
  var created: CreatedBounds?
}

/// The least and the greatest created time; nil where there is none.
struct CreatedBounds: Sendable {
  var least: Int64?
  var greatest: Int64?
}

extension SegmentWriter {
  /// Packs a column; changes nothing of the writer, so that several threads may pack at a time.
  ///
  /// - Parameter memory: gets the column's bytes, and is in use until the column was added.
  /// - Throws: `invalidArgument` if the length or type is wrong, or if rows of one id and event time
  ///   are not sorted by created time; `corrupt` if a page does not unpack to what was packed.
  func pack(_ part: SegmentPart, in memory: ByteSink) throws(LarderError) -> PackedColumn {
    let sink = SegmentSink(seeds: SegmentSeeds(identity.uuid), memory: memory)
    switch part {
    case .events: return try packEvents(sink)
    case .created(let column):
      guard column.type == .timestamp(identity.unit), !column.isDictionary else {
        throw LarderError(
          .invalidArgument, "Created times are \(DataType.timestamp(identity.unit)) here.")
      }
      try checkLength(column, "The column of created times")
      let bounds = try surveyCreated(column)
      var writer = ColumnWriter(
        column, role: .createdTime, fieldID: 0, sink: sink, context: context, options: options)
      writer.reference = context.events
      writer.record.reference = .eventTime
      return PackedColumn(record: try writer.write(), sink: sink, created: bounds)
    case .feature(let id, let column):
      try checkLength(column, "The column of field \(id)")
      var writer = ColumnWriter(
        column, role: .feature, fieldID: id, sink: sink, context: context, options: options)
      return PackedColumn(record: try writer.write(), sink: sink)
    }
  }

  private func packEvents(_ sink: SegmentSink) throws(LarderError) -> PackedColumn {
    let column = Column(
      type: .timestamp(identity.unit), count: context.count, nullCount: 0, validity: nil,
      values: context.events)
    var writer = ColumnWriter(
      column, role: .eventTime, fieldID: 0, sink: sink, context: context, options: options)
    let fences = Buffer(uninitializedBytes: (context.count + 63) / 64 * 8)
    let times = unsafe context.events.values(as: Int64.self)
    let target = unsafe fences.mutableValues(as: Int64.self)
    for index in 0..<target.count { unsafe target[index] = times[index * 64] }
    writer.reference = fences
    writer.record.reference = .fence
    return PackedColumn(record: try writer.write(), sink: sink)
  }

  private func checkLength(_ column: Column, _ what: String) throws(LarderError) {
    guard column.count == context.count else {
      throw LarderError(
        .invalidArgument,
        "\(what) has \(column.count) rows where the segment has \(context.count).")
    }
  }

  /// Finds the bounds of the created times and checks the order of ties.
  private func surveyCreated(_ column: Column) throws(LarderError) -> CreatedBounds {
    let ids = unsafe context.ids.values(as: UInt32.self)
    let events = unsafe context.events.values(as: Int64.self)
    let values = unsafe column.fixedValues(as: Int64.self)
    var bounds = CreatedBounds()
    for row in 0..<context.count {
      let value: Int64? = column.isValid(row) ? unsafe values[row] : nil
      if let value {
        bounds.least = min(bounds.least ?? value, value)
        bounds.greatest = max(bounds.greatest ?? value, value)
      }
      guard row > 0, unsafe ids[row] == ids[row - 1], unsafe events[row] == events[row - 1] else {
        continue
      }
      let before: Int64? = column.isValid(row - 1) ? unsafe values[row - 1] : nil
      if let before, value == nil || value ?? before < before {
        throw LarderError(
          .invalidArgument, "Rows of one id and event time are not sorted by created time.",
          row: row)
      }
    }
    return bounds
  }
}
