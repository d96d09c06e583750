import LarderColumns

/// What a Parquet or Arrow file says of its table; nil for what is neither.
///
/// - Throws: what the format's reader throws on opening.
package func describeTable(
  _ source: RandomAccessBytes, unsignedTexts: Bool = false
) throws(LarderError) -> TableDescription? {
  switch try FileFormat.detect(source) {
  case .parquet:
    return try ParquetReader.describe(source, unsignedTexts: unsignedTexts)
      .refusingRepeatedNames()
  case .arrowFile, .arrowStream:
    return try ArrowReader.describe(source, unsignedTexts: unsignedTexts)
      .refusingRepeatedNames()
  case .text: return nil
  }
}

extension FileFormat {
  /// The format of a file by its first bytes.
  package static func detect(_ source: RandomAccessBytes) throws(LarderError) -> FileFormat {
    let lead = try source.buffer(at: 0, count: min(source.count, leadBytes))
    do throws(LarderError) { return unsafe try detect(Array(lead.bytes)) } catch {
      throw error.located(file: source.name)
    }
  }
}

/// Opens a Parquet or Arrow file by what it holds.
///
/// - Returns: a reader; nil for what is neither, which is text or nothing known.
/// - Throws: what the format's reader throws on opening.
package func openTable(
  _ source: RandomAccessBytes, options: TableReadOptions = TableReadOptions()
) throws(LarderError) -> (any TableReader)? {
  switch try FileFormat.detect(source) {
  case .parquet: return try ParquetReader(source, options: options)
  case .arrowFile, .arrowStream: return try ArrowReader(source, options: options)
  case .text: return nil
  }
}
