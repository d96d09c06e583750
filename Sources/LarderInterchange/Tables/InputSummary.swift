import LarderColumns

/// What one or several files hold together, before any row is taken.
package struct InputSummary: Sendable {
  /// The files, in order.
  package let files: [String]
  /// What each file says.
  package let tables: [TableDescription]
  /// Files in folders that cannot be read, and why, where they are passed over.
  package let unreadable: [LarderError]
  /// The columns of all files, in the order of their first appearance, then those that the names of
  /// folders say.
  ///
  /// Types that go together without loss are one type: the wider number, the finer time. The types of
  /// text are found by looking at the cells of all files.
  package private(set) var columns: [TableDescription.Column] = []
  private var places: [String: Int] = [:]

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
  /// - Parameters:
  ///   - paths: files and folders.
  ///   - csv: how text is read.
  ///   - unsignedTexts: whether unsigned integers of 64 bits are text.
  ///   - skipsUnreadable: whether files in folders that are no tables are passed over.
  /// - Throws: what the formats' readers throw on opening; `invalidInput` for columns of one name whose
  ///   types do not go together, with both files.
  package init(
    _ paths: [String], csv: CSVFormat = .standard, unsignedTexts: Bool = false,
    skipsUnreadable: Bool = false
  ) throws(LarderError) {
    try self.init(
      InputFiles(paths, skipsUnreadable: skipsUnreadable), csv: csv, unsignedTexts: unsignedTexts)
  }

  /// Looks at files.
  ///
  /// - Throws: as the other.
  package init(
    _ found: InputFiles, csv: CSVFormat, unsignedTexts: Bool = false
  ) throws(LarderError) {
    files = found.files
    unreadable = found.unreadable
    var tables: [TableDescription] = []
    for path in files {
      tables.append(
        try TableDescription(ByteSource(path: path), csv: csv, unsignedTexts: unsignedTexts))
    }
    self.tables = tables
    for (file, table) in zip(files, tables) {
      for column in table.columns { try merge(column, file) }
    }
    addPartitions(found.inputs)
  }

  /// Adds what the names of folders say, typed over all of them.
  private mutating func addPartitions(_ inputs: [InputFile]) {
    var names: [String] = []
    var guesses: [String: CellTypeGuess] = [:]
    for input in inputs {
      for value in input.partition {
        if guesses[value.name] == nil {
          names.append(value.name)
          guesses[value.name] = CellTypeGuess()
        }
        if let text = value.text { guesses[value.name]?.see(text) }
      }
    }
    for name in names where places[name] == nil {
      var column = TableDescription.Column(
        name: name, type: .success(guesses[name]?.type ?? .string))
      column.guess = guesses[name]
      places[name] = columns.count
      columns.append(column)
    }
  }

  private mutating func merge(_ column: TableDescription.Column, _ file: String) throws(LarderError)
  {
    guard let index = places[column.name] else {
      places[column.name] = columns.count
      columns.append(column)
      return
    }
    if case .failure = column.type {
      columns[index] = column
      return
    }
    guard case .success(let known) = columns[index].type, case .success(let type) = column.type
    else { return }
    if let guess = column.guess, let other = columns[index].guess {
      let both = guess.merged(with: other)
      columns[index].guess = both
      columns[index].type = .success(both.type)
      return
    }
    // What says nothing of its type is of the other's.
    if column.isNull || column.guess?.isOpen == true { return }
    if columns[index].isNull || columns[index].guess?.isOpen == true {
      columns[index] = column
      return
    }
    columns[index].isINT96 = columns[index].isINT96 && column.isINT96
    if known == type { return }
    if let guess = column.guess, guess.allows(known) { return }
    if let guess = columns[index].guess, guess.allows(type) {
      columns[index] = column
      return
    }
    guard let wider = Self.common(known, type) else {
      let other =
        zip(files, tables).first { $0.1.column(named: column.name) != nil }?.0 ?? "another"
      throw LarderError(
        .invalidInput, "It holds \(type) here and \(known) in \(other).", file: file,
        column: column.name)
    }
    columns[index].guess = nil
    columns[index].type = .success(wider)
  }

  /// The type that holds what two types hold; values are looked at when they are read.
  private static func common(_ a: DataType, _ b: DataType) -> DataType? {
    let numbers: [DataType] = [.int32, .int64, .float32, .float64]
    if let x = numbers.firstIndex(of: a), let y = numbers.firstIndex(of: b) {
      // Integers beside floats of 32 bits need 64.
      return min(x, y) < 2 && max(x, y) == 2 ? .float64 : numbers[max(x, y)]
    }
    return switch (a, b) {
    case (.timestamp(let x), .timestamp(let y)): .timestamp(x.rawValue > y.rawValue ? x : y)
    case (.timestamp(let x), .date), (.date, .timestamp(let x)): .timestamp(x)
    case (.decimal, .int32), (.decimal, .int64), (.int32, .decimal), (.int64, .decimal): nil
    default: a.isText && b.isText ? .string : nil
    }
  }
}

extension TableDescription {
  /// What an input says of its table.
  ///
  /// - Complexity: O(1) of the rows for Parquet and Arrow; text is read whole, to find its types.
  package init(
    _ source: ByteSource, csv: CSVFormat = .standard, unsignedTexts: Bool = false
  ) throws(LarderError) {
    if try source.detectFormat() != .text,
      let found = try describeTable(try RandomAccessBytes(source), unsignedTexts: unsignedTexts)
    {
      self = found
    } else {
      self = try CSVTable.describe(source, format: csv)
    }
  }
}
