/// Columns of one length with their names: what goes in and what comes out.
///
/// Immutable.
public struct RecordBatch: Sendable {
  /// Names and types of the columns.
  public let schema: Schema
  /// The columns, in the schema's order.
  public let columns: [Column]
  /// How many rows each column has.
  public let count: Int

  /// Makes a batch of named columns.
  ///
  /// - Parameters:
  ///   - columns: names and columns, all of one length.
  ///   - count: the number of rows, needed only where there are no columns.
  /// - Throws: `invalidArgument` if the lengths differ or are negative; `limitExceeded` above 2^31 - 2
  ///   rows.
  public init(
    _ columns: KeyValuePairs<String, Column>, count: Int? = nil
  ) throws(LarderError) {
    try self.init(
      schema: Schema(columns.map { ColumnField($0.key, $0.value.type) }),
      columns: columns.map(\.value), count: count)
  }

  /// Makes a batch of a schema's columns.
  ///
  /// - Parameters:
  ///   - schema: names and types, one for each column.
  ///   - columns: the columns, all of one length and of the schema's types.
  ///   - count: the number of rows, needed only where there are no columns.
  /// - Throws: `invalidArgument` if lengths or types differ or the count is negative; `limitExceeded`
  ///   above 2^31 - 2 rows.
  public init(schema: Schema, columns: [Column], count: Int? = nil) throws(LarderError) {
    guard schema.fields.count == columns.count else {
      throw LarderError(
        .invalidArgument,
        "The schema names \(schema.fields.count) columns, and \(columns.count) were given.")
    }
    let rows = count ?? columns.first?.count ?? 0
    guard rows >= 0 else {
      throw LarderError(.invalidArgument, "A batch cannot have \(rows) rows.")
    }
    guard rows <= Limits.batchRows else {
      throw LarderError(
        .limitExceeded, "A batch holds at most \(Limits.batchRows) rows; \(rows) were given.")
    }
    for (field, column) in zip(schema.fields, columns) {
      guard column.count == rows else {
        throw LarderError(
          .invalidArgument, "It has \(column.count) rows where the batch has \(rows).",
          column: field.name)
      }
      guard column.type == field.type else {
        throw LarderError(
          .invalidArgument, "It holds \(column.type) where the schema says \(field.type).",
          column: field.name)
      }
    }
    self.schema = schema
    self.columns = columns
    self.count = rows
  }

  /// The first column of a name, or nil.
  public subscript(name: String) -> Column? { schema.index(of: name).map { columns[$0] } }

  /// A run of rows, sharing the columns' buffers.
  ///
  /// - Precondition: the range lies within the batch.
  public func slice(_ rows: Range<Int>) -> RecordBatch {
    RecordBatch(
      unchecked: schema, columns: columns.map { $0.slice(rows) }, count: rows.count)
  }

  /// A row's values in a form for people; slow, for inspection and tests.
  public func row(_ index: Int) -> [Value] { columns.map { $0[index] } }

  /// Puts together what the engine knows to fit.
  package init(unchecked schema: Schema, columns: [Column], count: Int) {
    self.schema = schema
    self.columns = columns
    self.count = count
  }
}
