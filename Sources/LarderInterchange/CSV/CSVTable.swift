import LarderColumns

/// A CSV file as a table without a view to name its types: they are found by looking at all cells.
///
/// The file is read twice; a pipe is kept in memory.
package final class CSVTable: TableReader {
  package let schema: Schema
  package let origins: [ColumnOrigin]
  package let rowCount: Int?
  /// What the file holds, with the types that were found.
  package let description: TableDescription
  private let batchRows: Int
  private var records: CSVRecords

  /// Opens a file and finds its columns' types: bool, int64, float64, date, timestamp or string.
  ///
  /// - Parameters:
  ///   - source: the bytes, from their start.
  ///   - format: the delimiter and the spellings of null.
  ///   - texts: columns that are read as text whatever they hold, such as keys of digits.
  ///   - columns: the columns to read, in the file's order; nil for all.
  ///   - batchRows: rows of a batch, about.
  /// - Throws: `invalidInput` with file and line, and for a column that is asked for and there twice;
  ///   `io`.
  package init(
    _ source: ByteSource, format: CSVFormat = .standard, texts: Set<String> = [],
    columns: [String]? = nil, batchRows: Int = 65_536
  ) throws(LarderError) {
    try source.gather()
    let format = try format.settled(for: source)
    let header = try CSVHeader.read(source, format: format)
    var chosen: [Int] = []
    for name in columns ?? header.names {
      guard let index = try header.index(of: name, file: source.name) else {
        throw LarderError(
          .notFound,
          "The file has no column \"\(name)\". \(suggestion(for: name, among: header.names))",
          file: source.name)
      }
      chosen.append(index)
    }
    let survey = try CSVSurvey(source, header, format)
    description = survey.description
    rowCount = survey.rows
    let types = chosen.map { index in
      texts.contains(header.names[index]) ? .string : survey.guesses[index].type
    }
    schema = Schema(zip(chosen, types).map { ColumnField(header.names[$0], $1) })
    origins = types.map { _ in .plain }
    self.batchRows = max(batchRows, CSVChunk.maxRecords)
    let plans = zip(chosen, types).map { index, type in
      CSVColumnPlan(
        name: header.names[index], fileColumn: header.names[index], index: index,
        rules: CellRules(
          type: type, times: TimeReading(pattern: format.timePattern), nulls: format.nulls,
          nullsMayBeQuoted: format.nullsMayBeQuoted))
    }
    records = CSVRecords(
      source: source, header: header, plans: plans, format: format, policy: .stop)
  }

  /// What a file holds.
  ///
  /// - Throws: `invalidInput` with file and line; `io`.
  package static func describe(
    _ source: ByteSource, format: CSVFormat
  ) throws(LarderError) -> TableDescription {
    try source.gather()
    let format = try format.settled(for: source)
    return try CSVSurvey(source, try CSVHeader.read(source, format: format), format).description
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
}

/// What all cells of a file leave of the types that its columns may have.
struct CSVSurvey {
  private(set) var guesses: [CellTypeGuess]
  private(set) var rows = 0
  private let names: [String]
  private let repeated: Set<String>

  /// Looks at all cells.
  init(
    _ source: ByteSource, _ header: CSVHeader, _ format: CSVFormat
  ) throws(LarderError) {
    names = header.names
    repeated = header.repeated
    guesses = header.names.map { _ in CellTypeGuess() }
    let plans = names.indices.map { index in
      CSVColumnPlan(
        name: header.names[index], fileColumn: header.names[index], index: index,
        rules: CellRules(type: .string, nulls: format.nulls))
    }
    var records = CSVRecords(
      source: source, header: header, plans: plans, format: format, policy: .stop)
    var guesses = guesses
    while records.hasMore { rows += try records.surveyChunk(&guesses, format: format) }
    self.guesses = guesses
  }

  /// The columns and their types.
  var description: TableDescription {
    var table = TableDescription(format: .text, columns: [], rowCount: rows)
    var seen: Set<String> = []
    for (name, guess) in zip(names, guesses) where seen.insert(name).inserted {
      var column = TableDescription.Column(name: name, type: .success(guess.type))
      column.guess = guess
      if repeated.contains(name) {
        column.type = .failure(
          LarderError(.invalidInput, "The header names this column twice.", column: name))
      } else if name.isEmpty {
        column.type = .failure(
          LarderError(.unsupported, "The column has no name.", column: name))
      }
      table.columns.append(column)
    }
    return table
  }
}
