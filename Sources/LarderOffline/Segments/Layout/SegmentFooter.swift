import LarderColumns
import LarderEncodings
import LarderFiles

/// Everything a segment says about itself.
struct SegmentFooter: Sendable {
  var viewID: UInt64
  var unit: TimeUnit
  var rows: Int
  var minID: UInt32
  var maxID: UInt32
  var minEvent: Int64
  var maxEvent: Int64
  var minCreated: Int64?
  var maxCreated: Int64?
  var nullCreated: Int
  var firstCommit: UInt64
  var lastCommit: UInt64
  var partition: Range<Int64>?
  /// 0 hot, 1 cold: for `explain`; the vectors say how they are packed.
  var profile: UInt8
  /// Distinct ids.
  var entities: Int
  var entityIDs: Section
  var runStarts: Section
  var fences: Section
  /// Event time, created time where the view has one, then features in the writer's order.
  var columns: [ColumnEntry]
}

extension SegmentFooter {
  /// The footer as bytes, for records this version wrote.
  func encoded() -> [UInt8] {
    var record = RecordWriter()
    record.write(viewID)
    record.write(unit.rawValue)
    record.write(profile)
    record.write(UInt64(rows))
    record.write(minID)
    record.write(maxID)
    record.write(minEvent)
    record.write(maxEvent)
    record.write(UInt8(minCreated == nil ? 0 : 1))
    record.write(minCreated ?? 0)
    record.write(maxCreated ?? 0)
    record.write(UInt64(nullCreated))
    record.write(firstCommit)
    record.write(lastCommit)
    record.write(UInt8(partition == nil ? 0 : 1))
    record.write(partition?.lowerBound ?? 0)
    record.write(partition?.upperBound ?? 0)
    record.write(UInt64(entities))
    entityIDs.write(to: &record)
    runStarts.write(to: &record)
    fences.write(to: &record)
    record.write(UInt32(columns.count))
    for case .known(let column) in columns { column.write(to: &record) }
    return record.bytes
  }

  /// Reads a footer whose hash matched, trusting nothing.
  ///
  /// - Throws: `corrupt` for a value out of its range, `unsupportedVersion` for unknown codes.
  init(_ bytes: [UInt8], file: String, origin: UInt64) throws(LarderError) {
    var record = RecordReader(bytes, file: file, origin: origin)
    viewID = try record.read(UInt64.self)
    guard let unit = TimeUnit(rawValue: try record.read(UInt8.self)) else {
      throw LarderError(.unsupportedVersion, "The time unit is of a later version.", file: file)
    }
    self.unit = unit
    profile = try record.read(UInt8.self)
    rows = try record.read("The row count", in: 1...Limits.segmentRows)
    minID = try record.read(UInt32.self)
    maxID = try record.read(UInt32.self)
    minEvent = try record.read(Int64.self)
    maxEvent = try record.read(Int64.self)
    let hasCreated = try record.read(UInt8.self) == 1
    let least = try record.read(Int64.self)
    let greatest = try record.read(Int64.self)
    minCreated = hasCreated ? least : nil
    maxCreated = hasCreated ? greatest : nil
    nullCreated = try record.read("The count of null created times", in: 0...rows)
    firstCommit = try record.read(UInt64.self)
    lastCommit = try record.read(UInt64.self)
    let hasPartition = try record.read(UInt8.self) == 1
    let lower = try record.read(Int64.self)
    let upper = try record.read(Int64.self)
    guard minID <= maxID, minEvent <= maxEvent, least <= greatest, firstCommit <= lastCommit,
      lower <= upper
    else { throw record.failure("A least value exceeds its greatest.") }
    partition = hasPartition ? lower..<upper : nil
    entities = try record.read("The entity count", in: 1...rows)
    entityIDs = try Section(from: &record)
    runStarts = try Section(from: &record)
    fences = try Section(from: &record)
    let count = Int(try record.read(UInt32.self))
    guard count >= 1, count <= SegmentLayout.columns else {
      throw record.failure("\(count) columns were found.")
    }
    columns = []
    for _ in 0..<count { columns.append(try ColumnRecord.read(from: &record)) }
    let padding = try record.readBytes(record.remaining)
    guard padding.count < SegmentLayout.alignment, padding.allSatisfy({ $0 == 0 }) else {
      throw record.failure("The footer ends with \(padding.count) bytes of no meaning.")
    }
  }

  /// What the manifest keeps of it.
  func description(
    uuid: FileIdentifier, fileBytes: UInt64, footerHash: UInt64
  ) -> SegmentDescription {
    SegmentDescription(
      uuid: uuid, viewID: viewID, rows: rows, fileBytes: fileBytes, minID: minID, maxID: maxID,
      minEvent: minEvent, maxEvent: maxEvent, minCreated: minCreated, maxCreated: maxCreated,
      nullCreated: nullCreated, firstCommit: firstCommit, lastCommit: lastCommit,
      footerHash: footerHash, partition: partition)
  }
}
