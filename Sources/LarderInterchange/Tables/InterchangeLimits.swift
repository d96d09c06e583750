import LarderColumns

extension Limits {
  /// Bytes of a compressed CSV file, decompressed: more comes through a pipe.
  package static let compressedTextBytes = 16 << 30
  /// Bytes of a Parquet footer or of an Arrow message's metadata.
  package static let metadataBytes = 256 << 20
  /// Bytes of one Parquet page, decompressed.
  package static let parquetPageBytes = 1 << 30
  /// Bytes of one Parquet page header: statistics of long texts make it long.
  package static let parquetPageHeaderBytes = 16 << 20
}
