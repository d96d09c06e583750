import LarderColumns
import LarderContract

/// Reads a view's rows from a CSV file, batch by batch, in bounded memory.
package struct CSVReader {
  /// Rows of a batch, if its text is not too long.
  package static let batchRows = 65_536
  /// Bytes of text in one column after which a batch ends early.
  static let batchBytes = 64 << 20

  /// The file's columns.
  package let header: CSVHeader
  /// Columns of the file that the view has no use for.
  package let unusedColumns: [String]
  /// Features of the view that the file does not have; they will be null.
  package let missingFeatures: [String]
  /// Columns of the batches.
  package let schema: Schema

  private let file: String
  private let fileColumns: [String]
  private var records: CSVRecords
  /// The line that each row of the last batch begins in.
  private var lines: [Int] = []
  /// Rows handed out so far.
  package private(set) var rows = 0

  /// Opens a file for a view.
  ///
  /// - Parameters:
  ///   - source: the bytes.
  ///   - view: names and types the columns.
  ///   - format: the delimiter and the spellings of null.
  ///   - map: for a join key, time column or feature of the view, the file's column for it.
  ///   - policy: what to do with a record that cannot be read.
  ///   - timeUnit: what times count that are whole numbers; nil to refuse them.
  ///   - outside: columns that the file need not have: its folder says them.
  /// - Throws: `invalidInput` for a missing key or time column, a repeated column, an empty file;
  ///   `notFound` for a mapping of names that do not exist.
  package init(
    _ source: ByteSource, for view: FeatureView, format: CSVFormat = .standard,
    map: [String: String] = [:], policy: CSVErrorPolicy = .stop, timeUnit: TimeUnit? = nil,
    outside: Set<String> = []
  ) throws(LarderError) {
    let format = try format.settled(for: source)
    let header = try CSVHeader.read(source, format: format)
    let wanted = ViewColumn.all(of: view)
    for field in map.keys.sorted() where !wanted.contains(where: { $0.name == field }) {
      throw LarderError(
        .notFound,
        "View \"\(view.name)\" has no column \"\(field)\" to map. "
          + suggestion(for: field, among: wanted.map(\.name)))
    }
    var plans: [CSVColumnPlan] = []
    var missing: [String] = []
    for column in wanted {
      let fileColumn = map[column.name] ?? column.name
      guard let index = try header.index(of: fileColumn, file: source.name) else {
        if outside.contains(fileColumn) { continue }
        guard !column.isRequired, map[column.name] == nil else {
          throw Self.missing(column.name, fileColumn, header, source.name)
        }
        missing.append(column.name)
        continue
      }
      if let other = plans.first(where: { $0.index == index }) {
        throw LarderError(
          .invalidArgument, "\"\(other.name)\" and \"\(column.name)\" both take this column.",
          file: source.name, column: fileColumn)
      }
      plans.append(
        CSVColumnPlan(
          name: column.name, fileColumn: fileColumn, index: index,
          rules: CellRules(
            type: column.type, isRequired: column.isRequired && !column.mayBeNull,
            times: TimeReading(integers: timeUnit, pattern: format.timePattern),
            nulls: format.nulls, nullsMayBeQuoted: format.nullsMayBeQuoted)))
    }
    self.header = header
    file = source.name
    fileColumns = plans.map(\.fileColumn)
    missingFeatures = missing
    unusedColumns = header.names.enumerated().filter { index, _ in
      !plans.contains { $0.index == index }
    }.map(\.element)
    schema = Schema(plans.map { ColumnField($0.name, $0.rules.type) })
    records = CSVRecords(
      source: source, header: header, plans: plans, format: format, policy: policy)
  }

  private static func missing(
    _ name: String, _ fileColumn: String, _ header: CSVHeader, _ file: String
  ) -> LarderError {
    LarderError(
      .invalidInput,
      "The file has no column \"\(fileColumn)\". "
        + suggestion(for: fileColumn, among: header.names)
        + " Another column is taken with --map \(name)=COLUMN.", file: file,
      position: TextPosition(line: 1))
  }

  /// What was left out so far.
  package var skipped: SkippedRecords { records.skipped }
  /// Bytes of the file read so far.
  package var bytesRead: Int { records.bytesRead }

  /// The next rows; nil at the end.
  ///
  /// - Throws: `invalidInput` with file, line, column and value; `limitExceeded`; `io`.
  package mutating func next() throws(LarderError) -> RecordBatch? {
    var count = 0
    lines.removeAll(keepingCapacity: true)
    while records.hasMore, count <= Self.batchRows - CSVChunk.maxRecords,
      !records.columns.contains(where: { $0.variableBytes > Self.batchBytes })
    {
      let read = try records.readChunk()
      lines += records.chunk.lines[..<read]
      count += read
    }
    guard count > 0 else { return nil }
    rows += count
    var columns: [Column] = []
    for index in records.columns.indices { columns.append(records.columns[index].finish()) }
    return try RecordBatch(schema: schema, columns: columns, count: count)
  }

  /// An error about a row of the last batch as one about the file's line and column.
  package func located(_ error: LarderError) -> LarderError {
    var error = error
    if error.file == nil { error.file = file }
    if let row = error.row, lines.indices.contains(row) {
      error.position = TextPosition(line: lines[row])
      error.row = nil
    }
    if let name = error.column, let index = schema.index(of: name) {
      error.column = fileColumns[index]
    }
    return error
  }
}
