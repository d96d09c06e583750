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
package struct SegmentWriter: Sendable {
  private let file: any File
  let identity: SegmentIdentity
  let options: SegmentOptions
  private let sink: SegmentSink
  let context: RowContext
  private var footer: SegmentFooter
  private var fieldIDs: Set<UInt32> = []

  /// Starts a segment and writes its entity index, its fences and its event times.
  ///
  /// As `init(beginning:)`, and then the event times.
  package init(
    _ file: any File, _ identity: SegmentIdentity, ids: Buffer, events: Buffer, count: Int,
    options: SegmentOptions = SegmentOptions()
  ) throws(LarderError) {
    try self.init(
      beginning: file, identity, ids: ids, events: events, count: count, options: options)
    try add(pack(.events, in: ByteSink()))
  }

  /// Starts a segment and writes its entity index and its fences.
  ///
  /// What follows are its columns, the event times first: packed by `pack`, which any thread may
  /// call for any column at any time, and put into the file by `add`, in order.
  ///
  /// - Parameters:
  ///   - file: open for writing and empty.
  ///   - identity: names the segment.
  ///   - ids: the rows' entity ids, UInt32, ascending.
  ///   - events: the rows' event times, Int64 ticks of the identity's unit, ascending within an id.
  ///   - count: rows, 1 to `Limits.segmentRows`.
  /// - Throws: `invalidArgument` if the rows are not sorted or there are none; `limitExceeded`;
  ///   errors of the file.
  init(
    beginning file: any File, _ identity: SegmentIdentity, ids: Buffer, events: Buffer,
    count: Int, options: SegmentOptions
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
  }

  /// Writes the created times; to be called at most once, before the features.
  ///
  /// - Parameter column: timestamps in the segment's unit, nulls where they are not known.
  /// - Throws: `invalidArgument` if rows of one id and event time are not sorted by it, or its
  ///   length or type is wrong; errors of the file.
  package mutating func appendCreated(_ column: Column) throws(LarderError) {
    try add(pack(.created(column), in: ByteSink()))
  }

  /// Writes a feature.
  ///
  /// - Parameters:
  ///   - fieldID: the feature's id; each id comes once.
  ///   - column: as many values as there are rows.
  /// - Throws: `invalidArgument` for a repeated id or another length; errors of the file.
  package mutating func append(fieldID: UInt32, _ column: Column) throws(LarderError) {
    try add(pack(.feature(fieldID, column), in: ByteSink()))
  }

  /// Puts a packed column into the file, where it stays.
  ///
  /// - Throws: `invalidArgument` for a repeated id, or for times that come too late; errors of the
  ///   file.
  mutating func add(_ column: PackedColumn) throws(LarderError) {
    let place = footer.columns.count
    switch column.record.role {
    case .eventTime where place != 0, .createdTime where place != 1:
      throw LarderError(
        .invalidArgument, "The event times come first, then the created times, then the features.")
    case .feature:
      guard place > 0, fieldIDs.insert(column.record.fieldID).inserted else {
        throw LarderError(.invalidArgument, "Field \(column.record.fieldID) was given twice.")
      }
      guard place < SegmentLayout.columns else {
        throw LarderError(
          .limitExceeded, "A segment has at most \(Limits.featuresPerView) features.")
      }
    default: break
    }
    if let created = column.created {
      footer.minCreated = created.least
      footer.maxCreated = created.greatest
      footer.nullCreated = column.record.nulls
    }
    var record = column.record
    record.move(by: try sink.append(keptBy: column.sink))
    footer.columns.append(.known(record))
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
