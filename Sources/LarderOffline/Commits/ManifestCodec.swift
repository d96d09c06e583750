import LarderColumns
import LarderContract
import LarderEncodings
import LarderFiles
import LarderKeys

/// The bytes of record payloads.
///
/// `FORMAT.md` has the tables. Every byte read is untrusted.
enum ManifestCodec {
  /// The type number and the payload of a record.
  static func encode(_ body: ManifestRecord.Body) -> (type: UInt32, payload: [UInt8]) {
    let type: UInt32
    let write: (inout RecordWriter) -> Void
    switch body {
    case .checkpoint(let state):
      (type, write) = (ManifestRecordType.checkpoint, { encode(state, into: &$0) })
    case .definitions(let catalog):
      (type, write) = (ManifestRecordType.definitions, { CatalogCodec.encode(catalog, into: &$0) })
    case .edit(let edit): (type, write) = (ManifestRecordType.edit, { encode(edit, into: &$0) })
    case .tag(let tag): (type, write) = (ManifestRecordType.tag, { encode(tag, into: &$0) })
    case .rollback(let rollback):
      (type, write) = (ManifestRecordType.rollback, { encode(rollback, into: &$0) })
    case .erasure(let record):
      (type, write) = (ManifestRecordType.erasure, { record.encode(into: &$0) })
    case .substitution(let record):
      (type, write) = (ManifestRecordType.substitution, { record.encode(into: &$0) })
    case .erased(let ids):
      (type, write) = (ManifestRecordType.erased, { encode(ids: ids, into: &$0) })
    case .skipped(let type): return (type | ManifestRecordType.skippable, [])
    }
    var writer = RecordWriter()
    writer.writeStructure(write)
    return (type, writer.bytes)
  }

  /// Reads a payload.
  ///
  /// - Throws: `corrupt` for bytes that no writer wrote; `unsupportedVersion` for a type that this
  ///   version does not know and may not skip.
  static func decode(
    type: UInt32, payload: [UInt8], major: UInt16, file: String, origin: UInt64
  ) throws(LarderError) -> ManifestRecord.Body {
    if type & ManifestRecordType.skippable != 0 { return .skipped(type: type) }
    var reader = RecordReader(payload, file: file, origin: origin, version: major)
    let body = try reader.readStructure("record") { (reader) throws(LarderError) in
      try decode(type: type, &reader, file: file, origin: origin)
    }
    guard reader.remaining == 0 else {
      throw reader.failure("\(reader.remaining) bytes follow the record's last field.")
    }
    return body
  }

  private static func decode(
    type: UInt32, _ reader: inout RecordReader, file: String, origin: UInt64
  ) throws(LarderError) -> ManifestRecord.Body {
    switch type {
    case ManifestRecordType.checkpoint: return .checkpoint(try decodeState(&reader))
    case ManifestRecordType.definitions: return .definitions(try CatalogCodec.decode(&reader))
    case ManifestRecordType.edit: return .edit(try decodeEdit(&reader))
    case ManifestRecordType.tag: return .tag(try decodeTag(&reader))
    case ManifestRecordType.rollback: return .rollback(try decodeRollback(&reader))
    case ManifestRecordType.erasure: return .erasure(try ErasureRecord(from: &reader))
    case ManifestRecordType.substitution:
      return .substitution(try SubstitutionRecord(from: &reader))
    case ManifestRecordType.erased: return .erased(try decodeIDs(&reader))
    default:
      throw LarderError(
        .unsupportedVersion,
        "The record has the type \(type), which a later version of Larder wrote. Use that version.",
        file: file, offset: origin)
    }
  }

  // MARK: Edits

  static func encode(_ edit: ManifestRecord.Edit, into writer: inout RecordWriter) {
    writer.write(edit.reason.rawValue)
    writer.write(edit.view)
    writer.write(UInt32(edit.removed.count))
    for uuid in edit.removed { writer.write(uuid) }
    writer.write(UInt32(edit.added.count))
    for description in edit.added { encode(description, into: &writer) }
    encode(edit.keyLogs, into: &writer)
  }

