import LarderColumns
import LarderContract

/// Brings batches of a caller's into the types of a view, where nothing is lost.
///
/// The table of what becomes what is `LosslessConversion`'s, as for files.
package struct ViewConversion {
  private let columns: [String: ViewColumn]

  /// Prepares for a view.
  package init(to view: FeatureView) {
    columns = Dictionary(
      ViewColumn.all(of: view).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// A batch with its columns converted; what the view does not know, and integers that should be
  /// times, stay as they are for the store to refuse.
  ///
  /// - Parameters:
  ///   - batch: the caller's.
  ///   - nulls: columns whose type was null: they are nulls of any type.
  /// - Throws: `invalidInput` with column, and with the row of a value that would lose something.
  package func convert(
    _ batch: RecordBatch, nulls: Set<String> = []
  ) throws(LarderError) -> RecordBatch {
    var fields: [ColumnField] = []
    var values: [Column] = []
    for (field, column) in zip(batch.schema.fields, batch.columns) {
      var value = column
      if let wanted = columns[field.name] {
        do throws(LarderError) {
          value = try convert(column, to: wanted, isNull: nulls.contains(field.name))
        } catch { throw error.inColumn(field.name) }
      }
      fields.append(ColumnField(field.name, value.type))
      values.append(value)
    }
    return RecordBatch(unchecked: Schema(fields), columns: values, count: batch.count)
  }

  private func convert(
    _ column: Column, to wanted: ViewColumn, isNull: Bool
  ) throws(LarderError) -> Column {
    if isNull { return .nulls(wanted.type, count: column.count) }
    let conversion = wanted.conversion(of: column.type, integers: nil)
    switch (column.type, conversion.target) {
    case (.int32, .timestamp), (.int64, .timestamp): return column
    default: break
    }
    guard LosslessConversion.allows(column.type, conversion.target) else {
      if case .key = wanted.role {
        throw LarderError(
          .invalidInput, "It holds \(column.type) where the join key is \(wanted.type).")
      }
      return column
    }
    return try conversion.convert(column)
  }
}
