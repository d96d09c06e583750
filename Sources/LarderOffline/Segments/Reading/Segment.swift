import LarderColumns
import LarderEncodings
import LarderFiles

/// An open segment, read in place.
///
/// Opening reads header, footer and trailer, whatever the number of rows, and detects truncation,
/// extension and splices. Everything else is verified when it is first touched: the entity index
/// and the fences as a whole, a column's headers, validity and dictionary when the column is
/// opened, its bodies page by page. All of it may be used from any number of threads.
package final class Segment: Sendable {
  /// The path, for messages.
  package let path: String
  /// What the manifest knows of it.
  package let description: SegmentDescription
  /// The unit of event and created time.
  package var unit: TimeUnit { footer.unit }
  /// How many rows it has.
  package var rows: Int { footer.rows }
  /// How many distinct entities it has.
  package var entityCount: Int { footer.entities }

  let map: MappedFile
  let footer: SegmentFooter
  let footerOffset: UInt64
  let seeds: SegmentSeeds
  private let opened: ForkSafeMutex<Opened>

  private struct Opened {
    var columns: [Int: SegmentColumn] = [:]
    var hasIndex = false
    var hasFences = false
  }

  /// Opens a segment.
  ///
  /// - Parameters:
  ///   - path: of the file.
  ///   - files: where it lies.
  ///   - expected: what the manifest says of it; nil only for tools that look at a file alone.
  /// - Throws: `notFound`; `corrupt` if it is not the file that the manifest means, or damaged;
  ///   `unsupportedVersion`; errors of the file system.
  /// - Complexity: O(columns), not of rows.
  package init(
    path: String, files: any FileSystem, expected: SegmentDescription?
  ) throws(LarderError) {
    let file = try files.open(path, .read)
    let bytes = try file.status().bytes
    if let expected, bytes != expected.fileBytes {
      throw LarderError(
        .corrupt, "The file has \(bytes) bytes; its commit wrote \(expected.fileBytes).",
        file: path)
    }
    guard bytes >= UInt64(SegmentLayout.headerBytes + SegmentLayout.trailerBytes),
      bytes <= Limits.segmentBytes, let length = Int(exactly: bytes)
    else {
      throw LarderError(.corrupt, "\(bytes) bytes are not a segment.", file: path)
    }
    self.path = path
    map = try file.map(bytes: length)
    let ends = try SegmentEnds(map)
    seeds = SegmentSeeds(ends.uuid)
    footerOffset = UInt64(ends.footer.lowerBound)
    footer = try ends.readFooter(map, seeds)
    var found = footer.description(
      uuid: ends.uuid, fileBytes: bytes, footerHash: ends.footerHash)
    // An append learns its number when it commits, after its files are sealed: the file holds the
    // number it planned with, and the manifest's is the one that counts.
    if let expected, found.lastCommit <= expected.lastCommit {
      found.firstCommit = expected.firstCommit
      found.lastCommit = expected.lastCommit
    }
    description = found
    if let expected, expected != description {
      throw LarderError(
        .corrupt, "The file is a sound segment, but not the one its commit wrote.", file: path)
    }
    guard footer.viewID == ends.viewID, footer.rows == ends.rows else {
      throw LarderError(.corrupt, "Header and footer contradict each other.", file: path)
    }
    opened = ForkSafeMutex(Opened())
    try SegmentBounds.check(footer, footerOffset: footerOffset, path: path)
  }

  /// The ids and runs.
  ///
  /// - Throws: `corrupt` the first time, if they are damaged.
  package func entityIndex() throws(LarderError) -> EntityIndexView {
    let ids = unsafe address(footer.entityIDs).assumingMemoryBound(to: UInt32.self)
    let starts = unsafe address(footer.runStarts).assumingMemoryBound(to: UInt32.self)
    let view = unsafe EntityIndexView(ids: ids, starts: starts, count: footer.entities)
    if opened.withLock({ $0.hasIndex }) { return view }
    try verify(footer.entityIDs, .entityIDs, what: "entity ids")
    try verify(footer.runStarts, .runStarts, what: "run starts")
    guard view.isSound(rows: rows, minID: footer.minID, maxID: footer.maxID) else {
      throw LarderError(
        .corrupt, "The entity index is not sorted or does not cover the rows.", file: path,
        offset: footer.entityIDs.offset)
    }
    opened.withLock { $0.hasIndex = true }
    return view
  }

  /// The event time of every row that is a multiple of 64: rows / 64, rounded up.
  ///
  /// - Throws: `corrupt` the first time, if they are damaged.
  package func fences() throws(LarderError) -> UnsafeBufferPointer<Int64> {
    let start = unsafe address(footer.fences).assumingMemoryBound(to: Int64.self)
    let view = unsafe UnsafeBufferPointer(start: start, count: (rows + 63) / 64)
    if opened.withLock({ $0.hasFences }) { return unsafe view }
    try verify(footer.fences, .fences, what: "fences")
    opened.withLock { $0.hasFences = true }
    return unsafe view
  }

  /// The event times; their pages are verified through `eventColumn`.
  package func eventTimes() throws(LarderError) -> TimeView {
    let fences = unsafe try self.fences()
    let column = try eventColumn()
    guard let start = fences.baseAddress else {
      throw LarderError(.corrupt, "There are no fences.", file: path)
    }
    return unsafe TimeView(fences: start, lanes: column.lanes)
  }

  /// The column of event times.
  package func eventColumn() throws(LarderError) -> SegmentColumn { try column(at: 0) }

  /// The column of created times; nil if the view has none.
  package func createdColumn() throws(LarderError) -> SegmentColumn? {
    for (position, entry) in footer.columns.enumerated() {
      if case .known(let record) = entry, record.role == .createdTime {
        return try column(at: position)
      }
    }
    return nil
  }

  /// The created times; nil if the view has none.
  ///
  /// The caller verifies the pages of both columns.
  package func createdTimes() throws(LarderError) -> CreatedView? {
    guard let column = try createdColumn() else { return nil }
    return CreatedView(lanes: column.lanes, validity: column.validity, events: try eventTimes())
  }

  /// The features, in the writer's order, with their types; those of unknown kinds without.
  package var features: [(fieldID: UInt32, type: DataType?)] {
    var features: [(fieldID: UInt32, type: DataType?)] = []
    for entry in footer.columns {
      switch entry {
      case .known(let record):
        if record.role == .feature { features.append((record.fieldID, record.type)) }
      case .unknown(let fieldID, _): features.append((fieldID, nil))
      }
    }
    return features
  }

  /// A feature's column; nil if the segment was written without it, so that all of it is null.
  ///
  /// - Throws: `unsupportedVersion` if this column alone is of a later version; `corrupt` the first
  ///   time, if its headers, validity or dictionary are damaged.
  package func column(fieldID: UInt32) throws(LarderError) -> SegmentColumn? {
    for (position, entry) in footer.columns.enumerated() {
      switch entry {
      case .known(let record):
        if record.role == .feature, record.fieldID == fieldID { return try column(at: position) }
      case .unknown(let id, let reason):
        if id == fieldID {
          throw LarderError(
            .unsupportedVersion, "Field \(id) has \(reason), which this version does not know.",
            file: path)
        }
      }
    }
    return nil
  }

  /// A hash of the rows' (id, event time, value) of a feature, whatever their order.
  package func contentHash(fieldID: UInt32) -> ContentHash? {
    for case .known(let record) in footer.columns
    where record.role == .feature && record.fieldID == fieldID {
      return record.content
    }
    return nil
  }

  /// Opens the column at a position of the footer, or returns it.
  func column(at position: Int) throws(LarderError) -> SegmentColumn {
    if let column = opened.withLock({ $0.columns[position] }) { return column }
    guard case .known(let record) = footer.columns[position] else {
      throw LarderError(.unsupportedVersion, "The time column is of a later version.", file: path)
    }
    let column = try SegmentColumn(record, source: SegmentSource(self))
    return opened.withLock { opened in
      if let earlier = opened.columns[position] { return earlier }
      opened.columns[position] = column
      return column
    }
  }

  /// Whether a column that was opened is read from memory.
  var isUnpacked: Bool {
    opened.withLock { $0.columns.values.contains { $0.image != nil } }
  }

  private func address(_ section: Section) -> UnsafeRawPointer {
    unsafe SegmentSource(self).address(section)
  }

  private func verify(
    _ section: Section, _ kind: SectionKind, what: String
  ) throws(LarderError) {
    try SegmentSource(self).verify(section, kind, column: 0, what: what)
  }
}

/// Where a segment keeps its entities; plain pointers, valid while the segment lives.
@safe package struct EntityIndexView: @unchecked Sendable {
  /// Distinct ids, ascending.
  package let ids: UnsafePointer<UInt32>
  /// The first row of each id's run, then the row count.
  package let starts: UnsafePointer<UInt32>
  /// How many ids there are.
  package let count: Int

  package init(ids: UnsafePointer<UInt32>, starts: UnsafePointer<UInt32>, count: Int) {
    unsafe self.ids = ids
    unsafe self.starts = starts
    self.count = count
  }

  /// Whether ids ascend between the bounds, and runs are not empty and cover all rows.
  func isSound(rows: Int, minID: UInt32, maxID: UInt32) -> Bool {
    guard unsafe ids[0] == minID, unsafe ids[count - 1] == maxID, unsafe starts[0] == 0,
      unsafe starts[count] == UInt32(rows)
    else { return false }
    var faults = 0
    for index in 1..<max(1, count) {
      faults &+= unsafe ids[index] > ids[index - 1] ? 0 : 1
    }
    for index in 1...count { faults &+= unsafe starts[index] > starts[index - 1] ? 0 : 1 }
    return faults == 0
  }
}