  static func decodeEdit(
    _ reader: inout RecordReader
  ) throws(LarderError) -> ManifestRecord.Edit {
    guard let reason = ManifestRecord.EditReason(rawValue: try reader.read(UInt8.self)) else {
      throw reader.failure("The edit has an unknown reason.")
    }
    let view = try reader.read(UInt64.self)
    var edit = ManifestRecord.Edit(reason: reason, view: view)
    for _ in 0..<(try reader.readCount("removed segments", each: 16)) {
      edit.removed.append(try reader.readIdentifier())
    }
    for _ in 0..<(try reader.readCount("added segments", each: 64)) {
      edit.added.append(try decodeSegment(&reader, view: view))
    }
    edit.keyLogs = try decodeKeyLogs(&reader)
    return edit
  }

  static func encode(
    _ logs: [UInt64: KeyLogState], into writer: inout RecordWriter
  ) {
    writer.write(UInt32(logs.count))
    for (set, log) in logs.sorted(by: { $0.key < $1.key }) {
      writer.writeStructure { writer in
        writer.write(set)
        encode(log, into: &writer)
      }
    }
  }

  /// Writes how far a key log goes, within a structure.
  static func encode(_ log: KeyLogState, into writer: inout RecordWriter) {
    writer.write(log.generation)
    writer.write(log.length)
    writer.write(log.count)
    writer.write(log.checksum)
  }

  static func decodeKeyLog(_ reader: inout RecordReader) throws(LarderError) -> KeyLogState {
    KeyLogState(
      generation: try reader.read(UInt64.self), length: try reader.read(UInt64.self),
      count: try reader.read(UInt32.self),
      checksum: reader.version == 1 ? 0 : try reader.read(UInt64.self))
  }

  static func decodeKeyLogs(
    _ reader: inout RecordReader
  ) throws(LarderError) -> [UInt64: KeyLogState] {
    var logs: [UInt64: KeyLogState] = [:]
    for _ in 0..<(try reader.readCount("key logs", each: 28)) {
      let (set, log) = try reader.readStructure("key log") { (reader) throws(LarderError) in
        (try reader.read(UInt64.self), try decodeKeyLog(&reader))
      }
      guard logs.updateValue(log, forKey: set) == nil else {
        throw reader.failure("The key log of k\(set) is named twice.")
      }
    }
    return logs
  }

  // MARK: Segments

  private enum SegmentFlags {
    static let created: UInt8 = 1
    static let partition: UInt8 = 2
  }

  static func encode(_ segment: SegmentDescription, into writer: inout RecordWriter) {
    writer.writeStructure { encode(fieldsOf: segment, into: &$0) }
  }

  private static func encode(
    fieldsOf segment: SegmentDescription, into writer: inout RecordWriter
  ) {
    var flags: UInt8 = 0
    if segment.minCreated != nil { flags |= SegmentFlags.created }
    if segment.partition != nil { flags |= SegmentFlags.partition }
    writer.write(flags)
    writer.write(segment.uuid)
    writer.write(UInt64(segment.rows))
    writer.write(segment.fileBytes)
    writer.write(segment.minID)
    writer.write(segment.maxID)
    writer.write(segment.minEvent)
    writer.write(segment.maxEvent)
    writer.write(UInt64(segment.nullCreated))
    writer.write(segment.firstCommit)
    writer.write(segment.lastCommit)
    writer.write(segment.footerHash)
    if let minimum = segment.minCreated {
      writer.write(minimum)
      writer.write(segment.maxCreated ?? minimum)
    }
    if let partition = segment.partition {
      writer.write(partition.lowerBound)
      writer.write(partition.upperBound)
    }
  }

