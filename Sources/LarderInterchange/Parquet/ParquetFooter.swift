import LarderColumns

extension ParquetReader {
  /// Finds and reads the footer.
  ///
  /// - Returns: what it says, and where it starts.
  /// - Throws: `invalidInput` if the file is not Parquet; `unsupported` if its footer is encrypted.
  static func footer(
    _ source: RandomAccessBytes
  ) throws(LarderError) -> (metadata: FileMetadata, start: Int) {
    guard source.count >= 12 else {
      throw .malformed("The file has \(source.count) bytes; a Parquet file has at least 12.")
    }
    let tail = try source.buffer(at: source.count - 8, count: 8)
    let lead = try source.buffer(at: 0, count: 4)
    defer { withExtendedLifetime((tail, lead)) {} }
    if unsafe tail.bytes[4...].elementsEqual("PARE".utf8) {
      throw LarderError(.unsupported, "The file's footer is encrypted, which is not read.")
    }
    guard unsafe tail.bytes[4...].elementsEqual("PAR1".utf8),
      unsafe lead.bytes.elementsEqual("PAR1".utf8)
    else {
      throw .malformed("The file does not start and end with \"PAR1\", as Parquet files do.")
    }
    let length = unsafe Int(tail.base.loadUnaligned(as: UInt32.self))
    guard length <= source.count - 12 else {
      throw .malformed(
        "The file ends with a footer length of \(length), and has \(source.count) bytes.")
    }
    guard length <= Limits.metadataBytes else {
      throw LarderError(
        .limitExceeded, "A footer of \(length) bytes; at most \(Limits.metadataBytes) are read.")
    }
    let start = source.count - 8 - length
    let bytes = try source.buffer(at: start, count: length)
    defer { withExtendedLifetime(bytes) {} }
    var reader = unsafe CompactReader(bytes.bytes)
    do throws(LarderError) { return (try FileMetadata(&reader), start) } catch {
      var error = error
      if let offset = error.offset { error.offset = offset + UInt64(start) }
      throw error
    }
  }
}
