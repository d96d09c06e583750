import LarderColumns

/// What one or several files hold together, before any row is taken.
package struct InputSummary: Sendable {
  /// The files, in order.
  package let files: [String]
  /// What each file says.
  package let tables: [TableDescription]
  /// The columns of all files, in the order of their first appearance.
  ///
  /// Integers of 32 and 64 bits together are of 64, and so are floats.
  package private(set) var columns: [TableDescription.Column] = []

  /// Rows in all, if every file says how many it has.
  package var rowCount: Int? {
    tables.reduce(0) { sum, table in
      guard let sum, let rows = table.rowCount else { return nil }
      return sum + rows
    }
  }

  /// Looks at files and at those in folders: of Parquet and Arrow at what they say of their columns,
  /// of CSV at all cells.
  ///
  /// - Throws: what the formats' readers throw on opening; `invalidInput` for columns of one name whose
  ///   types do not go together, with both files.
  package init(_ paths: [String], csv: CSVFormat = .standard) throws(LarderError) {
    files = try InputFiles(paths).files
    var tables: [TableDescription] = []
    for path in files { tables.append(try TableDescription(ByteSource(path: path), csv: csv)) }
    self.tables = tables
    for (file, table) in zip(files, tables) {
      for column in table.columns { try merge(column, file) }
    }
  }

  private mutating func merge(_ column: TableDescription.Column, _ file: String) throws(LarderError)
  {
    guard let index = columns.firstIndex(where: { $0.name == column.name }) else {
      columns.append(column)
      return
    }
    guard case .success(let known) = columns[index].type, case .success(let type) = column.type
    else { return }
    if known == type { return }
    let pair: Set<DataType> = [known, type]
    if pair == [.int32, .int64] {
      columns[index].type = .success(.int64)
    } else if pair == [.float32, .float64] {
      columns[index].type = .success(.float64)
    } else if case (.timestamp(let a), .timestamp(let b)) = (known, type) {
      columns[index].type = .success(.timestamp(a.rawValue > b.rawValue ? a : b))
    } else {
      let other =
        zip(files, tables).first { $0.1.column(named: column.name) != nil }?.0 ?? "another"
      throw LarderError(
        .invalidInput, "It holds \(type) here and \(known) in \(other).", file: file,
        column: column.name)
    }
  }
}

extension TableDescription {
  /// What an input says of its table.
  ///
  /// - Complexity: O(1) of the rows for Parquet and Arrow; text is read whole, to find its types.
  package init(_ source: ByteSource, csv: CSVFormat = .standard) throws(LarderError) {
    if try source.detectFormat() != .text,
      let found = try describeTable(try RandomAccessBytes(source))
    {
      self = found
    } else {
      self = try CSVTable(source, format: csv).description
    }
  }
}