  static func decodeSegment(
    _ reader: inout RecordReader, view: UInt64
  ) throws(LarderError) -> SegmentDescription {
    try reader.readStructure("segment's description") { (reader) throws(LarderError) in
      try decodeSegmentFields(&reader, view: view)
    }
  }

  private static func decodeSegmentFields(
    _ reader: inout RecordReader, view: UInt64
  ) throws(LarderError) -> SegmentDescription {
    let flags = try reader.read(UInt8.self)
    guard flags & ~(SegmentFlags.created | SegmentFlags.partition) == 0 else {
      throw reader.failure("The segment has the unknown flags \(flags).")
    }
    var segment = SegmentDescription(
      uuid: try reader.readIdentifier(), viewID: view,
      rows: try reader.read("The number of rows", in: 1...Limits.segmentRows),
      fileBytes: try reader.read(UInt64.self), minID: try reader.read(UInt32.self),
      maxID: try reader.read(UInt32.self), minEvent: try reader.read(Int64.self),
      maxEvent: try reader.read(Int64.self), minCreated: nil, maxCreated: nil,
      nullCreated: try reader.read("The rows without a created time", in: 0...Limits.segmentRows),
      firstCommit: try reader.read(UInt64.self), lastCommit: try reader.read(UInt64.self),
      footerHash: try reader.read(UInt64.self), partition: nil)
    if flags & SegmentFlags.created != 0 {
      segment.minCreated = try reader.read(Int64.self)
      segment.maxCreated = try reader.read(Int64.self)
    }
    if flags & SegmentFlags.partition != 0 {
      let lower = try reader.read(Int64.self)
      let upper = try reader.read(Int64.self)
      guard lower < upper else {

        throw reader.failure("The partition [\(lower), \(upper)) is empty.")

      }
      segment.partition = lower..<upper
    }
    guard segment.minID <= segment.maxID, segment.minEvent <= segment.maxEvent,
      segment.firstCommit <= segment.lastCommit, segment.nullCreated <= segment.rows,
      segment.minCreated ?? 0 <= segment.maxCreated ?? 0
    else { throw reader.failure("The bounds of the segment \(segment.uuid) are the wrong way.") }
    return segment
  }

  // MARK: Checkpoints

  static func encode(_ state: StoreState, into writer: inout RecordWriter) {
    state.features.encode(into: &writer)
    writer.write(state.head.chainHash)
    CatalogCodec.encode(state.catalog, into: &writer)
    writer.write(UInt32(state.segments.count))
    for (view, live) in state.segments.sorted(by: { $0.key < $1.key }) {
      writer.write(view)
      writer.write(UInt32(live.count))
      for segment in live {
        writer.write(segment.since)
        encode(segment.description, into: &writer)
      }
    }
    encode(state.keyLogs, into: &writer)
    writer.write(UInt32(state.retired.count))
    for segment in state.retired {
      writer.writeStructure { writer in
        writer.write(segment.view)
        writer.write(segment.uuid)
        writer.write(segment.since)
        writer.write(segment.until)
      }
    }
    // The head is the record itself; it is not repeated.
    writer.write(UInt32(state.history.count - 1))
    for commit in state.history.dropLast() {
      writer.writeStructure { writer in
        writer.write(commit.id)
        writer.write(commit.time.ticks)
        writer.write(commit.chainHash)
      }
    }
    writer.write(UInt32(state.tags.count))
    for (name, commit) in state.tags.sorted(by: { utf8Order($0.key, $1.key) }) {
      writer.writeStructure { writer in
        writer.write(text: name)
        writer.write(commit)
      }
    }
    writer.writeStructure { state.erasures.encode(into: &$0) }
    writer.write(state.fileIdentity)
    writer.write(UInt32(state.revisions.count))
    for (view, commit) in state.revisions.sorted(by: { $0.key < $1.key }) {
      writer.write(view)
      writer.write(commit)
    }
    encode(earlier: state.earlier, into: &writer)
  }

