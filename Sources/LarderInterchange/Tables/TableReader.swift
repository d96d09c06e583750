import LarderColumns

/// A table in a file, handed out batch by batch in the file's order.
///
/// A reader belongs to one thread at a time; it may use more inside.
package protocol TableReader: AnyObject {
  /// The columns asked for, in the order asked for (the file's order if none were named).
  var schema: Schema { get }

  /// What the file says of each column of `schema` beyond its type.
  var origins: [ColumnOrigin] { get }

  /// How many rows the file says it has, if that is known before reading.
  var rowCount: Int? { get }

  /// The next rows, or nil after the last.
  ///
  /// - Throws: `invalidInput` for bytes that contradict the format, with file and column;
  ///   `unsupported` for a feature that is not read, by name; `limitExceeded`; `io`.
  func nextBatch() throws(LarderError) -> RecordBatch?
}

/// How a table is read.
package struct TableReadOptions: Sendable {
  /// The columns to read, in this order; nil for all.
  package var columns: [String]?
  /// The most rows of a batch.
  ///
  /// Files with batches of their own may give smaller ones.
  package var batchRows: Int
  /// How many threads may decode at once.
  package var threads: Int
  /// Bounds of columns: parts of the file that certainly hold no row within them are skipped.
  ///
  /// Rows outside the bounds may still come: skipping saves work, it does not filter.
  package var bounds: [ColumnBounds]
  /// Whether a text or bytes column that is dictionary-encoded in the file comes as a dictionary
  /// column.
  package var keepsDictionaries: Bool
  /// The unit given to INT96 times, which have none; nil for microseconds, or nanoseconds where one
  /// is no whole number of those.
  ///
  /// Values outside its range are refused.
  package var int96Unit: TimeUnit?
  /// The unit given to the INT96 times of some columns.
  package var int96Units: [String: TimeUnit] = [:]
  /// Whether unsigned integers of 64 bits come as text, and not as int64, which cannot hold them all.
  package var unsignedTexts: Bool
  /// Bytes that the columns of one batch may take, by the file's own account: wide rows come in
  /// smaller batches.
  package var batchBytes: Int

  /// Makes options; the defaults read everything on one thread.
  package init(
    columns: [String]? = nil, batchRows: Int = 1 << 20, threads: Int = 1,
    bounds: [ColumnBounds] = [], keepsDictionaries: Bool = true,
    int96Unit: TimeUnit? = nil, batchBytes: Int = 1 << 30, unsignedTexts: Bool = false
  ) {
    self.columns = columns
    self.batchRows = batchRows
    self.threads = threads
    self.bounds = bounds
    self.keepsDictionaries = keepsDictionaries
    self.int96Unit = int96Unit
    self.batchBytes = batchBytes
    self.unsignedTexts = unsignedTexts
  }
}

/// The range of a column's values that a caller wants, both ends inclusive.
package struct ColumnBounds: Sendable, Hashable {
  /// The column's name.
  package var column: String
  /// The least value wanted, or nil.
  package var atLeast: Value?
  /// The greatest value wanted, or nil.
  package var atMost: Value?

  /// Makes bounds.
  package init(_ column: String, atLeast: Value? = nil, atMost: Value? = nil) {
    self.column = column
    self.atLeast = atLeast
    self.atMost = atMost
  }
}
