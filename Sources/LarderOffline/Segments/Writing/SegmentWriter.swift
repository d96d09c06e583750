import LarderColumns
import LarderEncodings
import LarderFiles

/// Writes one segment, column by column, front to back.
///
/// Rows come in their final order: by id, event time, created time (none first) and commit. Every
/// column is written when it is given and need not be kept, so the memory needed is that of the
/// ids, the event times and one column. The file is complete after `finish`, and durable when the
/// caller has synced it.
///
/// ```swift
/// var writer = try SegmentWriter(file, identity, ids: ids, events: events, count: rows)
/// try writer.appendCreated(created)
/// try writer.append(fieldID: 3, column)
/// let description = try writer.finish()
/// ```
package struct SegmentWriter {
  private let file: any File
  private let identity: SegmentIdentity
  private let options: SegmentOptions
  private let sink: SegmentSink
  private let context: RowContext
  private var footer: SegmentFooter
  private var fieldIDs: Set<UInt32> = []

  /// Starts a segment and writes its entity index, its fences and its event times.
  ///
  /// - Parameters:
  ///   - file: open for writing and empty.
  ///   - identity: names the segment.
  ///   - ids: the rows' entity ids, UInt32, ascending.
  ///   - events: the rows' event times, Int64 ticks of the identity's unit, ascending within an id.
  ///   - count: rows, 1 to `Limits.segmentRows`.
  /// - Throws: `invalidArgument` if the rows are not sorted or there are none; `limitExceeded`;
  ///   errors of the file.
  package init(
    _ file: any File, _ identity: SegmentIdentity, ids: Buffer, events: Buffer, count: Int,
    options: SegmentOptions = SegmentOptions()
  ) throws(LarderError) {
    guard count >= 1 else {
      throw LarderError(.invalidArgument, "A segment has at least one row.", file: file.path)
    }
    guard count <= Limits.segmentRows else {
      throw LarderError(
        .limitExceeded, "A segment holds at most \(Limits.segmentRows) rows; \(count) were given.",
        file: file.path)
    }
    guard ids.count >= count * 4, events.count >= count * 8 else {
      throw LarderError(.invalidArgument, "There are fewer ids or event times than rows.")
    }
    self.file = file
    self.identity = identity
    self.options = options
    sink = SegmentSink(file, uuid: identity.uuid)
    let index = try EntityRuns(ids: ids, events: events, count: count)
    context = RowContext(ids: ids, events: events, count: count)
    footer = SegmentFooter(
      viewID: identity.viewID, unit: identity.unit, rows: count, minID: index.ids[0],
      maxID: index.ids[index.ids.count - 1], minEvent: index.minEvent, maxEvent: index.maxEvent,
      minCreated: nil, maxCreated: nil, nullCreated: count,
      firstCommit: identity.commits.lowerBound, lastCommit: identity.commits.upperBound,
      partition: identity.partition, profile: options.profile.rawValue,
      entities: index.ids.count, entityIDs: Section(), runStarts: Section(), fences: Section(),
      columns: [])
    try writeHeader()
    try writeIndex(index)
    try writeEvents()
  }

  /// Writes the created times; to be called at most once, before the features.
  ///
  /// - Parameter column: timestamps in the segment's unit, nulls where they are not known.
  /// - Throws: `invalidArgument` if rows of one id and event time are not sorted by it, or its
  ///   length or type is wrong; errors of the file.
  package mutating func appendCreated(_ column: Column) throws(LarderError) {
    guard column.type == .timestamp(identity.unit), !column.isDictionary else {
      throw LarderError(
        .invalidArgument, "Created times are \(DataType.timestamp(identity.unit)) here.")
    }
    try checkLength(column, "The column of created times")
    guard footer.columns.count == 1 else {
      throw LarderError(.invalidArgument, "Created times come once, before the features.")
    }
    try surveyCreated(column)
    var writer = ColumnWriter(
      column, role: .createdTime, fieldID: 0, sink: sink, context: context, options: options)
    writer.reference = context.events
    writer.record.reference = .eventTime
    footer.columns.append(.known(try writer.write()))
  }

  /// Writes a feature.
  ///
  /// - Parameters:
  ///   - fieldID: the feature's id; each id comes once.
  ///   - column: as many values as there are rows.
  /// - Throws: `invalidArgument` for a repeated id or another length; errors of the file.
  package mutating func append(fieldID: UInt32, _ column: Column) throws(LarderError) {
    try checkLength(column, "The column of field \(fieldID)")
    guard fieldIDs.insert(fieldID).inserted else {
      throw LarderError(.invalidArgument, "Field \(fieldID) was given twice.")
    }
    guard footer.columns.count < SegmentLayout.columns else {
      throw LarderError(
        .limitExceeded, "A segment has at most \(Limits.featuresPerView) features.")
    }
    var writer = ColumnWriter(
      column, role: .feature, fieldID: fieldID, sink: sink, context: context, options: options)
    footer.columns.append(.known(try writer.write()))
  }

  /// Writes footer and trailer; the file is then complete, and not yet synced.
  ///
  /// - Throws: errors of the file.
  package consuming func finish() throws(LarderError) -> SegmentDescription {
    let start = sink.position
    let content = ByteSink()
    content.append(footer.encoded())
    content.align(to: SegmentLayout.alignment)
    let section = try sink.writeSection(.footer, content)
    var trailer = RecordWriter()
    trailer.write(bytes: SegmentLayout.trailerMagic)
    trailer.write(start)
    trailer.write(UInt32(section.bytes))
    trailer.write(UInt32(0))
    let fileBytes = start + section.bytes + UInt64(SegmentLayout.trailerBytes)
    trailer.write(fileBytes)
    trailer.write(identity.uuid.high)
    trailer.write(identity.uuid.low)
    trailer.write(section.hash)
    trailer.write(XXH3.hash64(trailer.bytes, seed: sink.seeds.seed(.trailer)))
    try appendRecord(trailer)
    try sink.flush()
    return footer.description(
      uuid: identity.uuid, fileBytes: fileBytes, footerHash: section.hash)
  }
}