  /// The state of a checkpoint; its store, and its head's number and time, are the frame's.
  static func decodeState(_ reader: inout RecordReader) throws(LarderError) -> StoreState {
    let features =
      reader.version == 1 ? StoreFeatures() : try StoreFeatures(from: &reader)
    let hash = try reader.read(UInt64.self)
    var state = StoreState(
      store: FileIdentifier(high: 0, low: 0),
      head: Commit(id: 0, time: Timestamp(microseconds: 0), chainHash: hash))
    state.features = features
    state.catalog = try CatalogCodec.decode(&reader)
    for _ in 0..<(try reader.readCount("views with segments", each: 12)) {
      let view = try reader.read(UInt64.self)
      guard state.catalog.view(id: view) != nil, state.segments[view] == nil else {
        throw reader.failure("The segments of v\(view) are there twice, or without the view.")
      }
      var live: [StoreState.LiveSegment] = []
      for _ in 0..<(try reader.readCount("live segments", each: 72)) {
        let since = try reader.read(UInt64.self)
        live.append(
          StoreState.LiveSegment(
            description: try decodeSegment(&reader, view: view), since: since))
      }
      state.segments[view] = live
    }
    state.keyLogs = try decodeKeyLogs(&reader)
    for _ in 0..<(try reader.readCount("retired segments", each: 40)) {
      state.retired.append(
        try reader.readStructure("retired segment") { (reader) throws(LarderError) in
          StoreState.RetiredSegment(
            view: try reader.read(UInt64.self), uuid: try reader.readIdentifier(),
            since: try reader.read(UInt64.self), until: try reader.read(UInt64.self))
        })
    }
    state.history = []
    for _ in 0..<(try reader.readCount("commits", each: 24)) {
      let commit = try reader.readStructure("commit") { (reader) throws(LarderError) in
        Commit(
          id: try reader.read(UInt64.self),
          time: Timestamp(microseconds: try reader.read(Int64.self)),
          chainHash: try reader.read(UInt64.self))
      }
      guard commit.id > state.history.last?.id ?? 0 || state.history.isEmpty else {
        throw reader.failure("The commits are out of order.")
      }
      state.history.append(commit)
    }
    for _ in 0..<(try reader.readCount("tags", each: 10)) {
      let (name, commit) = try reader.readStructure("tag") { (reader) throws(LarderError) in
        (try reader.readText(), try reader.read(UInt64.self))
      }
      guard state.tags.updateValue(commit, forKey: name) == nil else {
        throw reader.failure("The tag \"\(name)\" is there twice.")
      }
    }
    state.erasures = try reader.readStructure("list of erasures") { (reader) throws(LarderError) in
      try Erasures(from: &reader)
    }
    state.fileIdentity = try reader.readIdentifier()
    if reader.version == 1 { return state }
    for _ in 0..<(try reader.readCount("revisions", each: 16)) {
      state.revisions[try reader.read(UInt64.self)] = try reader.read(UInt64.self)
    }
    state.earlier = try decodeEarlier(&reader)
    return state
  }
}

extension RecordWriter {
  /// Writes 16 bytes.
  mutating func write(_ identifier: FileIdentifier) {
    write(identifier.high)
    write(identifier.low)
  }
}

extension RecordReader {
  /// Reads 16 bytes.
  mutating func readIdentifier() throws(LarderError) -> FileIdentifier {
    FileIdentifier(high: try read(UInt64.self), low: try read(UInt64.self))
  }

  /// Reads a u32 count of things that take at least so many bytes each.
  mutating func readCount(_ what: String, each bytes: Int) throws(LarderError) -> Int {
    let count = Int(try read(UInt32.self))
    guard count <= remaining / bytes else {
      throw failure("\(count) \(what) are said to follow in \(remaining) bytes.")
    }
    return count
  }
}
