import LarderColumns
import LarderEncodings
import LarderFiles

/// The header and the trailer of a segment, checked against each other.
struct SegmentEnds {
  let uuid: FileIdentifier
  let viewID: UInt64
  let rows: Int
  /// Where the footer lies.
  let footer: Range<Int>
  let footerHash: UInt64

  /// - Throws: `corrupt` or `unsupportedVersion`.
  init(_ map: MappedFile) throws(LarderError) {
    let length = unsafe map.bytes.count
    let trailerStart = length - SegmentLayout.trailerBytes
    let trailerBytes = unsafe Array(map.bytes[trailerStart..<length])
    let headerBytes = unsafe Array(map.bytes[0..<SegmentLayout.headerBytes])
    var trailer = RecordReader(trailerBytes, file: map.path, origin: UInt64(trailerStart))
    var header = RecordReader(headerBytes, file: map.path, origin: 0)

    guard try header.readBytes(8) == SegmentLayout.headerMagic else {
      throw LarderError(.corrupt, "The file does not start as a segment does.", file: map.path)
    }
    guard try trailer.readBytes(8) == SegmentLayout.trailerMagic else {
      throw LarderError(
        .corrupt, "The file does not end as a segment does: it was cut or extended.",
        file: map.path, offset: UInt64(trailerStart))
    }
    let footerOffset = try trailer.read(UInt64.self)
    let footerCount = try trailer.read(UInt32.self)
    let flags = try trailer.read(UInt32.self)
    let fileBytes = try trailer.read(UInt64.self)
    uuid = FileIdentifier(
      high: try trailer.read(UInt64.self), low: try trailer.read(UInt64.self))
    footerHash = try trailer.read(UInt64.self)
    let seeds = SegmentSeeds(uuid)
    let trailerHash = XXH3.hash64(Array(trailerBytes[..<56]), seed: seeds.seed(.trailer))
    guard try trailer.read(UInt64.self) == trailerHash else {
      throw LarderError(
        .corrupt, "The trailer does not match its checksum.", file: map.path,
        offset: UInt64(trailerStart))
    }
    let headerHash = XXH3.hash64(Array(headerBytes[..<56]), seed: seeds.seed(.fileHeader))
    let major = try header.read(UInt16.self)
    _ = try header.read(UInt16.self)
    let incompatible = try header.read(UInt32.self)
    _ = try header.read(UInt32.self)
    let headerCount = try header.read(UInt32.self)
    let headerUUID = FileIdentifier(
      high: try header.read(UInt64.self), low: try header.read(UInt64.self))
    viewID = try header.read(UInt64.self)
    let rowCount = try header.read(UInt64.self)
    guard try header.read(UInt64.self) == headerHash, headerUUID == uuid else {
      throw LarderError(
        .corrupt, "The header does not match its checksum or the trailer.", file: map.path,
        offset: 0)
    }
    guard major == SegmentLayout.majorVersion, incompatible == 0, flags == 0 else {
      throw LarderError(
        .unsupportedVersion,
        "The segment has version \(major) and flags \(incompatible | flags); this release reads "
          + "version \(SegmentLayout.majorVersion) without flags.", file: map.path)
    }
    let (footerEnd, overflow) = footerOffset.addingReportingOverflow(UInt64(footerCount))
    guard fileBytes == UInt64(length), !overflow, footerEnd == UInt64(trailerStart),
      footerOffset >= UInt64(SegmentLayout.headerBytes), footerCount <= SegmentLayout.footerBytes,
      headerCount == SegmentLayout.headerBytes, let rows = Int(exactly: rowCount)
    else {
      throw LarderError(
        .corrupt, "The trailer's lengths contradict the file's \(length) bytes.", file: map.path,
        offset: UInt64(trailerStart))
    }
    self.rows = rows
    footer = Int(footerOffset)..<trailerStart
  }

  /// Reads the footer after checking its hash.
  func readFooter(
    _ map: MappedFile, _ seeds: SegmentSeeds
  ) throws(LarderError) -> SegmentFooter {
    let slice = unsafe UnsafeRawBufferPointer(rebasing: map.bytes[footer])
    guard unsafe XXH3.hash64(slice, seed: seeds.seed(.footer)) == footerHash else {
      throw LarderError(
        .corrupt, "The footer does not match its checksum.", file: map.path,
        offset: UInt64(footer.lowerBound))
    }
    return try SegmentFooter(
      unsafe Array(slice), file: map.path, origin: UInt64(footer.lowerBound))
  }
}