extension SegmentWriter {
  private func checkLength(_ column: Column, _ what: String) throws(LarderError) {
    guard column.count == footer.rows else {
      throw LarderError(
        .invalidArgument, "\(what) has \(column.count) rows where the segment has \(footer.rows).")
    }
  }

  private func appendRecord(_ record: RecordWriter) throws(LarderError) {
    let content = ByteSink()
    content.append(record.bytes)
    unsafe try sink.append(content.bytes)
  }

  private func writeHeader() throws(LarderError) {
    var header = RecordWriter()
    header.write(bytes: SegmentLayout.headerMagic)
    header.write(SegmentLayout.majorVersion)
    header.write(SegmentLayout.minorVersion)
    header.write(UInt32(0))
    header.write(UInt32(0))
    header.write(UInt32(SegmentLayout.headerBytes))
    header.write(identity.uuid.high)
    header.write(identity.uuid.low)
    header.write(identity.viewID)
    header.write(UInt64(footer.rows))
    header.write(XXH3.hash64(header.bytes, seed: sink.seeds.seed(.fileHeader)))
    try appendRecord(header)
  }

  private mutating func writeIndex(_ index: EntityRuns) throws(LarderError) {
    let content = ByteSink()
    content.append(index.ids)
    footer.entityIDs = try sink.writeSection(.entityIDs, content)
    content.removeAll()
    content.append(index.starts)
    footer.runStarts = try sink.writeSection(.runStarts, content)
    content.removeAll()
    content.append(index.fences)
    footer.fences = try sink.writeSection(.fences, content)
  }

  private mutating func writeEvents() throws(LarderError) {
    let column = Column(
      type: .timestamp(identity.unit), count: footer.rows, nullCount: 0, validity: nil,
      values: context.events)
    var writer = ColumnWriter(
      column, role: .eventTime, fieldID: 0, sink: sink, context: context, options: options)
    let fences = Buffer(uninitializedBytes: (footer.rows + 63) / 64 * 8)
    let times = unsafe context.events.values(as: Int64.self)
    let target = unsafe fences.mutableValues(as: Int64.self)
    for index in 0..<target.count { unsafe target[index] = times[index * 64] }
    writer.reference = fences
    writer.record.reference = .fence
    footer.columns.append(.known(try writer.write()))
  }

  /// Finds the bounds of the created times and checks the order of ties.
  private mutating func surveyCreated(_ column: Column) throws(LarderError) {
    let ids = unsafe context.ids.values(as: UInt32.self)
    let events = unsafe context.events.values(as: Int64.self)
    let values = unsafe column.fixedValues(as: Int64.self)
    var least: Int64?
    var greatest: Int64?
    for row in 0..<footer.rows {
      let value: Int64? = column.isValid(row) ? unsafe values[row] : nil
      if let value {
        least = min(least ?? value, value)
        greatest = max(greatest ?? value, value)
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
    footer.minCreated = least
    footer.maxCreated = greatest
    footer.nullCreated = column.nullCount
  }
}

/// The runs of rows of one id, and what a pass over ids and event times shows besides.
struct EntityRuns {
  var ids: [UInt32] = []
  /// The first row of each run, and the row count.
  var starts: [UInt32] = []
  /// The event time of each row that is a multiple of 64.
  var fences: [Int64] = []
  var minEvent: Int64
  var maxEvent: Int64

  /// - Throws: `invalidArgument` if the rows are not sorted.
  init(ids rowIDs: Buffer, events: Buffer, count: Int) throws(LarderError) {
    let rowIDs = unsafe rowIDs.values(as: UInt32.self)
    let events = unsafe events.values(as: Int64.self)
    minEvent = unsafe events[0]
    maxEvent = minEvent
    for row in 0..<count {
      let event = unsafe events[row]
      minEvent = min(minEvent, event)
      maxEvent = max(maxEvent, event)
      let id = unsafe rowIDs[row]
      let isFirst = unsafe row == 0 || id != rowIDs[row - 1]
      if isFirst {
        if let last = ids.last, last > id { throw Self.unsorted("ids", row) }
        ids.append(id)
        starts.append(UInt32(row))
      } else if unsafe event < events[row - 1] {
        throw Self.unsorted("event times", row)
      }
      if row % SegmentLayout.fenceRows == 0 { fences.append(event) }
    }
    starts.append(UInt32(count))
  }

  private static func unsorted(_ what: String, _ row: Int) -> LarderError {
    LarderError(.invalidArgument, "The rows' \(what) are not sorted.", row: row)
  }
}
