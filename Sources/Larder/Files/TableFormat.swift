import LarderInterchange

/// The formats of files that tables are written in.
///
/// Read are all of them, and what a file holds is told by its first bytes, not by its name.
public enum TableFormat: Sendable, Hashable, CaseIterable {
  /// Text with commas (RFC 4180): null is an unquoted empty cell and the empty string a quoted one;
  /// floats are in the shortest form that reads back to the same bits; times are ISO 8601 in UTC.
  case csv
  /// Apache Parquet: zstd, a dictionary where it pays, row groups of 2^20 rows.
  case parquet
  /// An Arrow IPC file ("Feather V2").
  case arrow
  /// An Arrow IPC stream.
  case arrowStream

  var file: FileFormat {
    switch self {
    case .csv: .text
    case .parquet: .parquet
    case .arrow: .arrowFile
    case .arrowStream: .arrowStream
    }
  }
}
