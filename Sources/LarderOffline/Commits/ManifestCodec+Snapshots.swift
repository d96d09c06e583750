import LarderColumns
import LarderContract
import LarderEncodings

/// The bytes of records that name earlier snapshots.
extension ManifestCodec {
  static func encode(_ tag: ManifestRecord.Tag, into writer: inout RecordWriter) {
    writer.write(text: tag.name)
    writer.write(UInt8(tag.commit == nil ? 0 : 1))
    writer.write(tag.commit ?? 0)
  }

  static func decodeTag(_ reader: inout RecordReader) throws(LarderError) -> ManifestRecord.Tag {
    let name = try reader.readText()
    let isThere = try reader.read(UInt8.self) != 0
    let commit = try reader.read(UInt64.self)
    return ManifestRecord.Tag(name: name, commit: isThere ? commit : nil)
  }

  static func encode(_ rollback: ManifestRecord.Rollback, into writer: inout RecordWriter) {
    writer.write(rollback.target)
    CatalogCodec.encode(rollback.catalog, into: &writer)
    writer.write(UInt32(rollback.segments.count))
    for (view, live) in rollback.segments.sorted(by: { $0.key < $1.key }) {
      writer.write(view)
      writer.write(UInt32(live.count))
      for segment in live { encode(segment, into: &writer) }
    }
  }

  static func decodeRollback(
    _ reader: inout RecordReader
  ) throws(LarderError) -> ManifestRecord.Rollback {
    var rollback = ManifestRecord.Rollback(
      target: try reader.read(UInt64.self), catalog: try CatalogCodec.decode(&reader),
      segments: [:])
    for _ in 0..<(try reader.readCount("views with segments", each: 12)) {
      let view = try reader.read(UInt64.self)
      var live: [SegmentDescription] = []
      for _ in 0..<(try reader.readCount("segments", each: 64)) {
        live.append(try decodeSegment(&reader, view: view))
      }
      guard rollback.segments.updateValue(live, forKey: view) == nil else {
        throw reader.failure("The segments of v\(view) are there twice.")
      }
    }
    return rollback
  }
}
