import LarderColumns

/// What a file says of its table before any row is read.
package struct TableDescription: Sendable {
  /// A column, read or not.
  package struct Column: Sendable {
    /// The column's name.
    package var name: String
    /// What the column becomes, or why it is not read.
    package var type: Result<DataType, LarderError>
    /// What a copy has to say of it.
    package var origin = ColumnOrigin.plain
    /// Whether the file's type for it is null: it holds nothing, and may be a column of any type.
    package var isNull = false
    /// Whether it holds INT96 times, which are read in the unit that is wanted.
    package var isINT96 = false
    /// The group that it is a part of, whose name its own begins with; nil for a column of its own.
    package var group: String?
    /// Of text: which types its cells may have.
    package var guess: CellTypeGuess?

    /// Describes a column.
    package init(
      name: String, type: Result<DataType, LarderError>, origin: ColumnOrigin = .plain
    ) {
      self.name = name
      self.type = type
      self.origin = origin
    }
  }

  /// The format.
  package var format: FileFormat
  /// The columns, in the file's order.
  package var columns: [Column]
  /// How many rows there are, if the file says so.
  package var rowCount: Int?
  /// How many parts (row groups, batches) there are, if the file says so.
  package var partCount: Int?
  /// The program that wrote the file, if the file says so.
  package var writer: String?

  /// The column of a name, or nil.
  package func column(named name: String) -> Column? { columns.first { $0.name == name } }

  /// The same table, with each name that is there twice once, and refused.
  func refusingRepeatedNames() -> TableDescription {
    var table = self
    table.columns = []
    var places: [String: Int] = [:]
    for column in columns {
      guard let index = places[column.name] else {
        places[column.name] = table.columns.count
        table.columns.append(column)
        continue
      }
      table.columns[index].type = .failure(.repeatedColumn(column.name))
    }
    return table
  }
}

extension LarderError {
  /// A name that two columns of a file have.
  static func repeatedColumn(_ name: String) -> LarderError {
    LarderError(.invalidInput, "The file has two columns of this name.", column: name)
  }
}

extension TableReader {
  /// All rows that are left, as one batch.
  ///
  /// - Throws: what `nextBatch` throws; `limitExceeded` above what a batch holds.
  package func readAll() throws(LarderError) -> RecordBatch {
    var batches: [RecordBatch] = []
    var rows = 0
    while let batch = try nextBatch() {
      rows += batch.count
      guard rows <= Limits.batchRows else {
        throw LarderError(.limitExceeded, "The table has more than \(Limits.batchRows) rows.")
      }
      batches.append(batch)
    }
    if batches.count == 1 { return batches[0] }
    var columns: [Column] = []
    for (index, field) in schema.fields.enumerated() {
      do throws(LarderError) {
        columns.append(
          batches.isEmpty
            ? ColumnBuilder(field.type).finish() : try .joined(batches.map { $0.columns[index] }))
      } catch { throw error.inColumn(field.name) }
    }
    return RecordBatch(unchecked: schema, columns: columns, count: rows)
  }
}
