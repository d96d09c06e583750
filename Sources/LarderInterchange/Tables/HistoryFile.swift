import LarderColumns
import LarderContract

/// How files of history are read.
package struct HistoryOptions: Sendable {
  /// Of CSV: the delimiter, the spellings of null and how times are written.
  package var csv = CSVFormat.standard
  /// For a join key, time column or feature of the view, the file's column for it.
  package var map: [String: String] = [:]
  /// Of CSV: what happens to a record that cannot be read.
  package var policy = CSVErrorPolicy.stop
  /// What times count that are integers; nil to refuse them.
  package var timeUnit: TimeUnit?
  /// Of Parquet and Arrow: whether unsigned integers of 64 bits are text.
  package var unsignedTexts = false
  /// How many threads may decode at once.
  package var threads = 1

  /// Options with every choice at its default.
  package init() {}
}

/// Rows of a view in a file of any format, batch by batch.
package struct HistoryFile {
  /// One of the two.
  private var csv: CSVReader?
  private var table: ViewTable?
  private let source: ByteSource
  private let partition: PartitionColumns
  /// Rows handed out so far.
  package private(set) var rows = 0

  /// Opens an input as what its first bytes say it is.
  ///
  /// - Parameters:
  ///   - source: the bytes.
  ///   - view: names and types the columns.
  ///   - options: how it is read.
  ///   - partition: what the names of the file's folders say of its rows.
  /// - Throws: what `CSVReader` and `ViewTable` throw on opening; `invalidArgument` for an option that
  ///   its format does not have; `unsupported` for another kind of file, by its name.
  package init(
    _ source: ByteSource, for view: FeatureView, options: HistoryOptions,
    partition: [PartitionValue] = []
  ) throws(LarderError) {
    self.source = source
    let times = TimeReading(integers: options.timeUnit, pattern: options.csv.timePattern)
    self.partition = try PartitionColumns(
      partition, of: view, map: options.map, times: times, file: source.name)
    let outside = Set(partition.map(\.name))
    if try source.detectFormat() == .text {
      csv = try CSVReader(
        source, for: view, format: options.csv, map: options.map, policy: options.policy,
        timeUnit: options.timeUnit, outside: outside)
      return
    }
    guard options.policy == .stop else {
      throw LarderError(
        .invalidArgument, "Only rows of CSV can be skipped; this file is no text.",
        file: source.name)
    }
    table = try ViewTable(
      try RandomAccessBytes(source), for: view, map: options.map, timeUnit: options.timeUnit,
      unsignedTexts: options.unsignedTexts, threads: options.threads, outside: outside)
  }

  /// Columns of the file that the view has no use for.
  package var unusedColumns: [String] { csv?.unusedColumns ?? table?.unusedColumns ?? [] }

  /// Features of the view that the file does not have; they are null.
  package var missingFeatures: [String] { csv?.missingFeatures ?? table?.missingFeatures ?? [] }

  /// What was left out so far.
  package var skipped: SkippedRecords { csv?.skipped ?? SkippedRecords() }

  /// What part of the file is read, 0 to 1; nil if its end is not known.
  package var partRead: Double? {
    let (done, all) = csv.map { ($0.bytesRead, source.totalBytes) } ?? (rows, table?.rowCount)
    return all.map { $0 > 0 ? Double(done) / Double($0) : 1 }
  }

  /// The next rows; nil at the end.
  ///
  /// - Throws: what the format's reader throws; `invalidInput` for a value other than what the file's
  ///   folder says.
  package mutating func next() throws(LarderError) -> RecordBatch? {
    guard let read = csv == nil ? try table?.next() : try csv?.next() else { return nil }
    rows += read.count
    do throws(LarderError) { return try partition.completing(read) } catch {
      throw located(error)
    }
  }

  /// An error about the last batch as one about the file's column and line or row.
  package func located(_ error: LarderError) -> LarderError {
    csv?.located(error) ?? table?.located(error) ?? error
  }
}
