import LarderColumns
import LarderEncodings
import LarderFiles
import LarderKeys

/// Ids that are retired, and the next generation of their key logs; never bytes of keys.
package struct ErasureRecord: Sendable, Hashable {
  /// Ascending, by join-key set.
  package var ids: [UInt64: [UInt32]]
  /// The generation of each set's key log in which the ids' slots are empty.
  package var keyLogs: [UInt64: KeyLogState]

  init(ids: [UInt64: [UInt32]], keyLogs: [UInt64: KeyLogState]) {
    self.ids = ids
    self.keyLogs = keyLogs
  }

  init(from reader: inout RecordReader) throws(LarderError) {
    ids = try ManifestCodec.decodeIDs(&reader)
    keyLogs = try ManifestCodec.decodeKeyLogs(&reader)
  }

  func encode(into writer: inout RecordWriter) {
    ManifestCodec.encode(ids: ids, into: &writer)
    ManifestCodec.encode(keyLogs, into: &writer)
  }
}

/// Segments of one view and what takes their place in every snapshot.
package struct SubstitutionRecord: Sendable, Hashable {
  package var view: UInt64
  package var items: [Item]

  /// A segment and what takes its place; none if all of its rows were erased.
  package struct Item: Sendable, Hashable {
    package var uuid: FileIdentifier
    package var added: [SegmentDescription]
  }

  init(view: UInt64, items: [Item]) {
    self.view = view
    self.items = items
  }

  init(from reader: inout RecordReader) throws(LarderError) {
    view = try reader.read(UInt64.self)
    items = []
    for _ in 0..<(try reader.readCount("substituted segments", each: 20)) {
      let view = view
      items.append(
        try reader.readStructure("substitution") { (reader) throws(LarderError) in
          Item(
            uuid: try reader.readIdentifier(),
            added: try ManifestCodec.decodeSegments(&reader, view: view))
        })
    }
  }

  func encode(into writer: inout RecordWriter) {
    writer.write(view)
    writer.write(UInt32(items.count))
    for item in items {
      writer.writeStructure { writer in
        writer.write(item.uuid)
        ManifestCodec.encode(item.added, into: &writer)
      }
    }
  }
}

extension Erasures {
  /// Reads what a checkpoint says of erasures.
  init(from reader: inout RecordReader) throws(LarderError) {
    pending = try ManifestCodec.decodeIDs(&reader)
    for _ in 0..<(try reader.readCount("substitutions", each: 44)) {
      substitutions.append(
        try reader.readStructure("substitution") { (reader) throws(LarderError) in
          let view = try reader.read(UInt64.self)
          return Substitution(
            view: view, uuid: try reader.readIdentifier(), since: try reader.read(UInt64.self),
            until: try reader.read(UInt64.self),
            added: try ManifestCodec.decodeSegments(&reader, view: view))
        })
    }
    for _ in 0..<(try reader.readCount("retired key logs", each: 36)) {
      retiredLogs.append(
        try reader.readStructure("retired key log") { (reader) throws(LarderError) in
          RetiredLog(
            set: try reader.read(UInt64.self), log: try ManifestCodec.decodeKeyLog(&reader),
            until: try reader.read(UInt64.self))
        })
    }
    last = try reader.read(UInt64.self)
  }

  func encode(into writer: inout RecordWriter) {
    ManifestCodec.encode(ids: pending, into: &writer)
    writer.write(UInt32(substitutions.count))
    for item in substitutions {
      writer.writeStructure { writer in
        writer.write(item.view)
        writer.write(item.uuid)
        writer.write(item.since)
        writer.write(item.until)
        ManifestCodec.encode(item.added, into: &writer)
      }
    }
    writer.write(UInt32(retiredLogs.count))
    for retired in retiredLogs {
      writer.writeStructure { writer in
        writer.write(retired.set)
        ManifestCodec.encode(retired.log, into: &writer)
        writer.write(retired.until)
      }
    }
    writer.write(last)
  }
}

extension ManifestCodec {
  static func encode(_ segments: [SegmentDescription], into writer: inout RecordWriter) {
    writer.write(UInt32(segments.count))
    for segment in segments { encode(segment, into: &writer) }
  }

  static func decodeSegments(
    _ reader: inout RecordReader, view: UInt64
  ) throws(LarderError) -> [SegmentDescription] {
    var segments: [SegmentDescription] = []
    for _ in 0..<(try reader.readCount("segments", each: 64)) {
      segments.append(try decodeSegment(&reader, view: view))
    }
    return segments
  }

  static func encode(ids: [UInt64: [UInt32]], into writer: inout RecordWriter) {
    writer.write(UInt32(ids.count))
    for (set, ids) in ids.sorted(by: { $0.key < $1.key }) {
      writer.write(set)
      writer.write(UInt32(ids.count))
      for id in ids { writer.write(id) }
    }
  }

  static func decodeIDs(_ reader: inout RecordReader) throws(LarderError) -> [UInt64: [UInt32]] {
    var sets: [UInt64: [UInt32]] = [:]
    for _ in 0..<(try reader.readCount("key sets with erased ids", each: 12)) {
      let set = try reader.read(UInt64.self)
      var ids: [UInt32] = []
      for _ in 0..<(try reader.readCount("erased ids", each: 4)) {
        let id = try reader.read(UInt32.self)
        guard ids.last.map({ $0 < id }) ?? true else {
          throw reader.failure("The erased ids of k\(set) are out of order.")
        }
        ids.append(id)
      }
      guard !ids.isEmpty, sets.updateValue(ids, forKey: set) == nil else {
        throw reader.failure("The erased ids of k\(set) are there twice, or are none.")
      }
    }
    return sets
  }
}
