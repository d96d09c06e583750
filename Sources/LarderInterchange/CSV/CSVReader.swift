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
  /// - Throws: `invalidInput` for a missing key or time column, a repeated column, an empty file;
  ///   `notFound` for a mapping of names that do not exist.
  package init(
    _ source: ByteSource, for view: FeatureView, format: CSVFormat = .standard,
    map: [String: String] = [:], policy: CSVErrorPolicy = .stop
  ) throws(LarderError) {
    let header = try CSVHeader.read(source, format: format)
    let wanted = Self.columns(of: view)
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
      guard let index = header.names.firstIndex(where: { $0.utf8.elementsEqual(fileColumn.utf8) })
      else {
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
            nulls: format.nulls)))
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

  struct Wanted {
    var name: String
    var type: DataType
    /// Whether the file must have it.
    var isRequired: Bool
    /// Whether its cells may be null although the file must have it.
    var mayBeNull = false
  }

  static func columns(of view: FeatureView) -> [Wanted] {
    var columns: [Wanted] = []
    if !view.isEntityless {
      columns += view.joinKeys.map {
        Wanted(name: $0.name, type: $0.type.dataType, isRequired: true)
      }
    }
    let time = DataType.timestamp(view.timeUnit)
    columns.append(Wanted(name: view.eventTimestamp, type: time, isRequired: true))
    if let created = view.createdTimestamp {
      columns.append(Wanted(name: created, type: time, isRequired: true, mayBeNull: true))
    }
    return columns + view.features.map { Wanted(name: $0.name, type: $0.type, isRequired: false) }
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
  /// - Throws: `invalidInput` with file, line, column and value, or for a file without rows;
  ///   `limitExceeded`; `io`.
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
    guard count > 0 else {
      guard rows > 0 || skipped.count > 0 else {
        throw LarderError(.invalidInput, "The file has a header and no rows.", file: file)
      }
      return nil
    }
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
