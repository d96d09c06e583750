import LarderColumns

/// A CSV file as a table without a view to name its types: they are found by looking at all cells.
///
/// The file is read twice; a pipe is kept in memory.
package final class CSVTable: TableReader {
  package let schema: Schema
  package let origins: [ColumnOrigin]
  package let rowCount: Int?
  private let batchRows: Int
  private var records: CSVRecords

  /// Opens a file and finds its columns' types: bool, int64, float64, date, timestamp or string.
  ///
  /// - Parameters:
  ///   - source: the bytes, from their start.
  ///   - format: the delimiter and the spellings of null.
  ///   - texts: columns that are read as text whatever they hold, such as keys of digits.
  ///   - batchRows: rows of a batch, about.
  /// - Throws: `invalidInput` with file and line; `io`.
  package init(
    _ source: ByteSource, format: CSVFormat = .standard, texts: Set<String> = [],
    batchRows: Int = 65_536
  ) throws(LarderError) {
    try source.gather()
    let header = try CSVHeader.read(source, format: format)
    func records(_ types: [DataType]) -> CSVRecords {
      let plans = header.names.indices.map { index in
        CSVColumnPlan(
          name: header.names[index], fileColumn: header.names[index], index: index,
          rules: CellRules(type: types[index], nulls: format.nulls))
      }
      return CSVRecords(
        source: source, header: header, plans: plans, format: format, policy: .stop)
    }
    var guesses = header.names.map { _ in CellTypeGuess() }
    var first = records(header.names.map { _ in .string })
    var rows = 0
    while first.hasMore {
      rows += try first.readChunk()
      for index in guesses.indices { guesses[index].see(first.columns[index].finish()) }
    }
    let types = zip(header.names, guesses).map { texts.contains($0) ? .string : $1.type }
    schema = Schema(zip(header.names, types).map { ColumnField($0, $1) })
    origins = types.map { _ in .plain }
    rowCount = rows
    self.batchRows = max(batchRows, CSVChunk.maxRecords)
    self.records = records(types)
  }

  package func nextBatch() throws(LarderError) -> RecordBatch? {
    var count = 0
    while records.hasMore, count <= batchRows - CSVChunk.maxRecords,
      !records.columns.contains(where: { $0.variableBytes > CSVReader.batchBytes })
    {
      count += try records.readChunk()
    }
    guard count > 0 else { return nil }
    var columns: [Column] = []
    for index in records.columns.indices { columns.append(records.columns[index].finish()) }
    return RecordBatch(unchecked: schema, columns: columns, count: count)
  }

  /// What the file holds, with the types that were found.
  package var description: TableDescription {
    TableDescription(
      format: .text,
      columns: schema.fields.map {
        TableDescription.Column(name: $0.name, type: .success($0.type))
      }, rowCount: rowCount)
  }
}
