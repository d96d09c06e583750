import LarderColumns

/// Opens a Parquet or Arrow file by what it holds.
///
/// - Returns: a reader; nil for what is neither, which is text or nothing known.
/// - Throws: what the format's reader throws on opening.
package func openTable(
  _ source: RandomAccessBytes, options: TableReadOptions = TableReadOptions()
) throws(LarderError) -> (any TableReader)? {
  let lead = try source.buffer(at: 0, count: min(source.count, FileFormat.leadBytes))
  switch unsafe FileFormat.detect(Array(lead.bytes)) {
  case .parquet: return try ParquetReader(source, options: options)
  case .arrowFile, .arrowStream: return try ArrowReader(source, options: options)
  case .text: return nil
  }
}
